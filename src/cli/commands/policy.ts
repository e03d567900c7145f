import { Option } from 'commander';
import type { Command } from 'commander';
import { collect, milliseconds, nameOption, objectSource } from './options.ts';
import type { ObjectOptions } from './options.ts';

/** The commands of policies. */
export function policyCommands(program: Command): void {
  const policy = program
    .command('policy')
    .summary('explain policies, show who may speak to whom, and check it')
    .description(
      'Asks the engine that programs the kernels: of a cluster, or with -f of manifests alone. An end is NAMESPACE/POD (with -f also a workload), an address, or world.',
    );
  const policyCommand = (name: string, summary: string) =>
    policy
      .command(name)
      .summary(summary)
      .description(summary)
      .addOption(nameOption())
      .option('--kubeconfig <file>', 'another cluster, instead of one on this machine')
      .option('-f, --filename <path>', 'manifests instead of a cluster (again for more)', collect, []);
  policyCommand('explain', 'why a flow is allowed or denied, what is near, and the smallest change')
    .argument('<from>', 'NAMESPACE/POD, node/NAME, an address, or world')
    .argument('<to>', 'with a port, and a protocol where it is not TCP: NAMESPACE/POD:53/UDP')
    .addOption(new Option('-o, --output <form>').choices(['text', 'json']).default('text'))
    .action(
      async (from: string, to: string, options: ObjectOptions & { readonly output: 'text' | 'json' }) => {
        const { explain } = await import('../policy.ts');
        process.exitCode = await explain(objectSource(options), { from, to, form: options.output });
      },
    );
  policyCommand('matrix', 'who may speak to whom, and on which ports')
    .option('-n, --namespace <name>', 'only pods of this namespace (again for more)', collect, [])
    .option('--nodes', 'nodes are ends, too')
    .addOption(
      new Option('-o, --output <form>').choices(['text', 'json', 'csv', 'dot', 'mermaid']).default('text'),
    )
    .action(
      async (
        options: ObjectOptions & {
          readonly namespace: readonly string[];
          readonly nodes?: true;
          readonly output: 'text' | 'json' | 'csv' | 'dot' | 'mermaid';
        },
      ) => {
        const { matrix } = await import('../policy.ts');
        const { namespace: namespaces, output: form } = options;
        const nodes = options.nodes === true;
        process.exitCode = await matrix(objectSource(options), { namespaces, nodes, form });
      },
    );
  policy
    .command('shadow')
    .summary('which connections that were seen other policies would judge otherwise')
    .description(
      'Asks the engine about the connections that the nodes saw (fairlead flows --verdict all), with the policies in force and with others beside or instead of them. Nothing is enforced. Exit code 1 when one that passes would be dropped.',
    )
    .addOption(nameOption())
    .option('-f, --filename <path>', 'policies to look at (again for more)', collect, [])
    .option('--only', 'the files are all policies that there would be')
    .option('--without <namespace/name>', 'a policy that would be gone (again for more)', collect, [])
    .option('--since <time>', 'connections not older than this: 30s, 5m, 1h', milliseconds)
    .addOption(new Option('-o, --output <form>').choices(['text', 'json']).default('text'))
    .action(async (options: ShadowOptions) => {
      const { filename: files, name, only, output: form, since, without } = options;
      const { shadow } = await import('../policy/shadow.ts');
      process.exitCode = await shadow({
        cluster: name,
        files,
        without,
        only: only === true,
        form,
        ...(since === undefined ? {} : { since: Date.now() - since }),
      });
    });
  policyCommand('check', 'holds a file of assertions against policies: exit code 1 when one does not hold')
    .argument('<assertions>', 'YAML: a list of {from, to, allowed}')
    .option('--junit <file>', 'write the outcome for a CI system, too')
    .action(async (assertions: string, options: ObjectOptions & { readonly junit?: string }) => {
      const { check } = await import('../policy.ts');
      process.exitCode = await check(objectSource(options), {
        assertions,
        ...(options.junit === undefined ? {} : { junit: options.junit }),
      });
    });
}

interface ShadowOptions {
  readonly name: string;
  readonly filename: readonly string[];
  readonly only?: true;
  readonly without: readonly string[];
  readonly since?: number;
  readonly output: 'text' | 'json';
}
