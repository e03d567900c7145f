import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Endpoint as SliceEndpoint, EndpointSlice } from '../kube/types/discovery.ts';
import type { Service } from '../kube/types/service.ts';
import { parseAddress } from '../base/ip.ts';
import { buildServiceModel, readService } from './compile-model.ts';
import { decideService } from './decide.ts';
import type { ServiceDecision } from './decide.ts';

function service(spec: Partial<Service['spec']> = {}, metadata: Partial<Service['metadata']> = {}): Service {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      name: 'web',
      namespace: 'shop',
      uid: 'u',
      creationTimestamp: '2026-01-02T00:00:00Z',
      ...metadata,
    },
    spec: { clusterIPs: ['10.96.0.10'], ports: [{ name: 'http', port: 80 }], ...spec },
  };
}

function slice(endpoints: readonly SliceEndpoint[], change: Partial<EndpointSlice> = {}): EndpointSlice {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 'web-1', namespace: 'shop', labels: { 'kubernetes.io/service-name': 'web' } },
    addressType: 'IPv4',
    endpoints,
    ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
    ...change,
  };
}

const at = (address: string, conditions?: SliceEndpoint['conditions']): SliceEndpoint => ({
  addresses: [address],
  ...(conditions === undefined ? {} : { conditions }),
});

type Asked = readonly [address: string, port: number, protocol?: 'TCP' | 'UDP' | 'SCTP'];

function ask(
  services: readonly Service[],
  slices: readonly EndpointSlice[],
  [text, port, protocol = 'TCP']: Asked,
): ServiceDecision {
  const address = parseAddress(text);
  assert.ok(address);
  const prefixes = [{ family: 4, value: 0x0a60_000bn, length: 32 }] as const;
  return decideService(buildServiceModel(services, slices, [], prefixes), { address, protocol, port });
}

/** `forward 1,2` with the last numbers of the endpoints' addresses, or the verdict and its reason. */
function brief(decision: ServiceDecision): string {
  if (decision.verdict === 'reject') return `reject ${decision.reason}`;
  if (decision.verdict === 'not-a-service') return decision.verdict;
  if (decision.verdict === 'drop') return `drop ${decision.reason}`;
  return `forward ${decision.endpoints.map(endpoint => Number(endpoint.address.value & 255n)).join()}`;
}

const cases: readonly (readonly [string, readonly Service[], readonly EndpointSlice[], Asked, string])[] = [
  ['a ready endpoint', [service()], [slice([at('10.244.0.1')])], ['10.96.0.10', 80], 'forward 1'],
  ['another port', [service()], [slice([at('10.244.0.1')])], ['10.96.0.10', 81], 'reject no-such-port'],
  [
    'another protocol',
    [service()],
    [slice([at('10.244.0.1')])],
    ['10.96.0.10', 80, 'UDP'],
    'reject no-such-port',
  ],
  ['another address', [service()], [slice([at('10.244.0.1')])], ['10.97.0.11', 80], 'not-a-service'],
  ['an address that nobody has', [service()], [], ['10.96.0.11', 80], 'drop no-such-address'],
  ['no slices', [service()], [], ['10.96.0.10', 80], 'reject no-endpoints'],
  [
    'ready ones before those that drain',
    [service()],
    [slice([at('10.244.0.1', { ready: false, serving: true, terminating: true }), at('10.244.0.2')])],
    ['10.96.0.10', 80],
    'forward 2',
  ],
  [
    'those that drain when none is ready',
    [service()],
    [
      slice([
        at('10.244.0.1', { ready: false, serving: true, terminating: true }),
        at('10.244.0.2', { ready: false, serving: false, terminating: true }),
        at('10.244.0.3', { ready: false, serving: false, terminating: false }),
      ]),
    ],
    ['10.96.0.10', 80],
    'forward 1',
  ],
  [
    'none that is merely not ready',
    [service()],
    [slice([at('10.244.0.1', { ready: false })])],
    ['10.96.0.10', 80],
    'reject no-endpoints',
  ],
  [
    'the same place in two slices once, in its better state',
    [service()],
    [
      slice([at('10.244.0.1', { ready: false })]),
      slice([at('10.244.0.1'), at('10.244.0.2')], {
        metadata: { name: 'web-2', namespace: 'shop', labels: { 'kubernetes.io/service-name': 'web' } },
      }),
    ],
    ['10.96.0.10', 80],
    'forward 1,2',
  ],
  [
    'the port of its name alone',
    [service({ ports: [{ name: 'other', port: 80 }] })],
    [slice([at('10.244.0.1')])],
    ['10.96.0.10', 80],
    'reject no-endpoints',
  ],
  [
    'an unnamed port',
    [service({ ports: [{ port: 80 }] })],
    [slice([at('10.244.0.1')], { ports: [{ port: 8080 }] })],
    ['10.96.0.10', 80],
    'forward 1',
  ],
  [
    'no endpoints in a slice without ports',
    [service({ ports: [{ port: 80 }] })],
    [slice([at('10.244.0.1')], { ports: null })],
    ['10.96.0.10', 80],
    'reject no-endpoints',
  ],
  [
    'each family its own',
    [service({ clusterIPs: ['10.96.0.10', 'fd00:10:96::a'] })],
    [
      slice([at('10.244.0.1')]),
      slice([at('fd00:10:244::7')], { addressType: 'IPv6' }),
      slice([], { endpoints: null }),
    ],
    ['fd00:10:96::a', 80],
    'forward 7',
  ],
  [
    'no headless Service',
    [service({ clusterIPs: ['None'], clusterIP: 'None' })],
    [],
    ['10.96.0.10', 80],
    'not-a-service',
  ],
  ['no ExternalName', [service({ type: 'ExternalName' })], [], ['10.96.0.10', 80], 'not-a-service'],
  [
    "no other proxy's Service",
    [service({}, { labels: { 'service.kubernetes.io/service-proxy-name': 'mine' } })],
    [],
    ['10.96.0.10', 80],
    'not-a-service',
  ],
  [
    "another namespace's slices are not this Service's",
    [service()],
    [
      slice([at('10.244.0.1')], {
        metadata: { name: 'web-1', namespace: 'other', labels: { 'kubernetes.io/service-name': 'web' } },
      }),
    ],
    ['10.96.0.10', 80],
    'reject no-endpoints',
  ],
];

for (const [what, services, slices, asked, expected] of cases) {
  test(`a Service leads to: ${what}`, () => assert.equal(brief(ask(services, slices, asked)), expected));
}

test('a refusal says why, with the object', () => {
  const waiting = [slice([at('10.244.0.1', { ready: false })])];
  const decision = ask([service()], waiting, ['10.96.0.10', 80]);
  assert.equal(decision.verdict, 'reject');
  assert.equal(
    decision.sentence,
    'Service shop/web has no endpoint that is ready or serving, of 1 in its slices',
  );
});

test('endpoints that could not be reached, or that lead to the node itself, are refused and named', () => {
  for (const [text, sentence] of [
    ['127.0.0.1', /loopback/],
    ['169.254.1.1', /link-local/],
    ['0.0.0.0', /unspecified/],
    ['224.0.0.1', /multicast/],
    ['fd00::1', /is no IPv4 address/],
    ['hello', /is no address/],
  ] as const) {
    const model = buildServiceModel([service()], [slice([at(text), at('10.244.0.1')])]);
    assert.match(model.problems[0]?.sentence ?? '', sentence);
    assert.equal(model.problems[0]?.provenance.field, 'endpoints[0]');
    assert.equal([...model.frontends.values()][0]?.endpoints.length, 1, 'the rest is used');
  }
});

test('ports out of range are named, the others work', () => {
  const bad = service({ ports: [{ port: 0 }, { port: 70_000 }, { port: 80 }] });
  const model = buildServiceModel([bad], [slice([at('10.244.0.1')], { ports: [{ port: 0 }] })]);
  assert.deepEqual([...model.frontends.keys()], ['10.96.0.10 TCP 80']);
  assert.equal(model.problems.length, 3);
});

test('of two Services with one address and port the older has it, in any order', () => {
  const old = service({}, { name: 'old', uid: 'b', creationTimestamp: '2026-01-01T00:00:00Z' });
  for (const services of [
    [service(), old],
    [old, service()],
  ]) {
    const model = buildServiceModel(services, []);
    assert.equal(model.frontends.get('10.96.0.10 TCP 80')?.service.name, 'old');
    assert.match(model.problems[0]?.sentence ?? '', /belongs to Service shop\/old/);
    assert.equal(model.problems[0]?.provenance.name, 'web');
  }
});

test('an address from outside that cannot lead to a Service is left out and told, and the rest works', () => {
  const spec = {
    externalIPs: ['127.0.0.1', '169.254.1.1', '0.0.0.0', '224.0.0.1', '2001:db8::1', '203.0.113.5'],
  };
  const one = {
    ...service({ ...spec, type: 'LoadBalancer' }),
    status: { loadBalancer: { ingress: [{ ip: 'fe80::1' }, { ip: '172.30.200.1' }] } },
  };
  const model = buildServiceModel([one], [slice([at('10.0.0.1')])]);
  assert.deepEqual([...model.frontends.keys()].toSorted(), [
    '10.96.0.10 TCP 80',
    '172.30.200.1 TCP 80',
    '203.0.113.5 TCP 80',
  ]);
  assert.deepEqual(
    model.problems.map(({ provenance: { field }, sentence }) => `${field} ${sentence}`),
    [
      'status.loadBalancer.ingress[0].ip fe80::1 is a link-local address and cannot lead to a Service',
      'spec.externalIPs[0] 127.0.0.1 is a loopback address and cannot lead to a Service',
      'spec.externalIPs[1] 169.254.1.1 is a link-local address and cannot lead to a Service',
      'spec.externalIPs[2] 0.0.0.0 is the unspecified address and cannot lead to a Service',
      'spec.externalIPs[3] 224.0.0.1 is a multicast address and cannot lead to a Service',
      'spec.externalIPs[4] 2001:db8::1 is of IPv6, which the Service does not have (spec.ipFamilies)',
    ],
  );
});

test('a Service of one family has nothing in the other, at no address', () => {
  const one = {
    ...service({ type: 'NodePort', ports: [{ name: 'http', port: 80, nodePort: 30_080 }] }),
  };
  const addresses = ['192.0.2.1', '2001:db8::1'].flatMap(text => parseAddress(text) ?? []);
  const model = buildServiceModel([one], [slice([at('10.0.0.1')])], addresses);
  assert.deepEqual([...model.frontends.keys()].toSorted(), ['10.96.0.10 TCP 80', '192.0.2.1 TCP 30080']);
});

test('source ranges of one family alone are reported, as the other one is open; a range of everybody is not', () => {
  const balanced = (loadBalancerSourceRanges: readonly string[]) => {
    const one = serviceOf({ loadBalancerSourceRanges });
    return readService(one, [])?.problems.map(({ sentence }) => sentence);
  };
  const serviceOf = (more: Partial<Service['spec']>): Service => ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'web', namespace: 'shop' },
    spec: {
      type: 'LoadBalancer',
      clusterIPs: ['10.96.0.1', 'fd00:10:96::1'],
      ports: [{ port: 80 }],
      ...more,
    },
    status: { loadBalancer: { ingress: [{ ip: '172.30.200.1' }, { ip: 'fd00:172:30::c8:1' }] } },
  });
  assert.deepEqual(balanced(['192.0.2.0/24']), [
    'spec.loadBalancerSourceRanges has no range of IPv6: everybody may come to fd00:172:30::c8:1',
  ]);
  assert.deepEqual(balanced(['0.0.0.0/0']), []);
  assert.deepEqual(balanced(['192.0.2.0/24', '2001:db8::/32']), []);
  assert.deepEqual(balanced([]), []);
});

test('slices of a family that the Service does not have are reported, and so are names; empty ones are not', () => {
  const one: Service = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'web', namespace: 'shop' },
    spec: { clusterIPs: ['10.96.0.1'], ports: [{ port: 80 }] },
  };
  const sliceOf = (addressType: EndpointSlice['addressType'], ...texts: string[]): EndpointSlice => ({
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: `web-${addressType}`, namespace: 'shop' },
    addressType,
    endpoints: texts.map(text => ({ addresses: [text] })),
    ports: [{ port: 8080 }],
  });
  const found = readService(one, [
    sliceOf('IPv4', '10.244.0.1'),
    sliceOf('IPv6', 'fd00::1'),
    sliceOf('FQDN', 'web.example'),
  ]);
  assert.deepEqual(
    found?.problems.map(({ provenance, sentence }) => `${provenance.name}: ${sentence}`),
    [
      'web-IPv6: endpoints of the type IPv6 are none of the Service, which does not have that family (spec.ipFamilies)',
      'web-FQDN: endpoints of the type FQDN cannot be endpoints of a Service with an address',
    ],
  );
  assert.deepEqual(readService(one, [sliceOf('IPv6')])?.problems, []);
});
