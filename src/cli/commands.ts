import { Command } from 'commander';
import { auditCommands } from './commands/audit.ts';
import { clusterCommands } from './commands/cluster.ts';
import { dnsCommands } from './commands/dns.ts';
import { flowsCommands } from './commands/flows.ts';
import { gatewayCommands } from './commands/gateway.ts';
import { migrateCommands } from './commands/migrate.ts';
import { policyCommands } from './commands/policy.ts';
import { servicesCommands } from './commands/services.ts';
import { traceCommands } from './commands/trace.ts';
import { versionText } from './version.ts';

/**
 * The commands and their options; what a command does is loaded when it is called, so that the others start fast.
 * `called` is how the program was called.
 */
export function commands(called: string): Command {
  const program = new Command(called)
    .description('A Kubernetes network on one machine: nodes and pods are namespaces, kubectl works.')
    .exitOverride()
    .showHelpAfterError(`(${called} help COMMAND shows its options)`)
    .version(versionText(), '-V, --version', 'print the version')
    .helpCommand(false);

  clusterCommands(program, called);
  traceCommands(program);
  flowsCommands(program);
  gatewayCommands(program);
  dnsCommands(program);
  servicesCommands(program);
  policyCommands(program);
  auditCommands(program);
  migrateCommands(program);

  program
    .command('help')
    .summary('show what there is, or the options of a command')
    .argument('[command]')
    .action((name: string | undefined) => {
      const command = name === undefined ? program : program.commands.find(it => it.name() === name);
      if (command === undefined) return program.error(`error: unknown command '${name}'`);
      command.outputHelp();
    });

  program
    .command('version')
    .summary('print the version')
    .action(() => void process.stdout.write(`${versionText()}\n`));

  return program;
}
