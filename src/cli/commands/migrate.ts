import { Option } from 'commander';
import type { Command } from 'commander';
import { collect, nameOption, objectSource } from './options.ts';
import type { ObjectOptions } from './options.ts';

/** The commands that prepare moves. */
export function migrateCommands(program: Command): void {
  const migrate = program
    .command('migrate')
    .summary('prepare a move: policies for default deny')
    .description('Prepares a move from what is declared, for review. It only reads.');
  migrate
    .command('default-deny')
    .summary('print policies that close namespaces and open what is declared')
    .description(
      'Prints NetworkPolicies for review: each namespace closed in both directions, with DNS, what settings of workloads name, routes, Ingresses, load balancers and the API server opened; and asks the engine whether everything declared stays allowed.',
    )
    .addOption(nameOption())
    .option('--kubeconfig <file>', 'another cluster, instead of one on this machine')
    .option('-f, --filename <path>', 'manifests instead of a cluster (again for more)', collect, [])
    .option(
      '-n, --namespace <name>',
      'only this namespace (again for more); else all but the system’s',
      collect,
      [],
    )
    .option('--cluster-domain <domain>', 'how names of Services end', 'cluster.local')
    .addOption(new Option('-o, --output <form>').choices(['yaml', 'json']).default('yaml'))
    .action(async (options: MigrateOptions) => {
      const { clusterDomain, namespace: namespaces, output: form, ...source } = options;
      const { migrateDefaultDeny } = await import('../migrate.ts');
      process.exitCode = await migrateDefaultDeny(objectSource(source), { namespaces, clusterDomain, form });
    });
}

interface MigrateOptions extends ObjectOptions {
  readonly namespace: readonly string[];
  readonly clusterDomain: string;
  readonly output: 'yaml' | 'json';
}
