import { Option } from 'commander';
import type { Command } from 'commander';
import { collect, nameOption } from './options.ts';

/** The commands that follow one request. */
export function traceCommands(program: Command): void {
  program
    .command('trace')
    .summary('show the way of a request, and what decides it')
    .description(
      'Follows one request through DNS, Services, Gateways, policies and routes, in the model that programs the kernels, and says what decides it and what would have to change.',
    )
    .argument('<from>', 'world, pod/NAMESPACE/NAME, deployment/NAMESPACE/NAME or node/NAME')
    .argument('<to>', 'a URL, a name with a port, or an address with a port ([fd00::1]:443)')
    .addOption(nameOption())
    .option('--kubeconfig <file>', 'another cluster, instead of one on this machine')
    .option('--observe', 'send it for real too, and compare: exit code 1 where they differ')
    .option('--cacert <file>', 'authorities that certificates are checked against')
    .addOption(new Option('-4, --ipv4', 'use IPv4 addresses alone').conflicts('ipv6'))
    .addOption(new Option('-6, --ipv6', 'use IPv6 addresses alone').conflicts('ipv4'))
    .option('-X, --request <method>', 'the method of an HTTP request (default: GET)')
    .option('-H, --header <header>', '"Name: value" of an HTTP request (again for more)', collect, [])
    .addOption(
      new Option('-o, --output <form>', 'text, or for programs json or yaml')
        .choices(['text', 'json', 'yaml'])
        .default('text'),
    )
    .action(async (from: string, to: string, options: TraceOptions) => {
      const { name, kubeconfig, request, header, ipv4, ipv6, output, observe, cacert } = options;
      const { trace } = await import('../trace.ts');
      process.exitCode = await trace({
        from,
        to,
        cluster: name,
        ...(kubeconfig === undefined ? {} : { kubeconfig }),
        ...(request === undefined ? {} : { method: request }),
        headers: header,
        ...(ipv4 === true ? { family: 4 } : ipv6 === true ? { family: 6 } : {}),
        form: output,
        observe: observe === true,
        ...(cacert === undefined ? {} : { authorityFile: cacert }),
      });
    });
}

interface TraceOptions {
  readonly name: string;
  readonly kubeconfig?: string;
  readonly request?: string;
  readonly header: readonly string[];
  readonly observe?: true;
  readonly cacert?: string;
  readonly ipv4?: true;
  readonly ipv6?: true;
  readonly output: 'text' | 'json' | 'yaml';
}
