import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import fc from 'fast-check';
import { systemClock } from '../../src/base/clock.ts';
import { parseAddress } from '../../src/base/ip.ts';
import type { EndpointSlice } from '../../src/kube/types/discovery.ts';
import type { Service } from '../../src/kube/types/service.ts';
import { ServiceNetwork, buildServiceModel, decideService } from '../../src/services/index.ts';
import type { ServiceKernel } from '../../src/services/index.ts';
import { Objects, meet, startNode, tcpServers } from '../netns/services-node.ts';
import type { ServiceNode } from '../netns/services-node.ts';

/** What the engine says of a flow is what the kernel does with it: real connections from a pod and from the node. */

const ports = [80, 81] as const;
const targets = [8080, 8081] as const;
const virtual = { 4: ['10.96.0.1', '10.96.0.2'], 6: ['fd00:10:96::1', 'fd00:10:96::2'] } as const;
const connectionsEach = 3;

interface Drawn {
  readonly family: 4 | 6;
  readonly address: number;
  readonly age: number;
  readonly ports: readonly { readonly port: number; readonly target: number }[];
  readonly endpoints: readonly {
    readonly host: number;
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
  endpoints: fc.array(
    fc.record({ host: fc.nat(3), state: fc.constantFrom('ready', 'draining', 'starting', 'ending') }),
    { maxLength: 4 },
  ),
});

const conditionsOf = {
  ready: { ready: true, serving: true, terminating: false },
  draining: { ready: false, serving: true, terminating: true },
  starting: { ready: false, serving: false, terminating: false },
  ending: { ready: false, serving: false, terminating: true },
} as const;

function objectsOf(
  one: Drawn,
  index: number,
  places: ServiceNode['places'],
): readonly [Service, EndpointSlice] {
  const name = `s${index}`;
  const metadata = { name, namespace: 'n', uid: name, creationTimestamp: `2026-01-01T00:00:0${one.age}Z` };
  const address = virtual[one.family][one.address] ?? '';
  return [
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata,
      spec: { clusterIPs: [address], ports: one.ports.map(({ port }) => ({ name: `p${port}`, port })) },
    },
    {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { name, namespace: 'n', labels: { 'kubernetes.io/service-name': name } },
      addressType: `IPv${one.family}`,
      endpoints: one.endpoints.map(({ host, state }) => ({
        addresses: [places[one.family][host] ?? ''],
        conditions: conditionsOf[state],
        nodeName: 'node-1',
      })),
      ports: one.ports.map(({ port, target }) => ({ name: `p${port}`, port: target, protocol: 'TCP' })),
    },
  ];
}

/** `refused`, the address that answered, or how else connecting failed. */
async function reached(from: string, address: string, port: number): Promise<string> {
  return meet(from, address, port).then(
    meeting => meeting.reached,
    (error: Error) =>
      (error.cause as { code?: string } | undefined)?.code === 'ECONNREFUSED' ? 'refused' : error.message,
  );
}

interface Rig {
  readonly node: ServiceNode;
  /** Throws where the kernel does other than the engine says. */
  readonly check: (services: readonly Drawn[]) => Promise<void>;
}

async function startRig(context: TestContext, mutate: (commands: string) => string): Promise<Rig> {
  const node = startNode(context);
  for (const target of targets) await tcpServers(context, node.servers, target);
  const kernel: ServiceKernel = {
    nft: commands => node.kernel.nft(mutate(commands)),
    nftChunked: changes => node.kernel.nftChunked(changes),
    nftList: command => node.kernel.nftList(command),
    forgetConnections: flows => node.kernel.forgetConnections(flows),
  };
  let objects = new Objects();
  const source = {
    keys: () => objects.keys(),
    service: (key: string) => objects.service(key),
    slices: (key: string) => objects.slices(key),
  };
  const network = new ServiceNetwork({ kernel, node: 'node-1', clock: systemClock }, source);
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
    );
    for (const text of [...virtual[4], ...virtual[6]]) {
      for (const port of ports) {
        const address = parseAddress(text);
        assert.ok(address);
        const decision = decideService(model, { address, protocol: 'TCP', port });
        // What belongs to nobody is routed on, to where nobody answers.
        if (decision.verdict === 'not-a-service') continue;
        const expected =
          decision.verdict !== 'forward'
            ? ['refused']
            : decision.endpoints.map(endpoint => endpoint.address.value.toString(16));
        for (let turn = 0; turn < connectionsEach; turn++) {
          const seen = await reached(turn === 0 ? node.node : node.client, text, port);
          const told = seen === 'refused' ? seen : (parseAddress(seen)?.value.toString(16) ?? seen);
          assert.ok(
            expected.includes(told),
            `${text} port ${port}: the engine says ${expected.join()}, the kernel ${seen}`,
          );
        }
      }
    }
  };
  return { node, check };
}

const worlds = fc.array(drawn, { maxLength: 5 });

test('the kernel does what the engine says, for any Services, after any change', async context => {
  const { check } = await startRig(context, commands => commands);
  await fc.assert(fc.asyncProperty(worlds, check), { numRuns: 40, endOnFailure: true });
});

const mutations: Readonly<Record<string, (commands: string) => string>> = {
  'a slot is drawn that nobody has': commands =>
    commands.replaceAll(/(random mod \d+) offset 1/g, '$1 offset 2'),
  'what is refused is let through': commands => commands.replaceAll(/^add rule .* reject with .*$/gm, ''),
  'endpoints are mixed up': commands => commands.replaceAll(/ : 10\.244\.1\.2 \. /g, ' : 10.244.1.3 . '),
};

for (const [what, mutate] of Object.entries(mutations)) {
  test(`the comparison finds a mistake in the compiled program: ${what}`, async context => {
    const { check } = await startRig(context, mutate);
    const found = await fc.check(fc.asyncProperty(worlds, check), {
      numRuns: 40,
      seed: 1,
      endOnFailure: true,
    });
    assert.match(String(found.errorInstance), /the engine says/, 'the mutation is noticed');
  });
}
