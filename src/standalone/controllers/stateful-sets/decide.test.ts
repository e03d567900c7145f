import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { ControllerRevision, StatefulSet } from '../../../kube/types/apps.ts';
import type { Pod } from '../../../kube/types/core.ts';
import { plan, statusOf, type StatefulSetView } from './decide.ts';
import { ordinalOf, podOf } from './pod.ts';

const revision = (name: string, number: number): ControllerRevision => ({
  apiVersion: 'apps/v1',
  kind: 'ControllerRevision',
  metadata: { name, labels: { 'controller-revision-hash': name } },
  data: { spec: { template: { spec: { containers: [{ name: 'a', image: name }] } } } },
  revision: number,
});
const [old, next] = [revision('web-old', 1), revision('web-new', 2)];

function setOf(spec: Partial<StatefulSet['spec']>): StatefulSet {
  return {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { name: 'web', namespace: 'n', uid: 'u' },
    spec: {
      replicas: 3,
      serviceName: 'web',
      selector: { matchLabels: { app: 'web' } },
      template: { spec: { containers: [{ name: 'a', image: 'web-new' }] } },
      ...spec,
    },
  };
}

type State = 'ready' | 'unready' | 'ended' | 'going';

function pod(set: StatefulSet, ordinal: number, of: ControllerRevision, state: State): Pod {
  const made = podOf(set, ordinal, of);
  return {
    ...made,
    metadata: {
      ...made.metadata,
      uid: `uid-${ordinal}-${of.metadata.name}`,
      ...(state === 'going' ? { deletionTimestamp: '2030-01-01T00:00:00Z' } : {}),
    },
    status: {
      phase: state === 'ended' ? 'Failed' : 'Running',
      conditions: [{ type: 'Ready', status: state === 'ready' ? 'True' : 'False' }],
    },
  };
}

const viewOf = (set: StatefulSet, pods: readonly Pod[]): StatefulSetView => ({
  set,
  pods,
  unseen: new Set(),
  deleted: new Set(),
  current: old,
  update: next,
  now: 0,
});

/** The plan as `+ordinal:revision` and `-ordinal`. */
function steps(view: StatefulSetView): string {
  const { create, remove } = plan(view);
  return [
    ...create.map(each => `+${each.ordinal}:${each.revision === next ? 'new' : 'old'}`),
    ...remove.map(each => `-${ordinalOf(view.set, each) ?? '?'}`),
  ].join(' ');
}

/** Each letter is a place: r ready, u not ready, e ended, g going, . empty; in capitals: of the new revision. */
function view(places: string, spec: Partial<StatefulSet['spec']> = {}): StatefulSetView {
  const set = setOf(spec);
  const states: Readonly<Record<string, State>> = { r: 'ready', u: 'unready', e: 'ended', g: 'going' };
  const pods = places.split('').flatMap((letter, ordinal) => {
    const state = states[letter.toLowerCase()];
    return state === undefined
      ? []
      : [pod(set, ordinal, letter === letter.toLowerCase() ? old : next, state)];
  });
  return viewOf(set, pods);
}

const partition = (number: number): Partial<StatefulSet['spec']> => ({
  updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: number } },
});
const parallel: Partial<StatefulSet['spec']> = { podManagementPolicy: 'Parallel' };

const cases: readonly (readonly [
  what: string,
  places: string,
  steps: string,
  spec?: Partial<StatefulSet['spec']>,
])[] = [
  ['the first pod is made first', '...', '+0:new'],
  ['the next one waits for the one before', 'U..', ''],
  ['and follows it', 'R..', '+1:new'],
  ['a gap is filled before what comes after it', 'R.R', '+1:new'],
  ['an ended pod goes, to be made anew', 'RER', '-1'],
  ['a pod that is going is waited for', 'RGR', ''],
  ['an update begins at the highest place', 'rrr', '-2'],
  ['and waits until that one is ready', 'rrU', ''],
  ['and goes on downwards', 'rRR', '-0'],
  ['it ends at the partition', 'rrR', '', partition(2)],
  ['below the partition a pod comes back as it was', '.rR', '+0:old', partition(2)],
  ['OnDelete updates nobody', 'rrr', '', { updateStrategy: { type: 'OnDelete' } }],
  ['what is too many goes from the top, one at a time', 'RRRRR', '-4'],
  ['and waits while another place is not well', 'RURRR', ''],
  ['nothing more goes while one is going', 'RRRRG', ''],
  ['Parallel makes all that are missing', 'U..', '+1:new +2:new', parallel],
  ['Parallel removes all that are too many', 'RRRUU', '-4 -3', parallel],
  ['Parallel still updates one at a time', 'rrr', '-2', parallel],
];

for (const [what, places, expected, spec] of cases) {
  test(`${what}: ${places}`, () => assert.equal(steps(view(places, spec)), expected));
}

test('the update becomes the current revision when every pod has it and is ready', () => {
  const partly = statusOf(view('rrR'));
  assert.deepEqual(
    [partly.currentRevision, partly.updateRevision, partly.currentReplicas, partly.updatedReplicas],
    ['web-old', 'web-new', 2, 1],
  );
  assert.equal(statusOf(view('RRU')).currentRevision, 'web-old');
  const done = statusOf(view('RRR'));
  assert.deepEqual([done.currentRevision, done.currentReplicas, done.readyReplicas], ['web-new', 3, 3]);
});

test('whatever happens to its pods, an ordered set gets to its state, and never takes two pods at once', () => {
  const letters = fc.constantFrom('r', 'u', 'e', 'g', '.', 'R', 'U', 'E', 'G');
  fc.assert(
    fc.property(fc.array(letters, { maxLength: 6 }), fc.integer({ min: 0, max: 5 }), (places, replicas) => {
      const set = setOf({ replicas });
      let { pods } = view(places.join(''), { replicas });
      for (let step = 0; step < 100; step++) {
        const { create, remove } = plan(viewOf(set, pods));
        assert.ok(create.length + remove.length <= 1, 'one step at a time');
        // The world: who is removed or was going is gone, who is there gets ready unless it has ended.
        const gone = new Set([
          ...remove,
          ...pods.filter(each => each.metadata.deletionTimestamp !== undefined),
        ]);
        const kept = pods.filter(each => !gone.has(each));
        if (create.length + gone.size === 0 && kept.every(each => isReady(each))) break;
        pods = [
          ...kept.map(each => (each.status?.phase === 'Failed' ? each : ready(each))),
          ...create.map(each => pod(set, each.ordinal, each.revision, 'unready')),
        ];
      }
      assert.deepEqual(
        pods.map(each => ordinalOf(set, each) ?? -1).toSorted((a, b) => a - b),
        Array.from({ length: replicas }, (_, index) => index),
      );
      assert.ok(pods.every(each => each.metadata.labels?.['controller-revision-hash'] === 'web-new'));
    }),
    { numRuns: 300 },
  );
});

const isReady = (each: Pod) => each.status?.conditions?.[0]?.status === 'True';
const ready = (each: Pod): Pod => ({
  ...each,
  status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] },
});

for (const podManagementPolicy of ['OrderedReady', 'Parallel'] as const) {
  test(`two thousand million replicas are begun like any other number (${podManagementPolicy})`, () => {
    const set = setOf({ replicas: 2 ** 31 - 1, podManagementPolicy });
    const { create } = plan(viewOf(set, [pod(set, 0, next, 'ready')]));
    assert.equal(create[0]?.ordinal, 1);
    assert.ok(create.length <= 1000, `${create.length} pods at once`);
  });
}
