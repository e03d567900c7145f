import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import fc from 'fast-check';
import { systemClock } from '../../src/base/clock.ts';
import { formatAddress, parseAddress } from '../../src/base/ip.ts';
import type { Address } from '../../src/base/ip.ts';
import type { NftElementChange } from '../../src/kernel/netlink/index.ts';
import type { EndpointSlice } from '../../src/kube/types/discovery.ts';
import type { Service } from '../../src/kube/types/service.ts';
import {
  ServiceNetwork,
  SocketServices,
  buildServiceModel,
  decideService,
} from '../../src/services/index.ts';
import type { Client, ServiceDecision, ServiceKernel } from '../../src/services/index.ts';
import {
  Objects,
  meet,
  nodeAddresses,
  outsiders,
  servicePrefixes,
  startNode,
  tcpServers,
} from '../netns/services-node.ts';
import type { Meeting, ServiceNode } from '../netns/services-node.ts';
import type { SocketClient } from '../netns/socket-client.ts';
import { buildPrograms, withSockets } from '../netns/socket-node.ts';
import type { SocketNode } from '../netns/socket-node.ts';

/** What the engine says of a flow is what the kernel does with it: real connections from a pod, the node and outside. */

buildPrograms();

const ports = [80, 81] as const;
const targets = [8080, 8081] as const;
const virtual = { 4: ['10.96.0.1', '10.96.0.2'], 6: ['fd00:10:96::1', 'fd00:10:96::2'] } as const;
const balancers = { 4: '172.30.200.1', 6: 'fd00:172:30::c8:1' } as const;
const externals = { 4: '203.0.113.5', 6: '2001:db8::5' } as const;
const zone = 'here';
const pod = { 4: '10.244.0.2', 6: 'fd00:10:244::2' } as const;
const wayOut = { 4: '10.244.2.1', 6: 'fd00:10:244:2::1' } as const;
const families = [4, 6] as const;
const connectionsEach = 2;
const nodeName = 'node-1';
/** Long enough for an answer on this machine, short enough for many that never come. */
const unansweredMilliseconds = 400;

const ranges = {
  pods: ['10.244.0.0/24', 'fd00:10:244::/64'],
  outsiders: ['10.244.2.2/32', '10.244.2.0/24', 'fd00:10:244:2::2/128'],
  nobody: ['192.0.2.0/24'],
  everybody: ['0.0.0.0/0', '::/0'],
} as const;

interface Drawn {
  readonly family: 4 | 6;
  readonly address: number;
  readonly age: number;
  readonly ports: readonly { readonly port: number; readonly target: number }[];
  readonly internal: 'Cluster' | 'Local';
  readonly type: 'ClusterIP' | 'NodePort' | 'LoadBalancer';
  readonly external: 'Cluster' | 'Local';
  readonly hasExternalIP: boolean;
  readonly isSticky: boolean;
  readonly from: keyof typeof ranges | undefined;
  readonly endpoints: readonly {
    readonly host: number;
    readonly here: boolean;
    readonly hints: 'none' | 'zone' | 'other zone' | 'node' | 'other node';
    readonly state: 'ready' | 'draining' | 'starting' | 'ending';
  }[];
}

const drawn: fc.Arbitrary<Drawn> = fc.record({
  family: fc.constantFrom(4, 6),
  address: fc.nat(1),
  age: fc.nat(3),
  ports: fc.uniqueArray(fc.record({ port: fc.constantFrom(...ports), target: fc.constantFrom(...targets) }), {
    selector: each => each.port,
    minLength: 1,
  }),
  internal: fc.constantFrom('Cluster', 'Cluster', 'Local'),
  type: fc.constantFrom('ClusterIP', 'NodePort', 'LoadBalancer'),
  external: fc.constantFrom('Cluster', 'Local'),
  hasExternalIP: fc.boolean(),
  isSticky: fc.boolean(),
  from: fc.constantFrom(undefined, undefined, 'pods', 'outsiders', 'nobody', 'everybody'),
  endpoints: fc.array(
    fc.record({
      host: fc.nat(3),
      here: fc.boolean(),
      hints: fc.constantFrom('none', 'zone', 'zone', 'other zone', 'node', 'other node'),
      state: fc.constantFrom('ready', 'ready', 'draining', 'starting', 'ending'),
    }),
    { maxLength: 4 },
  ),
});

const conditionsOf = {
  ready: { ready: true, serving: true, terminating: false },
  draining: { ready: false, serving: true, terminating: true },
  starting: { ready: false, serving: false, terminating: false },
  ending: { ready: false, serving: false, terminating: true },
} as const;

const hintsOf = {
  none: {},
  zone: { forZones: [{ name: zone }] },
  'other zone': { forZones: [{ name: 'there' }] },
  node: { forNodes: [{ name: nodeName }], forZones: [{ name: zone }] },
  'other node': { forNodes: [{ name: 'node-2' }], forZones: [{ name: zone }] },
} as const;

function objectsOf(
  one: Drawn,
  index: number,
  places: ServiceNode['places'],
): readonly [Service, EndpointSlice] {
  const name = `s${index}`;
  const metadata = { name, namespace: 'n', uid: name, creationTimestamp: `2026-01-01T00:00:0${one.age}Z` };
  const address = virtual[one.family][one.address] ?? '';
  const external = {
    type: one.type,
    externalTrafficPolicy: one.external,
    sessionAffinity: one.isSticky ? ('ClientIP' as const) : ('None' as const),
    ...(one.hasExternalIP ? { externalIPs: [externals[one.family]] } : {}),
    ...(one.from === undefined ? {} : { loadBalancerSourceRanges: ranges[one.from] }),
  };
  return [
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata,
      spec: {
        clusterIPs: [address],
        internalTrafficPolicy: one.internal,
        ports: one.ports.map(({ port }) => ({ name: `p${port}`, port, nodePort: 30_000 + port })),
        ...external,
      },
      status: { loadBalancer: { ingress: [{ ip: balancers[one.family], ipMode: 'VIP' }] } },
    },
    {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { name, namespace: 'n', labels: { 'kubernetes.io/service-name': name } },
      addressType: `IPv${one.family}`,
      endpoints: one.endpoints.map(({ host, here, hints, state }) => ({
        addresses: [places[one.family][host] ?? ''],
        conditions: conditionsOf[state],
        nodeName: here ? nodeName : 'node-2',
        hints: hintsOf[hints],
      })),
      ports: one.ports.map(({ port, target }) => ({ name: `p${port}`, port: target, protocol: 'TCP' })),
    },
  ];
}

interface Side {
  readonly place: Client['place'];
  readonly namespace: string;
  readonly address: Address;
}

const addressOf = (text: string): Address => {
  const address = parseAddress(text);
  assert.ok(address, text);
  return address;
};

/** What the engine says, as what a client may see. */
function said(decision: ServiceDecision, client: Side): (seen: string | Meeting) => boolean {
  if (decision.verdict === 'reject') return seen => seen === 'refused';
  if (decision.verdict === 'drop') return seen => seen === 'unanswered';
  if (decision.verdict === 'not-a-service') return () => true; // routed on, to where nobody answers
  const places = new Set(decision.endpoints.map(({ address }) => formatAddress(address)));
  return seen => {
    if (typeof seen === 'string' || !places.has(formatAddress(addressOf(seen.reached)))) return false;
    // What the node itself sends has one of its addresses either way.
    if (client.place === 'node') return true;
    const isKept = formatAddress(addressOf(seen.from)) === formatAddress(client.address);
    return isKept === !decision.masquerade;
  };
}

function inWords(decision: ServiceDecision): string {
  if (decision.verdict === 'not-a-service') return decision.verdict;
  if (decision.verdict !== 'forward') return `${decision.verdict}: ${decision.sentence}`;
  const places = decision.endpoints.map(({ address }) => formatAddress(address)).join(', ');
  return `${decision.masquerade ? 'with the node’s address' : 'with the client’s address'} to ${places}`;
}

/** Whom a connection met, or how it ended. */
async function reached(from: string, address: string, port: number): Promise<string | Meeting> {
  return meet(from, address, port, unansweredMilliseconds).catch((error: Error) =>
    (error.cause as { code?: string } | undefined)?.code === 'ECONNREFUSED' ? 'refused' : 'unanswered',
  );
}

/** The same for a pod's program. */
async function reachedBy(
  pod: SocketClient,
  host: string,
  port: number,
  isDropped: boolean,
): Promise<string | Meeting> {
  const { failed, said: greeting = '' } = await pod.ask({
    do: 'tcp',
    host,
    port,
    milliseconds: isDropped ? unansweredMilliseconds : 20_000,
  });
  if (failed === undefined) return JSON.parse(greeting) as Meeting;
  return failed === 'ECONNREFUSED' ? 'refused' : 'unanswered';
}

/** The node has many addresses; it sends from that of its way out. */
function sidesOf(node: ServiceNode, family: 4 | 6): readonly Side[] {
  return [
    { place: 'pod', namespace: node.client, address: addressOf(pod[family]) },
    { place: 'world', namespace: node.outside, address: addressOf(outsiders[family]) },
    { place: 'node', namespace: node.node, address: addressOf(wayOut[family]) },
  ];
}

interface Rig {
  readonly node: ServiceNode;
  /** Throws where the kernel does other than the engine says. */
  readonly check: (services: readonly Drawn[]) => Promise<void>;
}

/** `atSockets`: pods connect through hooks at their sockets, which stand in for some of the kernel's calls. */
async function startRig(
  context: TestContext,
  mutate: (commands: string) => string,
  atSockets?: NonNullable<Parameters<SocketNode['translation']>[0]>,
): Promise<Rig> {
  const node = startNode(context);
  for (const target of targets) await tcpServers(context, node.servers, target);
  const kernel: ServiceKernel = {
    nft: commands => node.kernel.nft(mutate(commands)),
    nftChunked: changes => node.kernel.nftChunked(changes),
    nftElements: changes => node.kernel.nftElements(changes.map(change => mutated(change, mutate))),
    nftTable: (name, types) => node.kernel.nftTable(name, types),
    nftCounters: places => node.kernel.nftCounters(places),
    forgetConnections: flows => node.kernel.forgetConnections(flows),
    connections: filters => node.kernel.connections(filters),
    deleteConnections: connections => node.kernel.deleteConnections(connections),
  };
  let objects = new Objects();
  const source = {
    keys: () => objects.keys(),
    service: (key: string) => objects.service(key),
    slices: (key: string) => objects.slices(key),
  };
  const addresses = nodeAddresses.map(addressOf);
  const place = { node: nodeName, zone, addresses, nodePortAddresses: addresses, servicePrefixes };
  const sockets = atSockets === undefined ? undefined : withSockets(context, node);
  const pod = await sockets?.pod(node.client);
  const translation = sockets?.translation(atSockets);
  await translation?.start();
  const network = new ServiceNetwork(
    {
      kernel,
      place,
      clock: systemClock,
      ...(translation === undefined ? {} : { sockets: new SocketServices(translation, new Set(), fail) }),
    },
    source,
  );
  await network.load();
  const check = async (services: readonly Drawn[]) => {
    const before = [...objects.keys()];
    objects = new Objects();
    const all = services.map((one, index) => objectsOf(one, index, node.places));
    for (const each of all) objects.put(...each);
    for (const key of new Set([...before, ...objects.keys()])) await network.change(key);
    const model = buildServiceModel(
      all.map(([service]) => service),
      all.map(([, slice]) => slice),
      nodeAddresses.map(addressOf),
      servicePrefixes,
    );
    const asked = families.flatMap(family =>
      [
        ...[...virtual[family], balancers[family], externals[family]].flatMap(text =>
          ports.map(port => ({ text, port })),
        ),
        ...ports.map(port => ({ text: nodeAddresses[family === 4 ? 0 : 1], port: 30_000 + port })),
      ].flatMap(target => sidesOf(node, family).map(side => ({ ...target, side }))),
    );
    const probe = async ({ text, port, side }: (typeof asked)[number]) => {
      const destination = { address: addressOf(text), protocol: 'TCP', port } as const;
      const { place, address } = side;
      const decision = decideService(model, destination, { place, node: nodeName, zone, address });
      if (decision.verdict === 'not-a-service') return;
      const isSaid = said(decision, side);
      for (let turn = 0; turn < connectionsEach; turn++) {
        const seen =
          pod !== undefined && place === 'pod'
            ? await reachedBy(pod, text, port, decision.verdict === 'drop')
            : await reached(side.namespace, text, port);
        const what = typeof seen === 'string' ? seen : `${seen.from} met ${seen.reached}`;
        assert.ok(
          isSaid(seen),
          `${place} to ${text} port ${port}: the engine says ${inWords(decision)}; the kernel: ${what}`,
        );
      }
    };
    await Promise.all(asked.map(probe));
  };
  return { node, check };
}

/** The same mistakes, where elements are not written as commands. */
function mutated(change: NftElementChange, mutate: (commands: string) => string): NftElementChange {
  const add = change.add.map(([key, value]): readonly [string, string] => {
    const [before = '', after = ''] = mutate(`${key} : ${value} `).split(' : ');
    return [before, after.trim()];
  });
  return { ...change, add };
}

const worlds = fc.array(drawn, { maxLength: 5 });

test('the kernel does what the engine says, for any Services, after any change', async context => {
  const { check } = await startRig(context, commands => commands);
  await fc.assert(fc.asyncProperty(worlds, check), {
    numRuns: 40,
    endOnFailure: true,
    examples: [[telling]],
  });
});

test('with hooks at the sockets of pods the kernel does what the engine says, for any Services', async context => {
  const { check } = await startRig(
    context,
    commands => commands,
    () => ({}),
  );
  await fc.assert(fc.asyncProperty(worlds, check), {
    numRuns: 10,
    endOnFailure: true,
    examples: [[telling]],
  });
});

test('the comparison finds a mistake in what hooks are told: endpoints are mixed up', async context => {
  const { check } = await startRig(
    context,
    commands => commands,
    worker => ({
      changeBpfMaps: changes =>
        worker.changeBpfMaps(
          changes.map(change => {
            if (change.set === undefined || !change.pin.endsWith('/endpoints')) return change;
            const values = Uint8Array.from(change.set.values);
            // The last byte of the address of each endpoint.
            for (let at = 15; at < values.length; at += 24) values[at] = (values[at] ?? 0) ^ 1;
            return { ...change, set: { ...change.set, values } };
          }),
        ),
    }),
  );
  const found = await fc.check(fc.asyncProperty(worlds, check), {
    numRuns: 20,
    seed: 1,
    examples: [[telling]],
    endOnFailure: true,
  });
  assert.match(String(found.errorInstance), /pod to .* the engine says/, 'the mutation is noticed');
});

function fail(error: unknown): never {
  throw error;
}

/** Draws every verdict of the engine, so that the comparison is about all of them. */
const telling: readonly Drawn[] = [
  {
    family: 4,
    address: 0,
    age: 0,
    ports: [{ port: 80, target: 8080 }],
    internal: 'Cluster',
    type: 'LoadBalancer',
    external: 'Local',
    hasExternalIP: true,
    isSticky: true,
    from: undefined,
    endpoints: [
      { host: 0, here: true, hints: 'zone', state: 'ready' },
      { host: 1, here: false, hints: 'zone', state: 'ready' },
    ],
  },
  {
    family: 6,
    address: 0,
    age: 0,
    ports: [{ port: 80, target: 8080 }],
    internal: 'Local',
    type: 'LoadBalancer',
    external: 'Cluster',
    hasExternalIP: false,
    isSticky: false,
    from: 'outsiders',
    endpoints: [
      { host: 0, here: true, hints: 'node', state: 'ready' },
      { host: 1, here: true, hints: 'other node', state: 'ready' },
    ],
  },
  {
    family: 4,
    address: 1,
    age: 0,
    ports: [{ port: 81, target: 8081 }],
    internal: 'Local',
    type: 'NodePort',
    external: 'Local',
    hasExternalIP: false,
    isSticky: false,
    from: undefined,
    endpoints: [{ host: 0, here: false, hints: 'none', state: 'ready' }],
  },
];

const mutations: Readonly<Record<string, (commands: string) => string>> = {
  'a slot is drawn that nobody has': commands =>
    commands.replaceAll(/(random mod \d+) offset 1/g, '$1 offset 2'),
  'what is refused is let through': commands => commands.replaceAll(/^add rule .* reject with .*$/gm, ''),
  'endpoints are mixed up': commands => commands.replaceAll(/ : 10\.244\.1\.2 \. /g, ' : 10.244.1.3 . '),
  'clients from outside get the endpoints of all nodes': commands =>
    commands.replaceAll(/^.*vmap @outside.*$/gm, ''),
  'endpoints are not known by the numbers that clients are remembered with': commands =>
    commands.replaceAll(/( . \d:[0-9a-f]+ : )[0-9a-f]{4}:[0-9a-f]+/g, '$18000:1'),
  'nobody is guarded against': commands => commands.replaceAll(/ jump guard /g, ' continue '),
  'the source address is never the node’s': commands =>
    commands.replaceAll(/ct mark and 0x4000 != 0/g, 'ct mark and 0x4000 == 1'),
  'what only other nodes may serve is refused': commands =>
    commands.replaceAll(/: goto (no-local|no-local-counted)/g, ': goto refuse'),
};

for (const [what, mutate] of Object.entries(mutations)) {
  test(`the comparison finds a mistake in the compiled program: ${what}`, async context => {
    const { check } = await startRig(context, mutate);
    const found = await fc.check(fc.asyncProperty(worlds, check), {
      numRuns: 40,
      seed: 1,
      examples: [[telling]],
      endOnFailure: true,
    });
    assert.match(String(found.errorInstance), /the engine says/, 'the mutation is noticed');
  });
}
