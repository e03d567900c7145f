import { Option } from 'commander';
import type { Command } from 'commander';
import { collect, nameOption, objectSource } from './options.ts';
import type { ObjectOptions } from './options.ts';

/** The commands that prepare moves. */
export function migrateCommands(program: Command): void {
  const migrate = program
    .command('migrate')
    .summary('prepare a move: off Ingress NGINX, to another Service mode, to default deny')
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
    .addOption(new Option('-o, --output <form>').choices(['yaml', 'json', 'plan']).default('yaml'))
    .option('--plan', 'the move in steps, as -o plan')
    .action(async (options: MigrateOptions) => {
      const { clusterDomain, namespace: namespaces, output, plan, ...source } = options;
      const form = plan === true ? 'plan' : output;
      const { migrateDefaultDeny } = await import('../migrate.ts');
      process.exitCode = await migrateDefaultDeny(objectSource(source), { namespaces, clusterDomain, form });
    });
  ingressCommand(migrate);
  serviceModeCommand(migrate);
}

function ingressCommand(migrate: Command): void {
  migrate
    .command('ingress')
    .summary('print Gateways and routes that do what Ingresses of Ingress NGINX do')
    .description(
      'Prints Gateways, routes, policies and grants for review, from the Ingresses of Ingress NGINX, their annotations, and the controller’s settings and flags, with what a GatewayClass says that it supports; every annotation ends as the same, approximated or refused.',
    )
    .addOption(nameOption())
    .option('--kubeconfig <file>', 'another cluster, instead of one on this machine')
    .option('-f, --filename <path>', 'manifests instead of a cluster (again for more)', collect, [])
    .option('--ingress-class <name>', 'only Ingresses of this class; else of every class of the controller')
    .option('--class <name>', 'the GatewayClass that will serve', 'fairlead')
    .option('--target <file>', 'its features: the GatewayClass with its status, or a list of names')
    .option('--gateway <namespace/name>', 'where the Gateway will be')
    .option(
      '--flag <name=value>',
      'a flag of the controller, if its Deployment is not found (again for more)',
      collect,
      [],
    )
    .addOption(
      new Option('-o, --output <form>').choices(['yaml', 'json', 'report', 'diff', 'plan']).default('yaml'),
    )
    .option('--diff', 'both route tables side by side, as -o diff')
    .option('--plan', 'the move in steps, as -o plan')
    .option('--report', 'what becomes of each annotation, as -o report')
    .option('--output-directory <path>', 'write manifests and report there')
    .option('--verify', 'prove it: both route tables answer the same requests', false)
    .option(
      '--live',
      'ask the Gateways of the cluster of this machine, too: the objects are applied there',
      false,
    )
    .option(
      '--access-log <file>',
      'with --verify: ask the requests of this log, too (again for more)',
      collect,
      [],
    )
    .action(async (options: IngressCommandOptions) => {
      const { migrateIngress } = await import('../migrate-ingress.ts');
      process.exitCode = await migrateIngress(objectSource(options), {
        className: options.class,
        flags: options.flag,
        form: formOf(options),
        verify: options.verify,
        live: options.live,
        accessLogs: options.accessLog,
        ...(options.ingressClass === undefined ? {} : { ingressClass: options.ingressClass }),
        ...(options.target === undefined ? {} : { targetFile: options.target }),
        ...(options.gateway === undefined ? {} : { gateway: options.gateway }),
        ...(options.outputDirectory === undefined ? {} : { directory: options.outputDirectory }),
      });
    });
}

function formOf({ diff, output, plan, report }: IngressCommandOptions): IngressCommandOptions['output'] {
  if (diff === true) return 'diff';
  if (plan === true) return 'plan';
  return report === true ? 'report' : output;
}

function serviceModeCommand(migrate: Command): void {
  migrate
    .command('service-mode')
    .summary('say what moving Services off iptables or IPVS changes')
    .description(
      'Says what changes for whom when Services move from the mode of kube-proxy to its nftables mode, or to Fairlead; what stands in the way, what stays behind, and in which order to go.',
    )
    .addOption(nameOption())
    .option('--kubeconfig <file>', 'another cluster, instead of one on this machine')
    .option('-f, --filename <path>', 'manifests instead of a cluster (again for more)', collect, [])
    .addOption(new Option('--to <mode>', 'where to').choices(['nftables', 'fairlead']).default('nftables'))
    .addOption(new Option('-o, --output <form>').choices(['text', 'json', 'plan']).default('text'))
    .option('--plan', 'the move in steps, as -o plan')
    .action(async (options: ServiceModeCommandOptions) => {
      const { migrateServiceMode } = await import('../migrate-service-mode.ts');
      process.exitCode = await migrateServiceMode(objectSource(options), {
        to: options.to,
        form: options.plan === true ? 'plan' : options.output,
      });
    });
}

interface IngressCommandOptions extends ObjectOptions {
  readonly accessLog: readonly string[];
  readonly class: string;
  readonly diff?: boolean;
  readonly flag: readonly string[];
  readonly gateway?: string;
  readonly ingressClass?: string;
  readonly live: boolean;
  readonly output: 'yaml' | 'json' | 'report' | 'diff' | 'plan';
  readonly outputDirectory?: string;
  readonly plan?: boolean;
  readonly report?: boolean;
  readonly target?: string;
  readonly verify: boolean;
}

interface ServiceModeCommandOptions extends ObjectOptions {
  readonly to: 'nftables' | 'fairlead';
  readonly output: 'text' | 'json' | 'plan';
  readonly plan?: boolean;
}

interface MigrateOptions extends ObjectOptions {
  readonly namespace: readonly string[];
  readonly clusterDomain: string;
  readonly output: 'yaml' | 'json' | 'plan';
  readonly plan?: boolean;
}
