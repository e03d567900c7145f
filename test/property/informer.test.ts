import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { createClientOver } from '../../src/kube/client.ts';
import { FakeApi } from '../../src/kube/fake-api.ts';
import { Informer, keyOf } from '../../src/kube/informer.ts';
import type { InformerOptions } from '../../src/kube/informer.ts';
import { CONFIG_MAPS } from '../../src/kube/resources.ts';
import type { ConfigMap } from '../../src/kube/types/config.ts';
import { ManualClock } from '../../src/kube/manual-clock.ts';

const NAMES = ['a', 'b', 'c', 'd'];

type Step =
  | { readonly do: 'put'; readonly name: string; readonly data: string; readonly app: string }
  | { readonly do: 'remove'; readonly name: string }
  | { readonly do: 'replace'; readonly name: string }
  | { readonly do: 'forget' | 'bookmark' | 'breathe' | 'wait' }
  | { readonly do: 'poison'; readonly name: string }
  | { readonly do: 'watches'; readonly how: 'end' | 'break' | 'cut' | 'garble' | 'hang' }
  | { readonly do: 'refuse'; readonly status: number }
  | { readonly do: 'gone-as'; readonly as: 'status' | 'event' };

const name = fc.constantFrom(...NAMES);
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom<Step>({ do: 'breathe' }, { do: 'wait' }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('poison' as const), name }) },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('put' as const),
      name,
      data: fc.string({ maxLength: 3 }),
      app: fc.constantFrom('web', 'db'),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('remove' as const), name }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('replace' as const), name }) },
  { weight: 3, arbitrary: fc.constantFrom<Step>({ do: 'forget' }, { do: 'bookmark' }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('watches' as const),
      how: fc.constantFrom('end', 'break', 'cut', 'garble', 'hang'),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('refuse' as const),
      status: fc.constantFrom(0, 410, 429, 500, 503, 504),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('gone-as' as const), as: fc.constantFrom('status', 'event') }),
  },
);

function configMap(one: string, data = '', app = 'web'): ConfigMap {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: one, namespace: 'default', labels: { app } },
    data: { data },
  };
}

async function perform(step: Step, api: FakeApi, clock: ManualClock): Promise<void> {
  switch (step.do) {
    case 'put':
      api.store.put(CONFIG_MAPS, configMap(step.name, step.data, step.app));
      return;
    case 'remove':
      api.store.remove(CONFIG_MAPS, `default/${step.name}`);
      return;
    case 'replace':
      api.store.remove(CONFIG_MAPS, `default/${step.name}`);
      api.store.put(CONFIG_MAPS, configMap(step.name, 'reborn'));
      return;
    case 'forget':
      api.store.forget();
      return;
    case 'bookmark':
      api.sendBookmarks();
      return;
    case 'poison':
      api.faults.garbled.add(api.store.version + 1);
      api.store.put(CONFIG_MAPS, configMap(step.name, 'poison'));
      return;
    case 'breathe':
      await turns(5);
      return;
    case 'wait':
      await passTime(clock, 60);
      return;
    case 'watches':
      api.endWatches(step.how);
      return;
    case 'refuse':
      api.faults.refusals.push({ status: step.status });
      return;
    case 'gone-as':
      api.faults.goneAs = step.as;
      return;
    default:
      step satisfies never;
  }
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise(resolve => setImmediate(resolve));
}

/** An informer, with everything that its handlers were told replayed into a map of its own. */
function follow(api: FakeApi, clock: ManualClock, options: InformerOptions<ConfigMap> = {}) {
  const informer = new Informer(createClientOver(api, { clock }), CONFIG_MAPS, {
    clock,
    random: () => 0.5,
    indexes: { app: object => [object.metadata.labels?.['app'] ?? ''] },
    ...options,
  });
  const replayed = new Map<string, ConfigMap>();
  const mistakes: string[] = [];
  informer.onChange(({ before, after }) => {
    const key = keyOf((after ?? before) as ConfigMap);
    if (replayed.get(key) !== before) mistakes.push(`${key}: the state before is not the one told last`);
    if (before !== undefined && after !== undefined && before.metadata.uid !== after.metadata.uid) {
      mistakes.push(`${key}: another object is told as a change`);
    }
    if (Number(after?.metadata.resourceVersion) <= Number(before?.metadata.resourceVersion)) {
      mistakes.push(`${key}: told although nothing newer is there`);
    }
    if (after === undefined) replayed.delete(key);
    else replayed.set(key, after);
    if (informer.cache.get(key) !== after)
      mistakes.push(`${key}: the cache is not at the state that is told`);
  });
  return { informer, replayed, mistakes };
}

/** Lets time pass until the informer has the server's state: at most ten simulated minutes. */
async function settle(clock: ManualClock, done: () => boolean): Promise<boolean> {
  for (let second = 0; second < 600; second++) {
    await turns(4);
    if (done()) return true;
    clock.advance(1000);
  }
  return false;
}

async function passTime(clock: ManualClock, seconds: number): Promise<void> {
  for (let second = 0; second < seconds; second += 10) {
    clock.advance(10_000);
    await turns(2);
  }
}

function serverState(api: FakeApi, app?: string): Record<string, ConfigMap> {
  const all = api.store.at(CONFIG_MAPS) as readonly (readonly [string, ConfigMap])[];
  return Object.fromEntries(
    all.filter(([, one]) => app === undefined || one.metadata.labels?.['app'] === app),
  );
}

const stateOf = (objects: Iterable<ConfigMap>) =>
  Object.fromEntries([...objects].map(one => [keyOf(one), one]));

test('whatever a server plays, the cache ends as the server and the changes lead to the same state', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(anyStep, { minLength: 12, maxLength: 60, size: 'max' }),
      fc.nat(10),
      fc.constantFrom('yes', 'refused', 'ignored'),
      fc.boolean(),
      async (steps, startAt, streams, selects) => {
        const api = new FakeApi([CONFIG_MAPS]);
        api.faults.streams = streams as 'yes';
        const clock = new ManualClock();
        const stop = new AbortController();
        const app = selects ? 'web' : undefined;
        const { informer, replayed, mistakes } = follow(
          api,
          clock,
          app === undefined ? {} : { labelSelector: `app=${app}` },
        );
        for (const [index, step] of steps.entries()) {
          if (index === startAt) informer.start(stop.signal);
          await perform(step, api, clock);
        }
        if (startAt >= steps.length) informer.start(stop.signal);
        const same = () => isDeepStrictEqual(stateOf(informer.cache.list()), serverState(api, app));
        const settled = await settle(clock, () => Number.isFinite(informer.staleness()) && same());
        assert.ok(settled, `the cache holds ${[...replayed.keys()].join()}, the server something else`);
        await passTime(clock, 400);
        assert.ok(same(), 'the cache stays as the server');
        assert.deepEqual(mistakes, []);
        assert.deepEqual(stateOf(replayed.values()), stateOf(informer.cache.list()));
        for (const value of ['web', 'db']) {
          const expected = informer.cache.list().filter(one => one.metadata.labels?.['app'] === value);
          assert.deepEqual(new Set(informer.cache.by('app', value)), new Set(expected));
        }
        stop.abort(new Error('done'));
        await turns(3);
        assert.equal(api.openWatches, 0, 'a stopped informer leaves no watch open');
      },
    ),
    { numRuns: 500 },
  );
});
