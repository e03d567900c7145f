import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../src/base/clock.ts';
import type { Clock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import type { Log } from '../../src/base/log.ts';
import { createClient } from '../../src/kube/client.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import { loadKubeconfig } from '../../src/kube/kubeconfig.ts';
import { startApiServer } from '../../src/standalone/apiserver/index.ts';
import { builtInSchemas } from '../../src/standalone/apiserver/kinds/index.ts';
import { createAuthority, issueKubeconfig, issueServing } from '../../src/standalone/apiserver/pki/index.ts';
import { type ControllersOptions, startControllers } from '../../src/standalone/controllers/index.ts';

/** A real API server and the controllers beside it, on loopback, in a directory of its own. */
export interface ControlPlane extends AsyncDisposable {
  readonly client: KubeClient;
  readonly kubeconfig: string;
  readonly rootCertificate: string;
  /** Ends the controllers at once and starts new ones, as after a crash of their process. */
  restartControllers(): Promise<void>;
}

export interface ControlPlaneOptions {
  readonly clock?: Clock;
  readonly log?: Log;
  /** What the controllers get instead of the client: for tests of what goes wrong on the way. */
  readonly between?: (client: KubeClient) => KubeClient;
  /** Controllers that run only where they are given what they need. */
  readonly more?: Pick<ControllersOptions, 'dialWorld' | 'selfSignedDirectory'>;
}

export async function startControlPlane(options: ControlPlaneOptions = {}): Promise<ControlPlane> {
  const { clock = systemClock, log = silentLog, between = (client: KubeClient) => client } = options;
  const directory = await mkdtemp(join(tmpdir(), 'fairlead-controllers-'));
  const authority = createAuthority(join(directory, 'pki'));
  const serving = issueServing(authority, { names: ['127.0.0.1'] });
  const server = await startApiServer({
    stateDirectory: directory,
    listeners: [{ host: '127.0.0.1', port: 0 }],
    tls: { ...serving, authority: authority.certificate },
    schemas: builtInSchemas(),
    runtimeSocket: join(directory, 'runtime.sock'),
    servicePrefixes: ['10.96.0.0/16', 'fd00:10:96::/112'],
    log,
  });
  const kubeconfig = join(directory, 'admin.kubeconfig');
  const port = server.addresses[0]?.port ?? 0;
  issueKubeconfig(authority, {
    user: 'kubernetes-admin',
    groups: ['system:masters'],
    server: `https://127.0.0.1:${port}`,
    file: kubeconfig,
    cluster: 'test',
  });
  const client = createClient(loadKubeconfig(kubeconfig));
  const run = async () => {
    const ended = new AbortController();
    const own = createClient(loadKubeconfig(kubeconfig));
    const controllers = await startControllers({
      ...options.more,
      client: between(own),
      log,
      clock,
      signal: ended.signal,
      rootCertificate: authority.certificate,
    });
    return {
      close: async () => {
        await controllers.close();
        ended.abort(new Error('the test is over'));
        own.close();
      },
      crash: () => {
        ended.abort(new Error('crashed'));
        own.close();
      },
    };
  };
  let running = await run();
  return {
    client,
    kubeconfig,
    rootCertificate: authority.certificate,
    restartControllers: async () => {
      running.crash();
      running = await run();
    },
    [Symbol.asyncDispose]: async () => {
      await running.close();
      client.close();
      await server.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
