import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ApiObject, Fields } from '../../object.ts';
import { messagesOf, ofKind } from '../testing/of-kind.ts';

const deployments = ofKind('apps', 'Deployment');
const TEMPLATE = {
  metadata: { labels: { app: 'web' } },
  spec: { containers: [{ name: 'c', image: 'echo:1' }] },
};
const SPEC = { selector: { matchLabels: { app: 'web' } }, template: TEMPLATE };

function deployment(spec: Fields, status: Fields = {}): ApiObject {
  const object = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web' }, spec, status };
  return deployments.withDefaults(object);
}

const wrong = (spec: Fields, before?: Fields): readonly string[] =>
  messagesOf(deployments.validate(deployment(spec), before === undefined ? undefined : deployment(before)));

test('a deployment gets its defaults', () => {
  const spec = deployment(SPEC)['spec'] as Fields;
  assert.equal(spec['replicas'], 1);
  assert.equal(spec['revisionHistoryLimit'], 10);
  assert.equal(spec['progressDeadlineSeconds'], 600);
  assert.deepEqual(spec['strategy'], {
    type: 'RollingUpdate',
    rollingUpdate: { maxUnavailable: '25%', maxSurge: '25%' },
  });
  assert.equal((deployment({ ...SPEC, replicas: 0 })['spec'] as Fields)['replicas'], 0);
});

test('broken deployments are refused with the field and the reason', () => {
  const cases: readonly (readonly [Fields, readonly string[]])[] = [
    [SPEC, []],
    [
      { ...SPEC, selector: { matchLabels: { app: 'other' } } },
      ['spec.template.metadata.labels: Invalid {"app":"web"} `selector` does not match template `labels`'],
    ],
    [{ ...SPEC, selector: {} }, ['spec.selector: Invalid {} empty selector is invalid for deployment']],
    [{ ...SPEC, replicas: -1 }, ['spec.replicas: Invalid -1 must be greater than or equal to 0']],
    [
      { ...SPEC, strategy: { type: 'Recreate', rollingUpdate: {} } },
      ["spec.strategy.rollingUpdate: Forbidden may not be specified when strategy `type` is 'Recreate'"],
    ],
    [
      { ...SPEC, strategy: { rollingUpdate: { maxUnavailable: 0, maxSurge: 0 } } },
      ['spec.strategy.rollingUpdate.maxUnavailable: Invalid 0 may not be 0 when `maxSurge` is 0'],
    ],
    [
      { ...SPEC, progressDeadlineSeconds: 5, minReadySeconds: 5 },
      ['spec.progressDeadlineSeconds: Invalid 5 must be greater than minReadySeconds'],
    ],
    [
      { ...SPEC, template: { ...TEMPLATE, spec: { ...TEMPLATE.spec, restartPolicy: 'Never' } } },
      ['spec.template.spec.restartPolicy: NotSupported "Never" supported values: "Always"'],
    ],
  ];
  for (const [spec, expected] of cases) assert.deepEqual(wrong(spec), expected, JSON.stringify(spec));
});

test('the selector of a deployment never changes', () => {
  const labels = { app: 'web', tier: 'x' };
  const wider = {
    selector: { matchLabels: labels },
    template: { ...TEMPLATE, metadata: { labels } },
  };
  assert.deepEqual(wrong(wider, SPEC), [
    'spec.selector: Invalid {"matchLabels":{"app":"web","tier":"x"}} field is immutable',
  ]);
});

test('a deployment prints how far it is', () => {
  const status = { readyReplicas: 1, updatedReplicas: 2, availableReplicas: 1 };
  assert.deepEqual(deployments.cells(deployment({ ...SPEC, replicas: 3 }, status), 0), [
    'web',
    '1/3',
    2,
    1,
    '<unknown>',
    'c',
    'echo:1',
    'app=web',
  ]);
});

test('scale reads the selector as text', () => {
  const scale = deployments.subresources.find(subresource => subresource.name === 'scale')?.scale;
  assert.equal(scale?.selector(deployment(SPEC)), 'app=web');
});
