import { Option } from 'commander';
import type { Command } from 'commander';
import { collect, nameOption, numeric, objectSource } from './options.ts';
import type { ObjectOptions } from './options.ts';

/** The commands of Services. */
export function servicesCommands(program: Command): void {
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
      const { listServices } = await import('../services.ts');
      const { namespace: namespaces, output: form } = options;
      await listServices(objectSource(options), { namespaces, form });
    });
  servicesCommand('describe', 'one Service: its addresses, endpoints, problems, and what nodes counted')
    .argument('<service>', 'NAMESPACE/NAME')
    .action(async (service: string, options: ServicesOptions) => {
      const { describeService } = await import('../services.ts');
      await describeService(objectSource(options), service, options.output);
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
        const { explainService } = await import('../services.ts');
        const { from, node, output: form, port } = options;
        await explainService(objectSource(options), service, {
          from,
          form,
          ...(node === undefined ? {} : { node }),
          ...(port === undefined ? {} : { port }),
        });
      },
    );
}

interface ServicesOptions extends ObjectOptions {
  readonly output: 'text' | 'wide' | 'json';
}
