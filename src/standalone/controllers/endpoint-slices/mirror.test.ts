import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Endpoints } from '../../../kube/types/endpoints.ts';
import type { Service } from '../../../kube/types/service.ts';
import { isMirrored, mirrorOwner, mirroredGroups } from './mirror.ts';
import { planSlices } from './plan.ts';

const service: Service = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { namespace: 'shop', name: 'legacy' },
  spec: { ports: [{ port: 80 }] },
};

function endpoints(change: Partial<Endpoints['metadata']> = {}): Endpoints {
  return {
    apiVersion: 'v1',
    kind: 'Endpoints',
    metadata: { namespace: 'shop', name: 'legacy', uid: 'u', labels: { team: 'blue' }, ...change },
    subsets: [
      {
        addresses: [{ ip: '192.0.2.1' }, { ip: '2001:db8::1', hostname: 'one', nodeName: 'node-1' }],
        notReadyAddresses: [{ ip: '192.0.2.2' }],
        ports: [{ name: 'http', port: 8080 }],
      },
      { addresses: [{ ip: '192.0.2.3' }], ports: [{ port: 53, protocol: 'UDP' }] },
    ],
  };
}

test('each subset becomes a slice of each family that it has addresses of', () => {
  const { create } = planSlices(mirrorOwner(endpoints()), mirroredGroups(endpoints()), []);
  assert.deepEqual(
    create.map(({ addressType, endpoints: all, ports }) => [
      addressType,
      (all ?? []).map(({ addresses, conditions }) => `${addresses[0]} ${conditions?.ready}`),
      ports?.map(({ name, port, protocol }) => `${name} ${port} ${protocol}`),
    ]),
    [
      ['IPv4', ['192.0.2.1 true', '192.0.2.2 false'], ['http 8080 TCP']],
      ['IPv6', ['2001:db8::1 true'], ['http 8080 TCP']],
      ['IPv4', ['192.0.2.3 true'], [' 53 UDP']],
    ],
  );
  const [first] = create;
  assert.deepEqual(first?.metadata.labels, {
    team: 'blue',
    'kubernetes.io/service-name': 'legacy',
    'endpointslice.kubernetes.io/managed-by': 'endpointslicemirroring-controller.k8s.io',
  });
  assert.equal(first?.metadata.ownerReferences?.[0]?.kind, 'Endpoints');
});

test('a subset of more than a thousand addresses is cut', () => {
  const addresses = Array.from({ length: 1001 }, (_, index) => ({ ip: `10.0.${index >> 8}.${index & 255}` }));
  const [group] = mirroredGroups({ ...endpoints(), subsets: [{ addresses, ports: [{ port: 80 }] }] });
  assert.equal(group?.endpoints.length, 1000);
});

test('only Endpoints of a Service without a selector are mirrored, unless they ask not to be', () => {
  assert.equal(isMirrored(endpoints(), service), true);
  assert.equal(isMirrored(endpoints(), undefined), false);
  assert.equal(isMirrored(undefined, service), false);
  assert.equal(isMirrored(endpoints(), { ...service, spec: { selector: { app: 'x' } } }), false);
  assert.equal(
    isMirrored(endpoints({ labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' } }), service),
    false,
  );
  assert.equal(
    isMirrored(endpoints({ annotations: { 'control-plane.alpha.kubernetes.io/leader': '{}' } }), service),
    false,
  );
});

test('annotations go along, but for those about the Endpoints themselves; subsets with the same ports share a slice', () => {
  const one = endpoints({
    annotations: {
      note: 'kept',
      'kubectl.kubernetes.io/last-applied-configuration': '{}',
      'endpoints.kubernetes.io/last-change-trigger-time': '2026-01-01T00:00:00Z',
    },
  });
  const ports = [{ name: 'http', port: 8080 }];
  const subsets = [
    { addresses: [{ ip: '192.0.2.1' }], ports },
    { addresses: [{ ip: '192.0.2.2' }], ports },
  ];
  const { create } = planSlices(mirrorOwner(one), mirroredGroups({ ...one, subsets }), []);
  assert.deepEqual(
    create.map(({ endpoints: all }) => all?.length),
    [2],
  );
  assert.deepEqual(create[0]?.metadata.annotations, { note: 'kept' });
});
