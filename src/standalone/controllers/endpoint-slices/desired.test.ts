import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Node, Pod } from '../../../kube/types/core.ts';
import type { Service } from '../../../kube/types/service.ts';
import { desiredGroups, endpointFacts } from './desired.ts';

const node: Node = {
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: 'node-1', labels: { 'topology.kubernetes.io/zone': 'west' } },
  spec: {},
};
const nodeOf = (name: string) => (name === 'node-1' ? node : undefined);

function service(spec: Partial<Service['spec']> = {}): Service {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'web', namespace: 'shop', uid: 'service' },
    spec: { ipFamilies: ['IPv4'], ports: [{ name: 'http', port: 80, targetPort: 8080 }], ...spec },
  };
}

interface PodChange {
  readonly ready?: boolean;
  readonly phase?: string;
  readonly going?: boolean;
  readonly ips?: readonly string[];
  readonly spec?: Partial<Pod['spec']>;
}

function pod(name: string, change: PodChange = {}): Pod {
  const {
    ready = true,
    phase = 'Running',
    going = false,
    ips = ['10.244.0.5', 'fd00::5'],
    spec = {},
  } = change;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace: 'shop',
      uid: `uid-${name}`,
      ...(going ? { deletionTimestamp: '2026-01-01T00:00:00Z' } : {}),
    },
    spec: { nodeName: 'node-1', containers: [{ name: 'main', image: 'echo' }], ...spec },
    // The phases of core/v1 are strings here so that a test may say any.
    status: {
      phase: phase as NonNullable<NonNullable<Pod['status']>['phase']>,
      podIPs: ips.map(ip => ({ ip })),
      conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }],
    },
  };
}

const only = (asked: Service, ...pods: readonly Pod[]) => desiredGroups(asked, pods, nodeOf)[0]?.endpoints[0];

test('a ready pod is an endpoint with its node, zone and reference', () => {
  const groups = desiredGroups(service(), [pod('a')], nodeOf);
  assert.deepEqual(groups, [
    {
      addressType: 'IPv4',
      ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
      endpoints: [
        {
          addresses: ['10.244.0.5'],
          conditions: { ready: true, serving: true, terminating: false },
          nodeName: 'node-1',
          targetRef: { kind: 'Pod', namespace: 'shop', name: 'a', uid: 'uid-a' },
          zone: 'west',
        },
      ],
    },
  ]);
});

test('conditions tell ready, serving and terminating apart', () => {
  const conditions = (change: PodChange, spec: Partial<Service['spec']> = {}) =>
    only(service(spec), pod('a', change))?.conditions;
  assert.deepEqual(conditions({ ready: false }), { ready: false, serving: false, terminating: false });
  assert.deepEqual(conditions({ going: true }), { ready: false, serving: true, terminating: true });
  assert.deepEqual(conditions({ going: true, ready: false }), {
    ready: false,
    serving: false,
    terminating: true,
  });
  const published = { publishNotReadyAddresses: true };
  assert.deepEqual(conditions({ ready: false }, published), {
    ready: true,
    serving: false,
    terminating: false,
  });
  assert.deepEqual(conditions({ going: true }, published), { ready: true, serving: true, terminating: true });
});

test('pods that have ended, are not bound, have no address of the family, or whose node is gone are no endpoints', () => {
  for (const change of [
    { phase: 'Succeeded' },
    { phase: 'Failed' },
    { spec: { nodeName: '' } },
    { ips: [] },
    { ips: ['fd00::5'] },
    { spec: { nodeName: 'gone' } },
  ]) {
    assert.deepEqual(
      desiredGroups(service(), [pod('a', change)], nodeOf),
      [{ addressType: 'IPv4', ports: [], endpoints: [] }],
      JSON.stringify(change),
    );
  }
  assert.notEqual(
    only(service({ publishNotReadyAddresses: true }), pod('a', { spec: { nodeName: 'gone' } })),
    undefined,
  );
});

test('both families have slices of their own', () => {
  const groups = desiredGroups(service({ ipFamilies: ['IPv6', 'IPv4'] }), [pod('a')], nodeOf);
  assert.deepEqual(
    groups.map(group => [group.addressType, group.endpoints[0]?.addresses]),
    [
      ['IPv6', ['fd00::5']],
      ['IPv4', ['10.244.0.5']],
    ],
  );
});

test('a named target port is looked up in each pod, sidecars too; pods that differ are in groups of their own', () => {
  const named = (containerPort: number) => ({
    name: 'main',
    image: 'echo',
    ports: [{ name: 'web', containerPort }],
  });
  const sidecar = { ...named(9000), name: 'proxy', restartPolicy: 'Always' as const };
  const pods = [
    pod('a', { spec: { containers: [named(8080)] } }),
    pod('b', { spec: { containers: [named(8081)] } }),
    pod('c', { spec: { containers: [{ name: 'main', image: 'echo' }], initContainers: [sidecar] } }),
    pod('d'),
  ];
  const asked = service({ ports: [{ name: 'http', port: 80, targetPort: 'web', appProtocol: 'http' }] });
  const groups = desiredGroups(asked, pods, nodeOf);
  assert.deepEqual(
    groups.map(group => [
      group.ports.map(port => port.port),
      group.endpoints.map(one => one.targetRef?.name),
    ]),
    [
      [[8080], ['a']],
      [[8081], ['b']],
      [[9000], ['c']],
      [[], ['d']],
    ],
  );
  assert.deepEqual(groups[0]?.ports, [{ appProtocol: 'http', name: 'http', port: 8080, protocol: 'TCP' }]);
});

test('a headless Service without ports still names its pods, with the host name that is theirs', () => {
  const asked = service({ clusterIP: 'None', ports: [] });
  const own = pod('a', { spec: { hostname: 'first', subdomain: 'web' } });
  const other = pod('b', { spec: { hostname: 'second', subdomain: 'db' } });
  const [group] = desiredGroups(asked, [own, other], nodeOf);
  assert.deepEqual(group?.ports, []);
  assert.deepEqual(
    group?.endpoints.map(endpoint => endpoint.hostname),
    ['first', undefined],
  );
});

test('what matters to endpoints is told from what does not', () => {
  const before = pod('a');
  assert.equal(
    endpointFacts({ ...before, metadata: { ...before.metadata, resourceVersion: '9' } }),
    endpointFacts(before),
  );
  for (const change of [{ ready: false }, { going: true }, { phase: 'Failed' }, { ips: ['10.0.0.1'] }])
    assert.notEqual(endpointFacts(pod('a', change)), endpointFacts(before), JSON.stringify(change));
});

test('endpoints say for whose clients they are meant, as the Service asks', () => {
  const asked = (trafficDistribution: string, ready = true) =>
    only(service({ trafficDistribution }), pod('a', { ready }))?.hints;
  assert.equal(only(service(), pod('a'))?.hints, undefined);
  assert.deepEqual(asked('PreferSameZone'), { forZones: [{ name: 'west' }] });
  assert.deepEqual(asked('PreferClose'), { forZones: [{ name: 'west' }] });
  assert.deepEqual(asked('PreferSameNode'), { forNodes: [{ name: 'node-1' }], forZones: [{ name: 'west' }] });
  assert.equal(asked('PreferSameZone', false), undefined, 'one that is not ready is nobody’s');
});
