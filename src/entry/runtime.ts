/**
 * The kubelets of a standalone cluster's nodes, in one process of the host's network namespace.
 *
 * ```
 *   API server ◀─ HTTPS ─▶ runtime ─▶ pod launchers (one a container: they outlive the runtime)
 *       │                    │ └────▶ CNI plugin of each node ─▶ the node's agent
 *       └─ runtime.sock ─────┘        logs, exec, attach, port-forward
 * ```
 */
import { flushCompileCache } from 'node:module';
import { join, resolve } from 'node:path';
import { systemClock } from '../base/clock.ts';
import { createClient } from '../kube/client.ts';
import { loadKubeconfig } from '../kube/kubeconfig.ts';
import { clusterFiles } from '../standalone/cluster.ts';
import { startRuntime } from '../standalone/runtime/index.ts';
import { clusterFromArguments } from '../standalone/topology/cluster-argument.ts';
import { runProcess } from './process-top.ts';

const native = resolve(import.meta.dirname, '..', '..', 'build', 'native');

if (import.meta.main)
  runProcess('runtime', async ({ log, stop }) => {
    const cluster = clusterFromArguments(process.argv.slice(2));
    const client = createClient(loadKubeconfig(clusterFiles.kubeconfig(cluster.name, 'runtime')));
    const runtime = startRuntime({
      cluster,
      client,
      native: { launcher: join(native, 'fairlead-pod-launcher'), cniDirectory: native },
      socket: clusterFiles.runtimeSocket(cluster.name),
      log,
      clock: systemClock,
      signal: stop,
    });
    await runtime.ready;
    flushCompileCache();
    await runtime.closed;
    client.close();
  });
