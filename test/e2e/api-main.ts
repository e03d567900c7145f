// An API server alone, for tests that need a process: `api-main.ts DIRECTORY`. Writes one line of JSON when it serves.
import { join } from 'node:path';
import { describeError } from '../../src/base/errors.ts';
import { silentLog } from '../../src/base/log.ts';
import { startApiServer } from '../../src/standalone/apiserver/index.ts';
import { builtInSchemas } from '../../src/standalone/apiserver/kinds/index.ts';
import { createAuthority, issueKubeconfig, issueServing } from '../../src/standalone/apiserver/pki/index.ts';

const directory = process.argv[2] ?? '';
const kubeconfig = join(directory, 'admin.kubeconfig');
try {
  const authority = createAuthority(join(directory, 'pki'));
  const server = await startApiServer({
    stateDirectory: directory,
    listeners: [{ host: '127.0.0.1', port: 0 }],
    tls: { ...issueServing(authority), authority: authority.certificate },
    schemas: builtInSchemas(),
    runtimeSocket: join(directory, 'runtime.sock'),
    servicePrefixes: ['10.96.0.0/16', 'fd00:10:96::/112'],
    log: silentLog,
  });
  const port = server.addresses[0]?.port ?? 0;
  const address = `https://127.0.0.1:${port}`;
  issueKubeconfig(authority, {
    user: 'admin',
    groups: ['system:masters'],
    server: address,
    file: kubeconfig,
  });
  process.once('SIGTERM', () => void server.close().then(() => process.exit(0)));
  process.stdout.write(`${JSON.stringify({ kubeconfig, port })}\n`);
} catch (error) {
  process.stderr.write(`${describeError(error).join('\n')}\n`);
  process.exitCode = 1;
}
