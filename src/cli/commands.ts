import { Command, InvalidArgumentError, Option } from 'commander';
import type { ClusterChoice } from '../standalone/cluster.ts';
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
    .option('--timeout <seconds>', 'how long to wait for nodes and workloads', numeric, 120)
    .action(async (options: UpOptions) => {
      const { filename, images, timeout, ...choice } = options;
      const { up } = await import('./up.ts');
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
      const { down } = await import('./down.ts');
      await down(options.all === true ? 'all' : options.name);
    });

  program
    .command('status')
    .summary('show nodes, pods, processes, and what is wrong')
    .addOption(nameOption())
    .addOption(new Option('-o, --output <form>', 'json: for programs').choices(['json']))
    .action(async (options: { readonly name: string; readonly output?: 'json' }) => {
      const { status } = await import('./status.ts');
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
      const { kubeconfig } = await import('./kubeconfig.ts');
      kubeconfig(options.name);
    });

  program
    .command('logs')
    .summary("print the log of one of the cluster's processes")
    .argument('[process]', 'its name as status shows it; without it, the names are printed')
    .addOption(nameOption())
    .action(async (component: string | undefined, options: { readonly name: string }) => {
      const { logs } = await import('./logs.ts');
      logs(options.name, component);
    });

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
      const { trace } = await import('./trace.ts');
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
      const { flows } = await import('./flows.ts');
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
      const { why } = await import('./why.ts');
      process.exitCode = await why({ cluster: options.name, id, form: options.output });
    });

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
      const { dnsQuery } = await import('./dns/query.ts');
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
      const { dnsTop } = await import('./dns/top.ts');
      process.exitCode = await dnsTop({ cluster: options.name, rows: options.rows, form: options.output });
    });

  const services = program
    .command('services')
    .summary('list and describe Services, and explain which endpoint a client gets')
    .description(
      'Asks the engine that programs the kernels: of a cluster, or with -f of manifests alone (as "kubectl get services,endpointslices,nodes,pods -A -o yaml" prints them).',
    );
  const servicesCommand = (name: string, summary: string) =>
    services
      .command(name)
      .summary(summary)
      .description(summary)
      .addOption(nameOption())
      .option('--kubeconfig <file>', 'another cluster, instead of one on this machine')
      .option('-f, --filename <path>', 'manifests instead of a cluster (again for more)', collect, [])
      .addOption(new Option('-o, --output <form>').choices(['text', 'wide', 'json']).default('text'));
  servicesCommand('list', 'all Services with an address, what stands behind them, and what is wrong')
    .option('-n, --namespace <name>', 'only Services of this namespace (again for more)', collect, [])
    .action(async (options: ServicesOptions & { readonly namespace: readonly string[] }) => {
      const { listServices } = await import('./services.ts');
      const { namespace: namespaces, output: form } = options;
      await listServices(policySource(options), { namespaces, form });
    });
  servicesCommand('describe', 'one Service: its addresses, endpoints, problems, and what nodes counted')
    .argument('<service>', 'NAMESPACE/NAME')
    .action(async (service: string, options: ServicesOptions) => {
      const { describeService } = await import('./services.ts');
      await describeService(policySource(options), service, options.output);
    });
  servicesCommand('explain', 'which endpoints a client gets, with which likelihood, and why not the others')
    .argument('<service>', 'NAMESPACE/NAME')
    .requiredOption('--from <client>', 'NAMESPACE/POD, node/NAME, or world')
    .option('--node <name>', 'the node by which a client outside comes in (default: the first)')
    .option('--port <port>', 'only this port', numeric)
    .action(
      async (
        service: string,
        options: ServicesOptions & { readonly from: string; readonly node?: string; readonly port?: number },
      ) => {
        const { explainService } = await import('./services.ts');
        const { from, node, output: form, port } = options;
        await explainService(policySource(options), service, {
          from,
          form,
          ...(node === undefined ? {} : { node }),
          ...(port === undefined ? {} : { port }),
        });
      },
    );

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
      async (from: string, to: string, options: PolicyOptions & { readonly output: 'text' | 'json' }) => {
        const { explain } = await import('./policy.ts');
        process.exitCode = await explain(policySource(options), { from, to, form: options.output });
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
        options: PolicyOptions & {
          readonly namespace: readonly string[];
          readonly nodes?: true;
          readonly output: 'text' | 'json' | 'csv' | 'dot' | 'mermaid';
        },
      ) => {
        const { matrix } = await import('./policy.ts');
        const { namespace: namespaces, output: form } = options;
        const nodes = options.nodes === true;
        process.exitCode = await matrix(policySource(options), { namespaces, nodes, form });
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
      const { shadow } = await import('./policy/shadow.ts');
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
    .action(async (assertions: string, options: PolicyOptions & { readonly junit?: string }) => {
      const { check } = await import('./policy.ts');
      process.exitCode = await check(policySource(options), {
        assertions,
        ...(options.junit === undefined ? {} : { junit: options.junit }),
      });
    });

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
      const { audit, explainFinding } = await import('./audit.ts');
      const { explain, failOn, only, output: form, skip, ...source } = options;
      if (explain !== undefined) return explainFinding(explain);
      process.exitCode = await audit(policySource(source), { only, skip, form, failOn });
    });

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
      const { migrateDefaultDeny } = await import('./migrate.ts');
      process.exitCode = await migrateDefaultDeny(policySource(source), { namespaces, clusterDomain, form });
    });

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

type UpOptions = Partial<ClusterChoice> & {
  readonly name: string;
  readonly filename: readonly string[];
  readonly images?: string;
  readonly timeout: number;
};

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

interface PolicyOptions {
  readonly name: string;
  readonly kubeconfig?: string;
  readonly filename: readonly string[];
}

interface ServicesOptions extends PolicyOptions {
  readonly output: 'text' | 'wide' | 'json';
}

interface ShadowOptions {
  readonly name: string;
  readonly filename: readonly string[];
  readonly only?: true;
  readonly without: readonly string[];
  readonly since?: number;
  readonly output: 'text' | 'json';
}

const policySource = ({ filename, kubeconfig, name }: PolicyOptions) => ({
  cluster: name,
  files: filename,
  ...(kubeconfig === undefined ? {} : { kubeconfig }),
});

interface MigrateOptions extends PolicyOptions {
  readonly namespace: readonly string[];
  readonly clusterDomain: string;
  readonly output: 'yaml' | 'json';
}

interface AuditCommandOptions extends PolicyOptions {
  readonly only: readonly string[];
  readonly skip: readonly string[];
  readonly explain?: string;
  readonly failOn: 'critical' | 'high' | 'medium' | 'low' | 'never';
  readonly output: 'text' | 'json' | 'sarif' | 'junit' | 'html';
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

function nameOption(): Option {
  return new Option('--name <cluster>', 'which cluster').env('FAIRLEAD_CLUSTER').default('default');
}

function collect(value: string, earlier: readonly string[]): readonly string[] {
  return [...earlier, value];
}

function numeric(text: string): number {
  const number = Number(text);
  if (text.trim() !== '' && Number.isFinite(number)) return number;
  throw new InvalidArgumentError('It has to be a number.');
}

function milliseconds(text: string): number {
  const found = /^(\d{1,6})(s|m|h)$/.exec(text);
  const factor = { s: 1000, m: 60_000, h: 3_600_000 }[found?.[2] ?? ''];
  if (found === null || factor === undefined)
    throw new InvalidArgumentError('It has to be like 30s, 5m or 1h.');
  return Number(found[1]) * factor;
}

function splitAtCommas(text: string): readonly string[] {
  return text.split(',').map(part => part.trim());
}
