import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ApiObject, Fields } from '../../object.ts';
import { messagesOf, ofKind } from '../testing/of-kind.ts';

const services = ofKind('', 'Service');

function service(spec: Fields): ApiObject {
  return services.withDefaults({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'web' }, spec });
}

const wrong = (spec: Fields, before?: Fields): readonly string[] =>
  messagesOf(services.validate(service(spec), before === undefined ? undefined : service(before)));

const PORT = { port: 80 };

test('an address of a load balancer arrives as it is, unless it says otherwise', () => {
  const status = {
    loadBalancer: {
      ingress: [{ ip: '192.0.2.1' }, { ip: '192.0.2.2', ipMode: 'Proxy' }, { hostname: 'a.example' }],
    },
  };
  const object = services.withDefaults({ ...service({ type: 'LoadBalancer', ports: [PORT] }), status });
  assert.deepEqual((object['status'] as typeof status).loadBalancer.ingress, [
    { ip: '192.0.2.1', ipMode: 'VIP' },
    { ip: '192.0.2.2', ipMode: 'Proxy' },
    { hostname: 'a.example' },
  ]);
});

test('a service gets its defaults', () => {
  assert.deepEqual(service({ ports: [PORT] })['spec'], {
    ports: [{ port: 80, protocol: 'TCP', targetPort: 80 }],
    sessionAffinity: 'None',
    type: 'ClusterIP',
    internalTrafficPolicy: 'Cluster',
  });
  const affine = service({ ports: [PORT], type: 'LoadBalancer', sessionAffinity: 'ClientIP' })[
    'spec'
  ] as Fields;
  assert.deepEqual(affine['sessionAffinityConfig'], { clientIP: { timeoutSeconds: 10_800 } });
  assert.equal(affine['externalTrafficPolicy'], 'Cluster');
  assert.equal(affine['allocateLoadBalancerNodePorts'], true);
});

test('broken services are refused in the words of a real server', () => {
  const cases: readonly (readonly [Fields, readonly string[]])[] = [
    [{}, ['spec.ports: Required ']],
    [{ clusterIP: 'None', clusterIPs: ['None'] }, []],
    [{ ports: [PORT, { port: 81 }] }, ['spec.ports[0].name: Required ', 'spec.ports[1].name: Required ']],
    [
      {
        ports: [
          { ...PORT, name: 'a' },
          { ...PORT, name: 'a' },
        ],
      },
      [
        'spec.ports[1].name: Duplicate "a" ',
        'spec.ports[1]: Duplicate {"Name":"","Protocol":"TCP","AppProtocol":null,"Port":80,"TargetPort":0,"NodePort":0} ',
      ],
    ],
    [
      { ports: [{ port: 70_000, targetPort: 'Bad' }] },
      [
        'spec.ports[0].port: Invalid 70000 must be between 1 and 65535, inclusive',
        'spec.ports[0].targetPort: Invalid "Bad" must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)',
      ],
    ],
    [
      { ports: [{ ...PORT, nodePort: 30_000 }] },
      ["spec.ports[0].nodePort: Forbidden may not be used when `type` is 'ClusterIP'"],
    ],
    [
      { ports: [PORT], type: 'Foo' },
      [
        'spec.type: NotSupported "Foo" supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort"',
      ],
    ],
    [
      { ports: [PORT], externalIPs: ['127.0.0.1', 'x'] },
      [
        'spec.externalIPs[0]: Invalid "127.0.0.1" may not be in the loopback range (127.0.0.0/8, ::1/128)',
        'spec.externalIPs[1]: Invalid "x" must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
      ],
    ],
    [
      { ports: [PORT], externalTrafficPolicy: 'Local' },
      ['spec.externalTrafficPolicy: Invalid "Local" may only be set for externally-accessible services'],
    ],
    [{ type: 'ExternalName' }, ['spec.externalName: Required ']],
    [{ type: 'ExternalName', externalName: 'db.example.com.' }, []],
    [{ ports: [PORT], sessionAffinityConfig: { clientIP: { timeoutSeconds: 1 } } }, []],
    [
      { ports: [PORT], loadBalancerSourceRanges: ['10.0.0.0/8'] },
      ["spec.LoadBalancerSourceRanges: Forbidden may only be used when `type` is 'LoadBalancer'"],
    ],
  ];
  for (const [spec, expected] of cases) assert.deepEqual(wrong(spec), expected, JSON.stringify(spec));
});

test('the addresses of a service stay', () => {
  const before = { ports: [PORT], clusterIP: '10.96.0.7', clusterIPs: ['10.96.0.7'] };
  const after = { ports: [PORT], clusterIP: '10.96.0.8', clusterIPs: ['10.96.0.8'] };
  assert.deepEqual(wrong(after, before), [
    'spec.clusterIPs[0]: Invalid ["10.96.0.8"] may not change once set',
  ]);
});

test('what only the old type needed goes with the type', () => {
  const before = service({
    type: 'LoadBalancer',
    externalTrafficPolicy: 'Local',
    healthCheckNodePort: 31_000,
    ports: [{ ...PORT, nodePort: 30_080 }],
  });
  const wished = { ...before, spec: { ...(before['spec'] as Fields), type: 'ClusterIP' } };
  const after = services.strategy.onUpdate?.(wished, before) ?? wished;
  assert.deepEqual(messagesOf(services.validate(after, before)), []);
  assert.deepEqual((after['spec'] as Fields)['ports'], [{ port: 80, protocol: 'TCP', targetPort: 80 }]);
});

test('services print their ports and where they are reached', () => {
  const object = service({
    type: 'LoadBalancer',
    clusterIPs: ['10.96.0.7'],
    selector: { b: '2', a: '1' },
    ports: [{ ...PORT, nodePort: 30_080 }],
  });
  assert.deepEqual(services.cells(object, 0), [
    'web',
    'LoadBalancer',
    '10.96.0.7',
    '<pending>',
    '80:30080/TCP',
    '<unknown>',
    'a=1,b=2',
  ]);
});

test('what a load balancer said goes with the type', () => {
  const status = { loadBalancer: { ingress: [{ ip: '192.0.2.1', ipMode: 'VIP' }] } };
  const before = { ...service({ type: 'LoadBalancer', ports: [PORT] }), status };
  const after = { ...service({ type: 'ClusterIP', ports: [PORT] }), status };
  assert.deepEqual(services.strategy.onUpdate?.(after, before, undefined)['status'], { loadBalancer: {} });
  assert.deepEqual(services.strategy.onUpdate?.(before, before, undefined)['status'], status);
});
