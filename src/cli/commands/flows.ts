import { Option } from 'commander';
import type { Command } from 'commander';
import { milliseconds, nameOption, numeric } from './options.ts';

/** The commands that tell what happened. */
export function flowsCommands(program: Command): void {
  program
    .command('flows')
    .summary('show what policies dropped, and what passed, and why')
    .description(
      'Prints what NetworkPolicies dropped lately, from all nodes: when, who, whom, how, verdict, and why; with --verdict also some of what passed. An end is NAMESPACE/POD, NAMESPACE/ (all of its pods), an address, a prefix, or a domain name that was resolved. What is in brackets is for fairlead why.',
    )
    .addOption(nameOption())
    .option('--from <end>', 'who sent it')
    .option('--to <end>', 'whom it was for')
    .option('--port <port>', 'the destination’s port', numeric)
    .option('--policy <namespace/name>', 'a policy that isolates the pod, or lets it pass')
    .addOption(
      new Option(
        '--verdict <verdict>',
        'audited: passed, and would not if a policy that is tried were in force; allowed: a sample of what passed',
      )
        .choices(['dropped', 'audited', 'allowed', 'all'])
        .default(undefined, 'dropped and audited'),
    )
    .option('--since <time>', 'not older than this: 30s, 5m, 1h', milliseconds)
    .option('--follow', 'go on, and print what comes')
    .addOption(
      new Option('-o, --output <form>', 'text, wide (with the change that would allow it), json or ndjson')
        .choices(['text', 'wide', 'json', 'ndjson'])
        .default('text'),
    )
    .action(async (options: FlowsOptions) => {
      const { name, output, follow, since, ...ends } = options;
      const verdict =
        ends.verdict === 'all' ? 'dropped,audited,allowed' : (ends.verdict ?? 'dropped,audited');
      const filter = { ...ends, verdict, ...(since === undefined ? {} : { since: Date.now() - since }) };
      const { flows } = await import('../flows.ts');
      process.exitCode = await flows({ cluster: name, filter, follow: follow === true, form: output });
    });

  program
    .command('why')
    .summary('explain one event that flows told of')
    .description(
      'Prints an event of fairlead flows with the engine’s trace for its connection: every rule that was asked, who isolates, what is near, and the smallest change.',
    )
    .argument('<event>', 'as fairlead flows prints it in brackets: node-1/17')
    .addOption(nameOption())
    .addOption(new Option('-o, --output <form>').choices(['text', 'json']).default('text'))
    .action(async (id: string, options: { readonly name: string; readonly output: 'text' | 'json' }) => {
      const { why } = await import('../why.ts');
      process.exitCode = await why({ cluster: options.name, id, form: options.output });
    });
}

interface FlowsOptions {
  readonly name: string;
  readonly from?: string;
  readonly to?: string;
  readonly port?: number;
  readonly policy?: string;
  readonly verdict?: string;
  readonly since?: number;
  readonly follow?: true;
  readonly output: 'text' | 'wide' | 'json' | 'ndjson';
}
