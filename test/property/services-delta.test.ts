import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FairleadError } from '../../src/base/errors.ts';
import type { NftElementChange } from '../../src/kernel/netlink/index.ts';
import { ManualClock } from '../../src/kube/manual-clock.ts';
import type { EndpointSlice } from '../../src/kube/types/discovery.ts';
import type { Service } from '../../src/kube/types/service.ts';
import { readService } from '../../src/services/compile-model.ts';
import { compileNft, compileNode } from '../../src/services/compile-nft.ts';
import { ServiceNetwork } from '../../src/services/index.ts';
import type { ServiceKernel, ServiceSource } from '../../src/services/index.ts';

/**
 * The elements of nftables in memory. Stricter than the kernel: what is added must be new, what is deleted must
 * be there.
 */
class RecordedTable implements ServiceKernel {
  readonly elements = new Map<string, string>();
  readonly sizes: number[] = [];

  readonly nft: ServiceKernel['nft'] = () => Promise.resolve();

  nftElements(changes: readonly NftElementChange[]): Promise<void> {
    let count = 0;
    for (const { add, remove, set } of changes) {
      for (const key of remove) assert.ok(this.elements.delete(`${set} ${key}`), `delete ${set} ${key}`);
      for (const [key, value] of add) {
        assert.equal(this.elements.has(`${set} ${key}`), false, `add ${set} ${key}`);
        this.elements.set(`${set} ${key}`, value);
      }
      count += add.length + remove.length;
    }
    this.sizes.push(count);
    return Promise.resolve();
  }

  forgetConnections(): Promise<number> {
    return Promise.resolve(0);
  }

  connections(): Promise<readonly never[]> {
    return Promise.resolve([]);
  }

  deleteConnections(): Promise<number> {
    return Promise.resolve(0);
  }

  nftCounters(): never {
    throw new Error('nothing is counted here');
  }

  nftChunked(): never {
    throw new Error('nothing is refused here');
  }

  readonly nftTable: ServiceKernel['nftTable'] = () => Promise.resolve(undefined);
}

const nodePortAddresses = [{ family: 4, value: 0xac1e_0001n }] as const;
const place = { node: 'node-1', addresses: [], nodePortAddresses, servicePrefixes: [] };

interface Drawn {
  readonly name: string;
  /** Few, so that Services meet. */
  readonly addresses: readonly number[];
  readonly ports: readonly number[];
  readonly age: number;
  readonly type: 'ClusterIP' | 'LoadBalancer';
  readonly policy: 'Cluster' | 'Local';
  readonly isSticky: boolean;
  readonly ranges: readonly string[];
  readonly endpoints: readonly { readonly host: number; readonly ready: boolean; readonly here: boolean }[];
}

const drawn: fc.Arbitrary<Drawn> = fc.record({
  name: fc.constantFrom('a', 'b', 'c', 'd'),
  addresses: fc.uniqueArray(fc.integer({ min: 1, max: 3 }), { maxLength: 2 }),
  ports: fc.uniqueArray(fc.integer({ min: 80, max: 82 }), { maxLength: 3 }),
  age: fc.nat(3),
  type: fc.constantFrom('ClusterIP', 'LoadBalancer'),
  policy: fc.constantFrom('Cluster', 'Local'),
  isSticky: fc.boolean(),
  ranges: fc.subarray(['192.0.2.0/24', '192.0.2.0/25', '198.51.100.1/32', '0.0.0.0/0']),
  endpoints: fc.array(
    fc.record({ host: fc.integer({ min: 1, max: 5 }), ready: fc.boolean(), here: fc.boolean() }),
    { maxLength: 5 },
  ),
});

function objectsOf(one: Drawn): readonly [Service, EndpointSlice] {
  const { name, addresses, ports, age, endpoints, type, policy, isSticky, ranges } = one;
  const service: Service = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: 'n', uid: name, creationTimestamp: `2026-01-01T00:00:0${age}Z` },
    spec: {
      clusterIPs: addresses.map(host => `10.96.0.${host}`),
      ports: ports.map(port => ({ name: `p${port}`, port, nodePort: 30_000 + port })),
      type,
      externalTrafficPolicy: policy,
      internalTrafficPolicy: policy,
      sessionAffinity: isSticky ? 'ClientIP' : 'None',
      loadBalancerSourceRanges: ranges,
    },
    status: { loadBalancer: { ingress: [{ ip: '172.30.200.1' }] } },
  };
  const slice: EndpointSlice = {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name, namespace: 'n', labels: { 'kubernetes.io/service-name': name } },
    addressType: 'IPv4',
    endpoints: endpoints.map(({ host, ready, here }) => ({
      addresses: [`10.244.0.${host}`],
      conditions: { ready },
      nodeName: here ? 'node-1' : 'node-2',
    })),
    ports: ports.map(port => ({ name: `p${port}`, port: port + 8000 })),
  };
  return [service, slice];
}

function sourceOf(state: ReadonlyMap<string, Drawn>): ServiceSource {
  const found = (key: string) => {
    const one = state.get(key.slice('n/'.length));
    return one === undefined ? undefined : objectsOf(one);
  };
  return {
    keys: () => [...state.keys()].map(name => `n/${name}`),
    service: key => found(key)?.[0],
    slices: key => (found(key)?.slice(1) as readonly EndpointSlice[] | undefined) ?? [],
  };
}

/** What a first compile of a state puts into the table. */
function compiled(state: ReadonlyMap<string, Drawn>): ReadonlyMap<string, string> {
  const parts = [...state.values()].flatMap(one => {
    const [service, slice] = objectsOf(one);
    return readService(service, [slice], nodePortAddresses) ?? [];
  });
  const groups = [...compileNft(parts, place).values(), ...compileNode([], []).values()];
  const elements = groups.flatMap(group => group.elements);
  const table = new Map(elements.map(({ set, key, value }) => [`${set} ${key}`, value]));
  assert.equal(table.size, elements.length, 'no element stands in two groups');
  return table;
}

const sorted = (table: ReadonlyMap<string, string>) => [...table].toSorted(([a], [b]) => (a < b ? -1 : 1));

test('step by step, in any order, the table becomes what a first compile makes of the end', async () => {
  const step = fc.oneof(
    drawn,
    fc.record({ name: fc.constantFrom('a', 'b', 'c', 'd'), gone: fc.constant(true) }),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(drawn, { maxLength: 4 }),
      fc.array(step, { maxLength: 12 }),
      async (first, steps) => {
        const state = new Map(first.map(one => [one.name, one]));
        const kernel = new RecordedTable();
        const network = new ServiceNetwork({ kernel, place, clock: new ManualClock() }, sourceOf(state));
        await network.load();
        assert.deepEqual(sorted(kernel.elements), sorted(compiled(state)));
        for (const next of steps) {
          if ('gone' in next) state.delete(next.name);
          else state.set(next.name, next);
          await network.change(`n/${next.name}`);
          assert.deepEqual(sorted(kernel.elements), sorted(compiled(state)));
        }
      },
    ),
    { numRuns: 300 },
  );
});

/** A table that somebody else may change, and that can be read: sets and chains as they were written, by their digests. */
class SharedTable extends RecordedTable {
  readonly sets = new Map<string, string>();
  readonly chains = new Map<string, string[]>();

  /** `nft flush ruleset`, as firewalls do it when they start. */
  flush(): void {
    for (const all of [this.elements, this.sets, this.chains]) all.clear();
  }

  override readonly nft: ServiceKernel['nft'] = commands => {
    for (const line of commands.split('\n')) {
      const [verb, kind, , , name = ''] = line.split(' ');
      const digest = /comment "([^"]*)"/.exec(line)?.[1] ?? '';
      if (verb === 'add' && (kind === 'set' || kind === 'map')) this.sets.set(name, digest);
      if (verb === 'delete' && kind === 'map') this.sets.delete(name);
      if (verb === 'delete' && kind === 'chain') this.chains.delete(name);
      if (kind === 'chain' && (verb === 'flush' || (verb === 'add' && !this.chains.has(name))))
        this.chains.set(name, []);
      if (kind === 'rule') this.chains.get(name)?.push(digest);
    }
    return Promise.resolve();
  };

  override nftElements(changes: readonly NftElementChange[]): Promise<void> {
    const after = new Map(this.elements);
    for (const { set, remove, add } of changes) {
      for (const key of remove) if (!after.delete(`${set} ${key}`)) return Promise.reject(refusal());
      for (const [key, value] of add) {
        if ((after.get(`${set} ${key}`) ?? value) !== value) return Promise.reject(refusal());
        after.set(`${set} ${key}`, value);
        const chain = /^goto (.*)$/.exec(value)?.[1];
        assert.ok(chain === undefined || this.chains.has(chain), `no chain ${value}`);
      }
    }
    this.elements.clear();
    for (const [place, value] of after) this.elements.set(place, value);
    return Promise.resolve();
  }

  override readonly nftTable: ServiceKernel['nftTable'] = (_, types) => {
    if (this.sets.size === 0) return Promise.resolve(undefined);
    const elementsOf = (set: string) =>
      new Map(
        types.has(set)
          ? [...this.elements].flatMap(([place, value]) =>
              place.startsWith(`${set} `) ? [[place.slice(set.length + 1), value] as const] : [],
            )
          : [],
      );
    const sets = new Map(
      [...this.sets].map(([name, digest]) => [name, { digest, elements: elementsOf(name) }] as const),
    );
    return Promise.resolve({ sets, chains: new Map(this.chains) });
  };
}

const refusal = () => new FairleadError('kernel/nft-element', 'the element is not as it was thought to be');

test('Services that change while the table is compared are in it as they are, and so is what others had changed', async () => {
  const damage = fc.record({ at: fc.nat(200), how: fc.constantFrom('remove', 'stray', 'flush') });
  const step = fc.record({
    next: fc.oneof(drawn, fc.record({ name: fc.constantFrom('a', 'b', 'c', 'd'), gone: fc.constant(true) })),
    /** At which pause it comes. */
    at: fc.nat(16),
  });
  const first = fc.array(drawn, { maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(
      first,
      fc.array(damage, { maxLength: 4 }),
      fc.array(step, { maxLength: 6 }),
      fc.boolean(),
      async (before, damages, steps, isLoad) => {
        const state = new Map(before.map(one => [one.name, one]));
        const kernel = new SharedTable();
        const network = new ServiceNetwork({ kernel, place, clock: new ManualClock() }, sourceOf(state));
        await network.load();
        for (const { at, how } of damages) {
          const places = [...kernel.elements.keys()].filter(one => !one.startsWith('because'));
          const chosen = places[at % Math.max(1, places.length)];
          if (how === 'flush') kernel.flush();
          else if (how === 'stray' && kernel.sets.size > 0)
            kernel.elements.set(`addresses4 10.96.9.${at}`, '');
          else if (how === 'remove' && chosen !== undefined) kernel.elements.delete(chosen);
        }
        let pauses = 0;
        const meanwhile = async () => {
          const now = pauses++;
          for (const { next, at } of steps) {
            if (at !== now) continue;
            if ('gone' in next) state.delete(next.name);
            else state.set(next.name, next);
            await network.change(`n/${next.name}`);
          }
        };
        await (isLoad ? network.load(meanwhile) : network.reconcile(meanwhile));
        // Of a Service that changed, what somebody else took and the change did not touch is left to the next comparison.
        if (damages.some(({ how }) => how === 'remove') && steps.length > 0) await network.reconcile();
        assert.deepEqual(sorted(kernel.elements), sorted(compiled(state)));
        // What is remembered is what is there: the next changes are right, too.
        for (const name of ['a', 'b', 'c', 'd']) {
          state.delete(name);
          await network.change(`n/${name}`);
        }
        assert.deepEqual(sorted(kernel.elements), sorted(compiled(state)));
      },
    ),
    { numRuns: 300 },
  );
});

test('a change that changes nothing writes nothing, and one endpoint more writes what belongs to its port', async () => {
  const one = (count: number): Drawn => ({
    name: 'a',
    addresses: [1],
    ports: [80],
    age: 0,
    type: 'ClusterIP',
    policy: 'Cluster',
    isSticky: false,
    ranges: [],
    endpoints: Array.from({ length: count }, (_, index) => ({ host: index + 1, ready: true, here: false })),
  });
  const others = Array.from({ length: 50 }, (_, index): Drawn => ({
    ...one(3),
    name: `x${index}`,
    addresses: [index + 10],
  }));
  const state = new Map([one(3), ...others].map(each => [each.name, each]));
  const kernel = new RecordedTable();
  const network = new ServiceNetwork({ kernel, place, clock: new ManualClock() }, sourceOf(state));
  await network.load();
  const writes = kernel.sizes.length;
  await network.change('n/a');
  assert.equal(kernel.sizes.length, writes);
  state.set('a', one(4));
  await network.change('n/a');
  // The way to the chain of four instead of three, and the fourth slot.
  assert.equal(kernel.sizes.at(-1), 3);
});
