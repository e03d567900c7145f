import { Option } from 'commander';
import type { Command } from 'commander';
import { nameOption, numeric } from './options.ts';

/** The commands of names. */
export function dnsCommands(program: Command): void {
  const dns = program
    .command('dns')
    .summary('ask for a name as a pod does, and show what is asked for')
    .description('Looks at the cluster’s DNS, from the places that ask and from the servers that answer.');
  dns
    .command('query')
    .summary('what a place gets for a name: each question, its answer, and which object makes it')
    .description(
      'Asks as the place’s own resolver would, by its search list, with real questions; says which entry hit, how long each took, and which object makes the answer. Exit code 1 where nothing is found.',
    )
    .argument('<name>', 'as a program would write it; with a dot at its end no search list is used')
    .argument('[type]', 'A, AAAA, SRV, PTR, … (default: A and AAAA)')
    .addOption(nameOption())
    .option(
      '--from <place>',
      'pod/NAMESPACE/NAME, deployment/NAMESPACE/NAME, node/NAME or world (default: the first node)',
    )
    .addOption(new Option('-o, --output <form>').choices(['text', 'json']).default('text'))
    .action(async (asked: string, type: string | undefined, options: DnsQueryOptions) => {
      const { dnsQuery } = await import('../dns/query.ts');
      const { name: cluster, from, output: form } = options;
      process.exitCode = await dnsQuery({ cluster, name: asked, type, from, form });
    });
  dns
    .command('top')
    .summary('names that are asked for most, names that are not there, slow upstreams')
    .description(
      'Reads from all nodes’ servers what was asked in the last one to two minutes (a sample), and how upstreams do. Exit code 1 where a server does not answer.',
    )
    .addOption(nameOption())
    .option('--rows <count>', 'of each list', numeric, 10)
    .addOption(new Option('-o, --output <form>').choices(['text', 'json']).default('text'))
    .action(async (options: DnsTopOptions) => {
      const { dnsTop } = await import('../dns/top.ts');
      process.exitCode = await dnsTop({ cluster: options.name, rows: options.rows, form: options.output });
    });
}

interface DnsQueryOptions {
  readonly name: string;
  readonly from?: string;
  readonly output: 'text' | 'json';
}

interface DnsTopOptions {
  readonly name: string;
  readonly rows: number;
  readonly output: 'text' | 'json';
}
