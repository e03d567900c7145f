import { Option } from 'commander';
import type { Command } from 'commander';
import type { ClusterChoice } from '../../standalone/cluster.ts';
import { collect, nameOption, numeric, splitAtCommas } from './options.ts';

/** The commands of clusters of this machine. */
export function clusterCommands(program: Command, called: string): void {
  program
    .command('up')
    .summary('bring a cluster up, or apply files to the one that is up')
    .description(
      'Brings a cluster up and waits until its nodes and the workloads of the given files are ready. Repeating it is fine: it continues what is half done and applies the files again.',
    )
    .option(
      '-f, --filename <path>',
      'YAML or JSON to apply: a file, a directory, or - (again for more)',
      collect,
      [],
    )
    .option('--nodes <count>', 'number of nodes (default: 3)', numeric)
    .addOption(nameOption())
    .addOption(
      new Option(
        '--topology <shape>',
        'one-link, or two-links with a router between (default: one-link)',
      ).choices(['one-link', 'two-links']),
    )
    .option('--images <file>', 'YAML that says which programs of this machine images stand for')
    .option('--outside', "give pods a way to the host's networks and the Internet")
    .option(
      '--pod-prefixes <prefixes>',
      'addresses of pods, one prefix a family, comma-separated',
      splitAtCommas,
    )
    .option('--service-prefixes <prefixes>', 'addresses of Services, likewise', splitAtCommas)
    .addOption(
      new Option(
        '--service-mode <mode>',
        'how Services are translated: ebpf, nftables, or auto, which asks the kernel (default: auto)',
      ).choices(['auto', 'ebpf', 'nftables']),
    )
    .addOption(
      new Option(
        '--dns-kernel <mode>',
        'whether the kernel answers names of the cluster on pods’ links: auto or off (default: auto)',
      ).choices(['auto', 'off']),
    )
    .option('--timeout <seconds>', 'how long to wait for nodes and workloads', numeric, 120)
    .action(async (options: UpOptions) => {
      const { filename, images, timeout, ...choice } = options;
      const { up } = await import('../up.ts');
      await up({
        choice,
        files: filename,
        timeoutSeconds: timeout,
        ...(images === undefined ? {} : { images }),
      });
    });

  program
    .command('down')
    .summary('remove a cluster and everything it made')
    .description(
      'Ends every process of the cluster and removes its namespaces, links, mounts, control groups and files.',
    )
    .addOption(nameOption())
    .option('--all', 'every cluster on this machine')
    .action(async (options: { readonly name: string; readonly all?: true }) => {
      const { down } = await import('../down.ts');
      await down(options.all === true ? 'all' : options.name);
    });

  program
    .command('status')
    .summary('show nodes, pods, processes, and what is wrong')
    .addOption(nameOption())
    .addOption(new Option('-o, --output <form>', 'json: for programs').choices(['json']))
    .action(async (options: { readonly name: string; readonly output?: 'json' }) => {
      const { status } = await import('../status.ts');
      process.exitCode = await status(options.name, options.output ?? 'text');
    });

  program
    .command('kubeconfig')
    .summary('print the path of the file that kubectl needs')
    .description(
      `Prints the path of the cluster’s kubeconfig: KUBECONFIG=$(${called} kubeconfig) kubectl get nodes`,
    )
    .addOption(nameOption())
    .action(async (options: { readonly name: string }) => {
      const { kubeconfig } = await import('../kubeconfig.ts');
      kubeconfig(options.name);
    });

  program
    .command('logs')
    .summary("print the log of one of the cluster's processes")
    .argument('[process]', 'its name as status shows it; without it, the names are printed')
    .addOption(nameOption())
    .action(async (component: string | undefined, options: { readonly name: string }) => {
      const { logs } = await import('../logs.ts');
      logs(options.name, component);
    });
}

type UpOptions = Partial<ClusterChoice> & {
  readonly name: string;
  readonly filename: readonly string[];
  readonly images?: string;
  readonly timeout: number;
};
