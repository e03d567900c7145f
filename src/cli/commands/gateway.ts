import { Option } from 'commander';
import type { Command } from 'commander';
import { collect, nameOption, objectSource } from './options.ts';
import type { ObjectOptions } from './options.ts';

/** The commands of Gateways. */
export function gatewayCommands(program: Command): void {
  const gateway = program
    .command('gateway')
    .summary('show which listener, route and backend have a request')
    .description('Looks at Gateways and what stands on them, as their proxies do.');
  gateway
    .command('explain')
    .summary(
      'which listener, route, rule and backend would have a request, what came second, and why not the others',
    )
    .description(
      'Looks a request up in the table that proxies have, made of the objects of a cluster or of manifests. Exit code 1 where no Gateway sends it on.',
    )
    .argument('<url>', 'the request, as in https://shop.example.com/cart')
    .addOption(nameOption())
    .option('--kubeconfig <file>', 'another cluster, instead of one on this machine')
    .option('-f, --filename <path>', 'manifests instead of a cluster (again for more)', collect, [])
    .option('--gateway <namespace/name>', 'of this Gateway alone')
    .option('-X, --request <method>', 'the method (default: GET)')
    .option('-H, --header <header>', '"Name: value" (again for more)', collect, [])
    .addOption(new Option('-o, --output <form>').choices(['text', 'json']).default('text'))
    .action(async (url: string, options: ExplainOptions) => {
      const { explainGateway } = await import('../gateway.ts');
      const { gateway: only, header, output: form, request, ...source } = options;
      process.exitCode = await explainGateway(objectSource(source), {
        url,
        headers: header,
        form,
        ...(request === undefined ? {} : { method: request }),
        ...(only === undefined ? {} : { gateway: only }),
      });
    });
}

interface ExplainOptions extends ObjectOptions {
  readonly gateway?: string;
  readonly request?: string;
  readonly header: readonly string[];
  readonly output: 'text' | 'json';
}
