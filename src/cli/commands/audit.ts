import { Option } from 'commander';
import type { Command } from 'commander';
import { collect, nameOption, objectSource, splitAtCommas } from './options.ts';
import type { ObjectOptions } from './options.ts';

/** The commands that say how ready a cluster is. */
export function auditCommands(program: Command): void {
  program
    .command('audit')
    .summary(
      'show how ready a cluster, or manifests, are: network, Services, Gateways, DNS, policies, families',
    )
    .description(
      'Looks at the six things that a platform has to have right, and says what is wrong, with evidence and the next step; what could not be checked, and why. It only reads.',
    )
    .addOption(nameOption())
    .option('--kubeconfig <file>', 'another cluster, instead of one on this machine')
    .option('-f, --filename <path>', 'manifests instead of a cluster (again for more)', collect, [])
    .option('--only <words>', 'items or checks, comma-separated', splitAtCommas, [])
    .option('--skip <words>', 'items or checks to leave out, comma-separated', splitAtCommas, [])
    .option(
      '--metrics <file>',
      'what an exporter or a DNS server answered, in Prometheus’ text format (again for more)',
      collect,
      [],
    )
    .addOption(
      new Option('--fail-on <severity>', 'exit code 1 from this severity on')
        .choices(['critical', 'high', 'medium', 'low', 'never'])
        .default('high'),
    )
    .option('--explain <check>', 'print the page of a check')
    .addOption(
      new Option('-o, --output <form>').choices(['text', 'json', 'sarif', 'junit', 'html']).default('text'),
    )
    .action(async (options: AuditCommandOptions) => {
      const { audit, explainFinding } = await import('../audit.ts');
      const { explain, failOn, metrics, only, output: form, skip, ...source } = options;
      if (explain !== undefined) return explainFinding(explain);
      process.exitCode = await audit(objectSource(source), { only, skip, metrics, form, failOn });
    });
}

interface AuditCommandOptions extends ObjectOptions {
  readonly only: readonly string[];
  readonly skip: readonly string[];
  readonly metrics: readonly string[];
  readonly explain?: string;
  readonly failOn: 'critical' | 'high' | 'medium' | 'low' | 'never';
  readonly output: 'text' | 'json' | 'sarif' | 'junit' | 'html';
}
