import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Deployment, ReplicaSet } from '../../../kube/types/apps.ts';
import { plan } from './decide.ts';
import { boundsOf, replicasOf } from './strategy.ts';

/**
 * A Deployment with its sets, stepped without an API: the planned writes are carried out, and between steps sets get
 * their pods and pods become available, as a random schedule says.
 */
class Simulation {
  deployment: Deployment;
  sets: ReplicaSet[] = [];
  #names = 0;
  #generation = 1;

  constructor(deployment: Deployment) {
    this.deployment = deployment;
  }

  change(spec: Partial<Deployment['spec']>): void {
    this.#generation++;
    const metadata = { ...this.deployment.metadata, generation: this.#generation };
    this.deployment = { ...this.deployment, metadata, spec: { ...this.deployment.spec, ...spec } };
  }

  /** One pass; false when there was nothing to do. */
  step(): boolean {
    const { writes, status } = plan({
      deployment: this.deployment,
      sets: this.sets,
      hasRunningPods: set => (set.status?.replicas ?? 0) > 0,
      now: 0,
    });
    for (const write of writes) {
      const rest = this.sets.filter(set => set.metadata.name !== write.set.metadata.name);
      if (write.do === 'delete') this.sets = rest;
      else this.sets = [...rest, write.do === 'create' ? this.#born(write.set) : write.set];
    }
    this.deployment = { ...this.deployment, status: status() };
    return writes.length > 0;
  }

  /** The ReplicaSet controller and the nodes do `amount` of what there is to do for one set. */
  work(index: number, amount: number): void {
    const set = this.sets[index % Math.max(1, this.sets.length)];
    if (set === undefined) return;
    const has = set.status?.replicas ?? 0;
    const wants = replicasOf(set);
    const replicas = has < wants ? Math.min(wants, has + amount) : wants;
    const available = Math.min(replicas, (set.status?.availableReplicas ?? 0) + amount);
    this.sets = this.sets.map(each =>
      each === set
        ? {
            ...each,
            status: {
              replicas,
              readyReplicas: available,
              availableReplicas: available,
              observedGeneration: 99,
            },
          }
        : each,
    );
  }

  get total(): number {
    return this.sets.reduce((sum, set) => sum + replicasOf(set), 0);
  }

  get available(): number {
    return this.sets.reduce(
      (sum, set) => sum + Math.min(set.status?.availableReplicas ?? 0, replicasOf(set)),
      0,
    );
  }

  settle(): void {
    for (let round = 0; round < 400; round++) {
      const moved = this.step();
      for (let index = 0; index < this.sets.length; index++) this.work(index, 100);
      if (!moved && !this.step()) return;
    }
    assert.fail(`the rollout does not come to an end: ${JSON.stringify(this.sets.map(replicasOf))}`);
  }

  #born(set: ReplicaSet): ReplicaSet {
    this.#names++;
    const metadata = {
      ...set.metadata,
      uid: `set-${this.#names}`,
      creationTimestamp: `2026-01-01T00:00:${10 + this.#names}Z`,
    };
    return { ...set, metadata };
  }
}

function deployment(spec: Partial<Deployment['spec']>): Deployment {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace: 'default', uid: 'd', generation: 1 },
    spec: { selector: { matchLabels: { app: 'web' } }, template: template(0), ...spec },
  };
}

const template = (version: number) => ({
  metadata: { labels: { app: 'web' } },
  spec: { containers: [{ name: 'web', image: `web:${version}` }] },
});

const amount = fc.oneof(
  fc.integer({ min: 0, max: 6 }),
  fc.integer({ min: 0, max: 100 }).map(percent => `${percent}%`),
);
const rollingUpdate = fc.record({ maxSurge: amount, maxUnavailable: amount });
const replicas = fc.integer({ min: 0, max: 12 });
const action = fc.oneof(
  { weight: 5, arbitrary: fc.constant({ do: 'step' as const }) },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('work' as const),
      set: fc.nat(5),
      amount: fc.integer({ min: 1, max: 4 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('template' as const), version: fc.nat(2) }) },
);
const scale = fc.record({ do: fc.constant('scale' as const), replicas });

test('during rolling updates there are never too many pods nor too few available ones', () => {
  fc.assert(
    fc.property(replicas, rollingUpdate, fc.array(action, { maxLength: 60 }), (wanted, rolling, actions) => {
      const simulation = new Simulation(
        deployment({ replicas: wanted, strategy: { type: 'RollingUpdate', rollingUpdate: rolling } }),
      );
      simulation.settle();
      const { maxSurge, maxUnavailable } = boundsOf(simulation.deployment);
      for (const each of actions) {
        if (each.do === 'step') simulation.step();
        else if (each.do === 'work') simulation.work(each.set, each.amount);
        else simulation.change({ template: template(each.version) });
        assert.ok(
          simulation.total <= wanted + maxSurge,
          `${simulation.total} pods, at most ${wanted}+${maxSurge}`,
        );
        assert.ok(
          simulation.available >= wanted - maxUnavailable,
          `${simulation.available} available, at least ${wanted}-${maxUnavailable}`,
        );
      }
    }),
    { numRuns: 300 },
  );
});

test('whatever happens on the way, scaling included, a Deployment ends with its pods of its template', () => {
  const strategy = fc.oneof(
    rollingUpdate.map(rolling => ({ type: 'RollingUpdate' as const, rollingUpdate: rolling })),
    fc.constant({ type: 'Recreate' as const }),
  );
  fc.assert(
    fc.property(
      replicas,
      strategy,
      fc.array(fc.oneof(action, scale), { maxLength: 60 }),
      (wanted, how, actions) => {
        const simulation = new Simulation(deployment({ replicas: wanted, strategy: how }));
        for (const each of actions) {
          if (each.do === 'step') simulation.step();
          else if (each.do === 'work') simulation.work(each.set, each.amount);
          else if (each.do === 'scale') simulation.change({ replicas: each.replicas });
          else simulation.change({ template: template(each.version) });
        }
        simulation.settle();
        const { template: current, replicas: count } = simulation.deployment.spec;
        for (const set of simulation.sets) {
          const isCurrent =
            set.spec.template?.spec.containers[0]?.image === current.spec.containers[0]?.image;
          assert.equal(replicasOf(set), isCurrent ? count : 0, set.metadata.name);
        }
        assert.equal(new Set(simulation.sets.map(set => set.metadata.name)).size, simulation.sets.length);
        const status = simulation.deployment.status;
        assert.equal(status?.updatedReplicas ?? 0, count);
        assert.equal(status?.conditions?.find(each => each.type === 'Available')?.status, 'True');
        assert.equal(
          status.conditions?.find(each => each.type === 'Progressing')?.reason,
          'NewReplicaSetAvailable',
        );
      },
    ),
    { numRuns: 300 },
  );
});

test('a status that is late after a scale-down does not let too many pods go', () => {
  const rolling = { maxSurge: 0, maxUnavailable: 1 };
  const simulation = new Simulation(
    deployment({ replicas: 3, strategy: { type: 'RollingUpdate', rollingUpdate: rolling } }),
  );
  simulation.settle();
  simulation.change({ template: template(1) });
  for (let steps = 0; steps < 3; steps++) simulation.step(); // a new set, one old pod down, one new one up
  simulation.work(1, 1); // the new pod is available; the old set still counts three
  simulation.step();
  assert.equal(simulation.available, 2);
});

test('scaling in the middle of a rollout keeps the mix of versions', () => {
  const simulation = new Simulation(
    deployment({
      replicas: 10,
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 3, maxUnavailable: 2 } },
    }),
  );
  simulation.settle();
  simulation.change({ template: template(1) });
  simulation.step(); // 3 new ones on top
  simulation.step(); // 2 old ones down
  const counts = () => simulation.sets.map(replicasOf).toSorted((a, b) => a - b);
  assert.deepEqual(counts(), [3, 8]);
  simulation.change({ replicas: 20 });
  simulation.step();
  assert.deepEqual(counts(), [5, 18], 'ten more and the same surge, shared three to eight');
});

test('a Deployment that is paused is scaled and nothing else', () => {
  const simulation = new Simulation(deployment({ replicas: 4 }));
  simulation.settle();
  simulation.change({ paused: true, template: template(1), replicas: 6 });
  simulation.settle();
  assert.deepEqual(simulation.sets.map(replicasOf), [6]);
});
