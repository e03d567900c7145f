import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ApiObject, Fields } from '../../object.ts';
import { messagesOf, ofKind } from '../testing/of-kind.ts';

const pods = ofKind('', 'Pod');
const CONTAINER = { name: 'app', image: 'echo:1' };

function pod(spec: Fields): ApiObject {
  return pods.withDefaults({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' }, spec });
}

const wrong = (spec: Fields): readonly string[] => messagesOf(pods.validate(pod(spec), undefined));
const wrongContainer = (more: Fields): readonly string[] =>
  wrong({ containers: [{ ...CONTAINER, ...more }] });

test('a pod gets its defaults, and what admission adds', () => {
  const spec = pods.strategy.onCreate?.(pod({ containers: [{ name: 'app', image: 'echo' }] }))[
    'spec'
  ] as Fields;
  assert.equal(spec['restartPolicy'], 'Always');
  assert.equal(spec['dnsPolicy'], 'ClusterFirst');
  assert.equal(spec['serviceAccountName'], 'default');
  assert.deepEqual(spec['containers'], [
    {
      name: 'app',
      image: 'echo',
      imagePullPolicy: 'Always',
      resources: {},
      terminationMessagePath: '/dev/termination-log',
      terminationMessagePolicy: 'File',
    },
  ]);
});

test('limits are requests where nothing else was asked for', () => {
  const spec = pod({ containers: [{ ...CONTAINER, resources: { limits: { cpu: 1 } } }] })['spec'] as {
    containers: Fields[];
  };
  assert.deepEqual(spec.containers[0]?.['resources'], { limits: { cpu: '1' }, requests: { cpu: '1' } });
});

test('the quality of service follows from requests and limits', () => {
  const classOf = (resources: Fields) => {
    const status = pods.strategy.onCreate?.(pod({ containers: [{ ...CONTAINER, resources }] }))[
      'status'
    ] as Fields;
    return status['qosClass'];
  };
  assert.equal(classOf({}), 'BestEffort');
  assert.equal(classOf({ requests: { cpu: '1' } }), 'Burstable');
  assert.equal(classOf({ limits: { cpu: '1', memory: '1Gi' } }), 'Guaranteed');
});

test('broken pods are refused with the field and the reason', () => {
  const cases: readonly (readonly [Fields, readonly string[]])[] = [
    [{}, ['spec.containers: Required ']],
    [{ containers: [CONTAINER, CONTAINER] }, ['spec.containers[1].name: Duplicate "app" ']],
    [
      { containers: [CONTAINER], restartPolicy: 'Sometimes' },
      ['spec.restartPolicy: NotSupported "Sometimes" supported values: "Always", "OnFailure", "Never"'],
    ],
    [
      { containers: [CONTAINER], dnsPolicy: 'None' },
      ['spec.dnsConfig: Required must provide `dnsConfig` when `dnsPolicy` is None'],
    ],
    [
      { containers: [CONTAINER], volumes: [{ name: 'v', emptyDir: {}, hostPath: { path: '/x' } }] },
      ['spec.volumes[0].hostPath: Forbidden may not specify more than 1 volume type'],
    ],
    [
      { containers: [CONTAINER], volumes: [{ name: 'v', secret: {} }] },
      ['spec.volumes[0].secret.secretName: Required '],
    ],
    [
      { containers: [CONTAINER], tolerations: [{ operator: 'Equal', value: 'x' }] },
      [
        'spec.tolerations[0].operator: Invalid "Equal" operator must be Exists when `key` is empty, which means "match all values and all keys"',
      ],
    ],
  ];
  for (const [spec, expected] of cases) assert.deepEqual(wrong(spec), expected, JSON.stringify(spec));
});

test('broken containers are refused with the field and the reason', () => {
  const at = 'spec.containers[0]';
  const cases: readonly (readonly [Fields, readonly string[]])[] = [
    [{ image: '' }, [`${at}.image: Required `]],
    [{ ports: [{ containerPort: 0 }] }, [`${at}.ports[0].containerPort: Required `]],
    [
      {
        ports: [
          { containerPort: 80, name: 'a' },
          { containerPort: 81, name: 'a' },
        ],
      },
      [`${at}.ports[1].name: Duplicate "a" `],
    ],
    [{ env: [{ name: '' }] }, [`${at}.env[0].name: Required `]],
    [
      { env: [{ name: 'A', value: 'x', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } }] },
      [`${at}.env[0].valueFrom: Invalid "" may not be specified when \`value\` is not empty`],
    ],
    [
      { env: [{ name: 'A', valueFrom: { fieldRef: { fieldPath: 'spec.secret' } } }] },
      [
        `${at}.env[0].valueFrom.fieldRef.fieldPath: Invalid "spec.secret" error converting fieldPath: field label not supported: spec.secret`,
      ],
    ],
    [{ volumeMounts: [{ name: 'v', mountPath: '/v' }] }, [`${at}.volumeMounts[0].name: NotFound "v" `]],
    [{ livenessProbe: {} }, [`${at}.livenessProbe: Required must specify a handler type`]],
    [
      { livenessProbe: { httpGet: { port: 80 }, tcpSocket: { port: 80 } } },
      [`${at}.livenessProbe.tcpSocket: Forbidden may not specify more than 1 handler type`],
    ],
    [
      { readinessProbe: { tcpSocket: { port: 'UPPER' } } },
      [
        `${at}.readinessProbe.tcpSocket.port: Invalid "UPPER" must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)`,
        `${at}.readinessProbe.tcpSocket.port: Invalid "UPPER" must contain at least one letter (a-z)`,
      ],
    ],
    [
      { resources: { requests: { cpu: 2 }, limits: { cpu: 1 } } },
      [`${at}.resources.requests: Invalid "2" must be less than or equal to cpu limit of 1`],
    ],
  ];
  for (const [container, expected] of cases) {
    assert.deepEqual(wrongContainer(container), expected, JSON.stringify(container));
  }
});

test('of a running pod only the image, the deadline and further tolerations may change', () => {
  const before = pod({ containers: [CONTAINER] });
  const changed = (spec: Fields) => messagesOf(pods.validate(pod(spec), before));
  assert.deepEqual(
    changed({ containers: [{ ...CONTAINER, image: 'echo:2', imagePullPolicy: 'IfNotPresent' }] }),
    [],
  );
  assert.deepEqual(changed({ containers: [CONTAINER], tolerations: [{ operator: 'Exists' }] }), []);
  const [message = '', ...more] = changed({ containers: [{ ...CONTAINER, command: ['x'] }] });
  assert.match(message, /^spec: Forbidden pod updates may not change fields other than/);
  assert.deepEqual(more, []);
});

test('ephemeral containers come to a running pod, never with a new one', () => {
  const debugged = pod({ containers: [CONTAINER], ephemeralContainers: [{ ...CONTAINER, name: 'debug' }] });
  const forbidden = 'spec.ephemeralContainers: Forbidden cannot be set on create';
  assert.deepEqual(messagesOf(pods.validate(debugged, undefined)), [forbidden]);
  const before = pod({ containers: [CONTAINER] });
  assert.deepEqual(messagesOf(pods.validate(debugged, before, 'ephemeralcontainers')), []);
});

test('a pod that runs nowhere goes at once, others get their grace', () => {
  const grace = pods.strategy.gracePeriodSeconds;
  const running = pod({ containers: [CONTAINER], nodeName: 'node-1', terminationGracePeriodSeconds: 7 });
  assert.equal(grace?.(pod({ containers: [CONTAINER] }), undefined), 0);
  assert.equal(grace?.(running, undefined), 7);
  assert.equal(grace?.(running, 1), 1);
  assert.equal(grace?.({ ...running, status: { phase: 'Failed' } }, 30), 0);
});
