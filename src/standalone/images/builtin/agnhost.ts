/**
 * The program behind builtin://agnhost: subcommands of Kubernetes' agnhost that test networks, each as its
 * documentation says. What it is told was checked before (agnhost-commands.ts), and is read here by the same table.
 */
import { hostname } from 'node:os';
import { parseAgnhost, type Invocation } from './agnhost-commands.ts';
import { fail } from './serving.ts';

const invocation = parseAgnhost(process.argv.slice(2));
if (typeof invocation === 'string') fail(invocation);
if (invocation.command !== 'serve-hostname') {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => process.exit(0));
}
await run(invocation);

/** Each subcommand is loaded alone. */
async function run({ command, flags, words }: Invocation): Promise<void> {
  const port = Number(flags.port ?? 0);
  switch (command) {
    case 'netexec':
      return (await import('./agnhost-netexec.ts')).netexec(flags);
    case 'connect':
      return (await import('./agnhost-connect.ts')).connect(words[0] ?? '', flags);
    case 'serve-hostname':
      return (await import('./agnhost-serve-hostname.ts')).serveHostname(flags, hostname());
    case 'porter':
      return (await import('./agnhost-porter.ts')).porter(flags['json-response'] === 'true');
    case 'grpc-health-checking':
      return (await import('./agnhost-grpc-health.ts')).grpcHealthChecking(flags);
    case 'dns-suffix':
    case 'dns-server-list':
    case 'etc-hosts':
      return (await import('./agnhost-files.ts')).printFile(command);
    case 'test-webserver':
      return (await import('./agnhost-files.ts')).testWebserver(port);
    case 'liveness':
      return (await import('./agnhost-liveness.ts')).liveness();
    case 'no-snat-test':
      return (await import('./agnhost-no-snat.ts')).noSnatTest(port);
    case 'no-snat-test-proxy':
      return (await import('./agnhost-no-snat.ts')).noSnatTestProxy(port);
    case 'tcp-reset':
      return (await import('./agnhost-tcp.ts')).tcpReset(port);
    case 'port-forward-tester':
      return (await import('./agnhost-tcp.ts')).portForwardTester();
    case 'entrypoint-tester':
      console.log(words.join(' '));
      return;
    case 'pause':
      setInterval(() => undefined, 2 ** 30);
      return;
    default:
      fail(`builtin://agnhost has no program for ${command}.`);
  }
}
