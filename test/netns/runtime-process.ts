/** The runtime as a process of its own, so that a test can kill it: `runtime-process.ts JSON`. */
import { systemClock } from '../../src/base/clock.ts';
import { createLog } from '../../src/base/log.ts';
import { createClient } from '../../src/kube/client.ts';
import { loadKubeconfig } from '../../src/kube/kubeconfig.ts';
import type { ClusterConfig } from '../../src/standalone/cluster.ts';
import { startRuntime } from '../../src/standalone/runtime/index.ts';

interface Options {
  readonly cluster: ClusterConfig;
  readonly kubeconfig: string;
  readonly launcher: string;
  readonly cniDirectory: string;
  readonly socket: string;
}

const options = JSON.parse(process.argv[2] ?? '') as Options;
const { cluster, kubeconfig, launcher, cniDirectory, socket } = options;
const runtime = startRuntime({
  cluster,
  client: createClient(loadKubeconfig(kubeconfig)),
  native: { launcher, cniDirectory },
  socket,
  log: createLog('runtime', 'debug'),
  clock: systemClock,
  signal: new AbortController().signal,
});
await runtime.ready;
console.log('"ready"');
