import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ENDPOINTS, ENDPOINT_SLICES, NODES, PODS, SERVICES } from '../../src/kube/resources.ts';
import type { EndpointSlice } from '../../src/kube/types/discovery.ts';
import type { Service } from '../../src/kube/types/service.ts';
import { eventually } from './cluster.ts';
import { startControlPlane } from './control-plane.ts';
import type { ControlPlane } from './control-plane.ts';

let plane: ControlPlane;

before(async () => {
  plane = await startControlPlane();
  await plane.client.create(NODES, {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: 'west-1', labels: { 'topology.kubernetes.io/zone': 'west' } },
    spec: {},
  });
});

after(() => plane[Symbol.asyncDispose]());

async function slicesOf(name: string): Promise<readonly EndpointSlice[]> {
  const labelSelector = `kubernetes.io/service-name=${name}`;
  return (await plane.client.list(ENDPOINT_SLICES, { namespace: 'default', labelSelector })).items;
}

async function runningPod(
  name: string,
  ips: readonly string[],
  status: 'True' | 'False' = 'True',
): Promise<void> {
  await plane.client.create(PODS, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default', labels: { app: 'web' } },
    spec: {
      nodeName: 'west-1',
      containers: [{ name: 'main', image: 'echo' }],
      terminationGracePeriodSeconds: 30,
    },
  });
  await setReady(name, status, ips);
}

async function setReady(name: string, status: 'True' | 'False', ips: readonly string[]): Promise<void> {
  const conditions = [{ type: 'Ready', status, lastTransitionTime: '2026-01-01T00:00:00Z' }];
  const patch = { status: { phase: 'Running', conditions, podIP: ips[0], podIPs: ips.map(ip => ({ ip })) } };
  await plane.client.patch(PODS, { namespace: 'default', name }, patch, {
    type: 'merge',
    subresource: 'status',
  });
}

function service(name: string, spec: Partial<Service['spec']>): Service {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: 'default', labels: { tier: 'front' } },
    spec,
  };
}

test('a Service has slices of both families, which follow its pods until it goes', async () => {
  const selector = { app: 'web' };
  const ports = [{ name: 'http', port: 80, targetPort: 8080 }];
  await plane.client.create(
    SERVICES,
    service('web', { selector, ports, ipFamilyPolicy: 'RequireDualStack' }),
  );
  const [first] = await eventually('there is an empty slice a family', async () => {
    const slices = await slicesOf('web');
    return slices.length === 2 ? slices : undefined;
  });
  assert.equal(first?.metadata.labels?.['tier'], 'front');
  assert.notEqual(
    first.metadata.annotations?.['endpoints.kubernetes.io/last-change-trigger-time'],
    undefined,
  );
  assert.match(first.metadata.name, /^web-[a-z0-9]{5}$/);

  await runningPod('a', ['10.244.7.1', 'fd00:10:244:7::1']);
  await runningPod('b', ['10.244.7.2', 'fd00:10:244:7::2'], 'False');
  const told = await eventually('both pods are told of, one of them ready', async () => {
    const slices = await slicesOf('web');
    const isTold = slices.every(slice => {
      const ready = (slice.endpoints ?? []).filter(each => each.conditions?.ready === true);
      return slice.endpoints?.length === 2 && ready.length === 1;
    });
    return isTold ? slices : undefined;
  });
  assert.deepEqual(told.map(slice => slice.addressType).toSorted(), ['IPv4', 'IPv6']);
  assert.deepEqual(told[0]?.ports, [{ name: 'http', port: 8080, protocol: 'TCP' }]);
  assert.ok(told[0]?.endpoints?.every(each => each.zone === 'west' && each.nodeName === 'west-1'));

  await setReady('b', 'True', ['10.244.7.2', 'fd00:10:244:7::2']);
  await eventually('both are ready', async () =>
    (await slicesOf('web')).every(slice => slice.endpoints?.every(each => each.conditions?.ready === true))
      ? true
      : undefined,
  );
  await plane.client.delete(PODS, { namespace: 'default', name: 'a' });
  await eventually('a pod that is going serves on', async () => {
    const all = (await slicesOf('web')).flatMap(slice => slice.endpoints ?? []);
    const going = all.filter(each => each.conditions?.terminating === true);
    return going.length === 2 && going.every(each => each.conditions?.serving === true) ? true : undefined;
  });
  await plane.client.delete(PODS, { namespace: 'default', name: 'a' }, { gracePeriodSeconds: 0 });
  await eventually('it is told of no more', async () =>
    (await slicesOf('web')).every(slice => slice.endpoints?.length === 1) ? true : undefined,
  );
  await plane.client.delete(SERVICES, { namespace: 'default', name: 'web' });
  await eventually('the slices go with their Service', async () =>
    (await slicesOf('web')).length === 0 ? true : undefined,
  );
});

test('slices that people make are left as they are', async () => {
  const made: EndpointSlice = {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 'by-hand', namespace: 'default', labels: { 'kubernetes.io/service-name': 'manual' } },
    addressType: 'IPv4',
    endpoints: [{ addresses: ['192.0.2.7'] }],
    ports: [{ name: '', port: 9, protocol: 'TCP' }],
  };
  const created = await plane.client.create(ENDPOINT_SLICES, made);
  await plane.client.create(
    SERVICES,
    service('manual', { ports: [{ port: 9 }], selector: { app: 'nobody' } }),
  );
  const slices = await eventually('the controller has made its own', async () => {
    const found = await slicesOf('manual');
    return found.length === 2 ? found : undefined;
  });
  const found = slices.find(slice => slice.metadata.name === 'by-hand');
  assert.equal(found?.metadata.resourceVersion, created.metadata.resourceVersion);
  await plane.client.create(SERVICES, service('nothing-selected', { ports: [{ port: 9 }] }));
  await plane.client.create(
    SERVICES,
    service('later', { ports: [{ port: 9 }], selector: { app: 'nobody' } }),
  );
  await eventually('a later Service has been seen to', async () =>
    (await slicesOf('later')).length === 1 ? true : undefined,
  );
  assert.deepEqual(await slicesOf('nothing-selected'), []);
});

test('after the controllers crash, nothing is written twice', async () => {
  await plane.client.create(SERVICES, service('calm', { ports: [{ port: 9 }], selector: { app: 'nobody' } }));
  const before = await eventually('there is a slice', async () => {
    const found = await slicesOf('calm');
    return found.length === 1 ? found : undefined;
  });
  await plane.restartControllers();
  await plane.client.create(
    SERVICES,
    service('after', { ports: [{ port: 9 }], selector: { app: 'nobody' } }),
  );
  await eventually('the controllers work again', async () =>
    (await slicesOf('after')).length === 1 ? true : undefined,
  );
  assert.deepEqual(await slicesOf('calm'), before);
});

test('Endpoints that people write for a Service without a selector are mirrored, and follow them', async () => {
  const { client } = plane;
  await client.create(SERVICES, service('legacy', { ports: [{ name: 'http', port: 80 }] }));
  const written = {
    apiVersion: 'v1',
    kind: 'Endpoints',
    metadata: { namespace: 'default', name: 'legacy' },
    subsets: [{ addresses: [{ ip: '192.0.2.7' }], ports: [{ name: 'http', port: 8080 }] }],
  } as const;
  await client.create(ENDPOINTS, written);
  const addresses = async () =>
    (await slicesOf('legacy')).flatMap(slice => (slice.endpoints ?? []).flatMap(each => each.addresses));
  await eventually('there is a slice', async () =>
    (await addresses()).join() === '192.0.2.7' ? true : undefined,
  );
  const [slice] = await slicesOf('legacy');
  assert.equal(
    slice?.metadata.labels?.['endpointslice.kubernetes.io/managed-by'],
    'endpointslicemirroring-controller.k8s.io',
  );
  const key = { namespace: 'default', name: 'legacy' };
  const subsets = [{ addresses: [{ ip: '192.0.2.8' }], ports: [{ name: 'http', port: 8080 }] }];
  await client.patch(ENDPOINTS, key, { subsets }, { type: 'merge' });
  await eventually('it follows', async () => ((await addresses()).join() === '192.0.2.8' ? true : undefined));
  await client.delete(ENDPOINTS, key);
  await eventually('it goes with them', async () =>
    (await slicesOf('legacy')).length === 0 ? true : undefined,
  );
  await client.delete(SERVICES, key);
});

test('a Service with a selector has Endpoints that follow its pods, are not mirrored, and go with it', async () => {
  const { client } = plane;
  const key = { namespace: 'default', name: 'old' };
  const selector = { app: 'old-clients' };
  const ports = [{ name: 'http', port: 80, targetPort: 8080 }];
  await client.create(SERVICES, service('old', { selector, ports }));
  const found = async (ready: number) =>
    eventually(`there are ${ready} addresses`, async () => {
      const object = await client.get(ENDPOINTS, key).catch(() => undefined);
      const addresses = (object?.subsets ?? []).flatMap(subset => subset.addresses ?? []);
      return object !== undefined && addresses.length === ready ? object : undefined;
    });
  const empty = await found(0);
  assert.deepEqual(empty.metadata.labels, {
    tier: 'front',
    'endpoints.kubernetes.io/managed-by': 'endpoint-controller',
  });
  await runningPod('old-1', ['10.244.7.1', 'fd00::7:1']);
  await client.patch(
    PODS,
    { namespace: 'default', name: 'old-1' },
    { metadata: { labels: { app: 'old-clients' } } },
    { type: 'merge' },
  );
  const { subsets } = await found(1);
  assert.equal(subsets?.[0]?.addresses?.[0]?.ip, '10.244.7.1');
  assert.deepEqual(subsets[0].ports, [{ name: 'http', port: 8080, protocol: 'TCP' }]);
  assert.deepEqual(
    (await slicesOf('old')).map(
      ({ metadata }) => metadata.labels?.['endpointslice.kubernetes.io/managed-by'],
    ),
    ['endpointslice-controller.k8s.io'],
  );
  // What somebody else writes into them is put right.
  await client.patch(ENDPOINTS, key, { subsets: [] }, { type: 'merge' });
  await found(1);
  await client.delete(SERVICES, key);
  await eventually('they are gone', async () => {
    const { items } = await client.list(ENDPOINTS, { namespace: 'default' });
    return items.every(({ metadata }) => metadata.name !== 'old') ? true : undefined;
  });
  await client.delete(PODS, { namespace: 'default', name: 'old-1' }, { gracePeriodSeconds: 0 });
});

test('trafficDistribution becomes hints of zones and nodes', async () => {
  const { client } = plane;
  await runningPod('near', ['10.244.9.1']);
  const key = { namespace: 'default', name: 'near' };
  await client.create(
    SERVICES,
    service('near', {
      selector: { app: 'web' },
      trafficDistribution: 'PreferSameNode',
      ports: [{ port: 80 }],
    }),
  );
  const hints = async () =>
    (await slicesOf('near'))
      .flatMap(slice => slice.endpoints ?? [])
      .find(({ targetRef }) => targetRef?.name === 'near')?.hints;
  await eventually('the endpoint says so', async () => {
    assert.deepEqual(await hints(), { forNodes: [{ name: 'west-1' }], forZones: [{ name: 'west' }] });
    return true;
  });
  await client.patch(SERVICES, key, { spec: { trafficDistribution: 'PreferSameZone' } }, { type: 'merge' });
  await eventually('it follows the Service', async () => {
    assert.deepEqual(await hints(), { forZones: [{ name: 'west' }] });
    return true;
  });
  await client.delete(SERVICES, key);
  await client.delete(PODS, key, { gracePeriodSeconds: 0 });
});
