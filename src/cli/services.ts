import { FairleadError } from '../base/errors.ts';
import { formatAddress } from '../base/ip.ts';
import { serviceOf } from '../services/index.ts';
import type { Frontend, ServiceModel } from '../services/index.ts';
import { findAsker } from './services/client.ts';
import { countersOf } from './services/counters.ts';
import { explainFrontend } from './services/explain-frontend.ts';
import type { ExplainedEndpoint, ExplainedFrontend } from './services/explain-frontend.ts';
import { modelOf, readServiceObjects } from './services/read-objects.ts';
import type { ObjectSource } from './object-source.ts';
import type { ServiceObjects } from './services/read-objects.ts';
import { table } from './table.ts';

type Form = 'text' | 'wide' | 'json';

/** All Services with an address, what stands behind them, and what is wrong. */
export async function listServices(
  source: ObjectSource,
  options: { readonly namespaces: readonly string[]; readonly form: Form },
): Promise<void> {
  const objects = await readServiceObjects(source);
  const model = modelOf(objects);
  const wanted = new Set(options.namespaces);
  const rows = [...groupsOf(model)]
    .filter(
      ([, [first]]) => first !== undefined && (wanted.size === 0 || wanted.has(first.service.namespace)),
    )
    .map(([service, frontends]) => summaryOf(service, frontends, objects, model));
  if (options.form === 'json') return print(JSON.stringify({ services: rows }, null, 2));
  const isWide = options.form === 'wide';
  const lines = table(
    ['SERVICE', 'TYPE', 'ADDRESSES', 'PORTS', 'READY', ...(isWide ? ['POLICY', 'AFFINITY'] : []), 'PROBLEMS'],
    rows.map(row => [
      row.service,
      row.type,
      row.addresses.join(', '),
      row.ports.join(', '),
      `${row.ready}/${row.endpoints}`,
      ...(isWide ? [row.policy, row.affinitySeconds === undefined ? '' : `${row.affinitySeconds} s`] : []),
      row.problems.length === 0 ? '' : String(row.problems.length),
    ]),
  );
  print(lines.length === 0 ? 'There are no Services with an address.' : lines.join('\n'));
}

/** One Service: its front ends, endpoints and what is wrong; of a cluster of this machine what each node counted. */
export async function describeService(source: ObjectSource, service: string, form: Form): Promise<void> {
  const objects = await readServiceObjects(source);
  const model = modelOf(objects);
  const frontends = frontendsOf(model, service);
  const problems = problemsOf(model, objects, service);
  const isHere = source.kubeconfig === undefined && source.files.length === 0;
  const counters = isHere ? await countersOf(source.cluster, objects.nodes, frontends) : [];
  const described = frontends.map(frontend => ({
    address: formatAddress(frontend.address),
    protocol: frontend.protocol,
    port: frontend.port,
    portName: frontend.portName,
    for: frontend.exposure.of,
    policy: policyOf(frontend),
    ...(frontend.affinity === undefined ? {} : { affinitySeconds: frontend.affinity.seconds }),
    endpoints: frontend.endpoints.map(endpoint => ({
      address: formatAddress(endpoint.address),
      port: endpoint.port,
      ready: endpoint.ready,
      serving: endpoint.serving,
      terminating: endpoint.terminating,
      ...(endpoint.nodeName === undefined ? {} : { node: endpoint.nodeName }),
      ...(endpoint.pod === undefined ? {} : { pod: endpoint.pod }),
      ...(endpoint.hints === undefined ? {} : { hints: endpoint.hints }),
      slice: endpoint.provenance.name,
    })),
    counters: counters
      .filter(({ frontend: of }) => of === frontend)
      .map(({ counted, node }) => ({ node, ...counted })),
  }));
  if (form === 'json') return print(JSON.stringify({ service, frontends: described, problems }, null, 2));
  const lines = described.flatMap(one => [
    `${one.address} ${one.protocol} ${one.port}${one.portName === '' ? '' : ` (${one.portName})`}, ${one.for}, ${one.policy}`,
    ...table(
      ['  ENDPOINT', 'STATE', 'NODE', 'POD', 'SLICE'],
      one.endpoints.map(endpoint => [
        `  ${at(endpoint)}`,
        stateText(endpoint),
        endpoint.node ?? '',
        endpoint.pod ?? '',
        endpoint.slice,
      ]),
    ),
    ...one.counters.map(
      ({ accepted, dropped, node, rejected }) =>
        `  ${node} counted ${accepted} connections, ${rejected} refused, ${dropped} dropped`,
    ),
  ]);
  print([service, ...lines, ...problems.map(problem => `problem: ${problem}`)].join('\n'));
}

/** What a client gets at each address of a Service, with which likelihood, and why not the others. */
export async function explainService(
  source: ObjectSource,
  service: string,
  options: { readonly from: string; readonly node?: string; readonly port?: number; readonly form: Form },
): Promise<void> {
  const objects = await readServiceObjects(source);
  const asker = findAsker(objects, options.from, options.node);
  // Node ports are asked at the node that translates.
  const model = modelOf(objects, asker.node);
  const all = frontendsOf(model, service);
  const frontends = all.filter(({ port }) => options.port === undefined || port === options.port);
  if (frontends.length === 0) {
    const ports = [...new Set(all.map(({ port }) => port))].join(', ');
    throw new FairleadError('services/no-such-port', `${service} has no port ${options.port ?? ''}.`, {
      field: '--port',
      hint: `One of ${ports}`,
    });
  }
  const explained = frontends.map(frontend => explainFrontend(model, frontend, asker));
  if (options.form === 'json')
    return print(JSON.stringify({ service, from: asker.words, frontends: explained }, null, 2));
  print([`${service}, asked by ${asker.words}`, ...explained.flatMap(linesOf)].join('\n'));
}

function linesOf(one: ExplainedFrontend): readonly string[] {
  const verdict = { forward: '', reject: 'refused: ', drop: 'dropped: ', 'not-a-service': '' }[one.verdict];
  return [
    '',
    `${one.address} ${one.protocol} ${one.port} (${one.for}): ${verdict}${one.sentence}`,
    ...table(
      ['  CHANCE', 'ENDPOINT', 'NODE', 'POD', ''],
      [
        ...one.endpoints.map(endpoint => [
          `  ${percent(endpoint.probability)}`,
          at(endpoint),
          endpoint.node ?? '',
          endpoint.pod ?? '',
          '',
        ]),
        ...one.leftOut.map(endpoint => [
          '  -',
          at(endpoint),
          endpoint.node ?? '',
          endpoint.pod ?? '',
          endpoint.why,
        ]),
      ],
    ),
  ];
}

const percent = (part: number): string => `${Number((100 * part).toPrecision(3))} %`;

const at = ({ address, port }: Pick<ExplainedEndpoint, 'address' | 'port'>): string =>
  address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;

function stateText(state: {
  readonly ready: boolean;
  readonly serving: boolean;
  readonly terminating: boolean;
}): string {
  if (state.ready) return 'ready';
  if (!state.terminating) return 'not ready';
  return state.serving ? 'terminating, serves' : 'terminating';
}

const nameOf = ({ service }: Frontend): string => `${service.namespace}/${service.name}`;

const groupsOf = (model: ServiceModel): ReadonlyMap<string, readonly Frontend[]> =>
  Map.groupBy(model.frontends.values(), nameOf);

function frontendsOf(model: ServiceModel, service: string): readonly Frontend[] {
  const groups = groupsOf(model);
  const found = groups.get(service);
  if (found !== undefined) return found;
  const some = [...groups.keys()].slice(0, 8).join(', ');
  throw new FairleadError(
    'services/no-such-service',
    `There is no Service ${service} with an address, a port, and rules of this proxy.`,
    {
      hint:
        some === ''
          ? 'None has; manifests need spec.clusterIPs, as "kubectl get -o yaml" prints them'
          : `There are ${some}`,
    },
  );
}

function policyOf({ exposure }: Frontend): string {
  return exposure.of === 'cluster'
    ? `internalTrafficPolicy ${exposure.internalPolicy}`
    : `externalTrafficPolicy ${exposure.externalPolicy}`;
}

function problemsOf(model: ServiceModel, objects: ServiceObjects, service: string): readonly string[] {
  const slices = new Set(
    objects.slices
      .filter(slice => serviceOf(slice) === service)
      .map(({ metadata }) => `${metadata.namespace ?? ''}/${metadata.name}`),
  );
  return model.problems
    .filter(({ provenance: { kind, name, namespace } }) =>
      kind === 'EndpointSlice' ? slices.has(`${namespace}/${name}`) : `${namespace}/${name}` === service,
    )
    .map(({ provenance: { field, kind, name }, sentence }) => `${kind} ${name}, ${field}: ${sentence}`);
}

function summaryOf(
  service: string,
  frontends: readonly Frontend[],
  objects: ServiceObjects,
  model: ServiceModel,
) {
  const object = objects.services.find(
    ({ metadata }) => `${metadata.namespace ?? ''}/${metadata.name}` === service,
  );
  const endpoints = new Map(
    frontends.flatMap(frontend => frontend.endpoints.map(one => [formatAddress(one.address), one] as const)),
  );
  const [first] = frontends;
  return {
    service,
    type: object?.spec.type ?? 'ClusterIP',
    addresses: [
      ...new Set(
        frontends
          .filter(({ exposure }) => exposure.of !== 'node-port')
          .map(({ address }) => formatAddress(address)),
      ),
    ],
    ports: [
      ...new Set(
        frontends.map(({ exposure, port, protocol }) =>
          exposure.of === 'node-port' ? `node ${port}/${protocol}` : `${port}/${protocol}`,
        ),
      ),
    ],
    ready: [...endpoints.values()].filter(({ ready }) => ready).length,
    endpoints: endpoints.size,
    policy: first === undefined ? '' : policyOf(first),
    ...(first?.affinity === undefined ? {} : { affinitySeconds: first.affinity.seconds }),
    problems: problemsOf(model, objects, service),
  };
}

const print = (text: string): void => void process.stdout.write(`${text}\n`);
