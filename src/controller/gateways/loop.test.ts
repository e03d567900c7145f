import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { silentLog } from '../../base/log.ts';
import {
  fairlead,
  gateway,
  configMap,
  grpcRoute,
  http,
  https,
  listenerSet,
  namespace,
  route,
  service,
  streamRoute,
  tlsPolicy,
  tlsSecret,
  to,
} from '../../gateway/testing/objects.ts';
import { makeCertificate } from '../../gateway/testing/certificate.ts';
import { createClientOver } from '../../kube/client.ts';
import { EventRecorder } from '../../kube/events.ts';
import { FakeApi } from '../../kube/fake-api.ts';
import { Informer } from '../../kube/informer.ts';
import { ManualClock } from '../../kube/manual-clock.ts';
import {
  BACKEND_TLS_POLICIES,
  CONFIG_MAPS,
  DEPLOYMENTS,
  EVENTS,
  GATEWAYS,
  GATEWAY_CLASSES,
  GRPC_ROUTES,
  HTTP_ROUTES,
  LISTENER_SETS,
  NAMESPACES,
  REFERENCE_GRANTS,
  SECRETS,
  SERVICES,
  SERVICE_ACCOUNTS,
  TCP_ROUTES,
} from '../../kube/resources.ts';
import type { Resource } from '../../kube/resources.ts';
import type { Gateway, GatewayClass } from '../../kube/types/gateway.ts';
import type { Service } from '../../kube/types/service.ts';
import type { Condition, KubeObject } from '../../kube/types/meta.ts';
import { GatewayLoop } from './loop.ts';

const resources: readonly Resource<KubeObject>[] = [
  GATEWAY_CLASSES,
  GATEWAYS,
  HTTP_ROUTES,
  GRPC_ROUTES,
  TCP_ROUTES,
  LISTENER_SETS,
  BACKEND_TLS_POLICIES,
  CONFIG_MAPS,
  REFERENCE_GRANTS,
  SECRETS,
  SERVICES,
  DEPLOYMENTS,
  SERVICE_ACCOUNTS,
  EVENTS,
  NAMESPACES, // the last: paths of the others begin as its own
];

class Rig {
  api = new FakeApi(resources);
  readonly clock = new ManualClock();
  readonly #context: TestContext;

  constructor(context: TestContext, ...objects: readonly KubeObject[]) {
    this.#context = context;
    for (const object of [namespace('shop'), ...objects]) this.put(object);
  }

  put(object: KubeObject): void {
    const resource = resources.find(({ kind }) => kind === object.kind);
    assert.ok(resource);
    this.api.store.put(resource, object);
  }

  get<T extends KubeObject>(resource: Resource<T>, key: string): T | undefined {
    return this.api.store.get(resource, key) as T | undefined; // it was put as one
  }

  /** A controller, which ends with the test or by what is returned. */
  start(): () => void {
    const { api, clock } = this;
    const client = createClientOver(api, { clock });
    const stop = new AbortController();
    const end = () => stop.abort(new Error('the controller has ended'));
    this.#context.after(end);
    const services = new Informer(client, SERVICES, { clock });
    services.start(stop.signal);
    const certificates = new Informer(client, SECRETS, { fieldSelector: 'type=kubernetes.io/tls', clock });
    certificates.start(stop.signal);
    const events = new EventRecorder({ client, clock, log: silentLog, component: 'test' });
    const proxies = { image: 'proxy', replicas: 2 };
    const options = { client, services, certificates, events, ...proxies, clock, log: silentLog };
    new GatewayLoop(options).start(stop.signal).catch(() => undefined); // ended before it had begun
    return end;
  }

  async settle(turns = 30): Promise<void> {
    for (let step = 0; step < turns; step++) {
      for (let turn = 0; turn < 20; turn++) await new Promise(resolve => setImmediate(resolve));
      this.clock.advance(100);
    }
  }

  async until(sentence: string, holds: () => boolean): Promise<void> {
    for (let step = 0; step < 100 && !holds(); step++) await this.settle(1);
    assert.ok(holds(), `not in time: ${sentence}`);
  }

  conditions(key = 'shop/edge'): readonly string[] {
    const status = this.get(GATEWAYS, key)?.status;
    return (status?.conditions ?? []).map(one => `${one.type}=${one.status}/${one.reason}`);
  }

  writes(): number {
    return this.api.requests.filter(request => !request.startsWith('GET') && !request.includes('/events'))
      .length;
  }
}

const edge = gateway('shop/edge', [http('http')]);
const name = 'shop/edge-fairlead';

test('the class is there from the start, and comes back when it is deleted', async context => {
  const rig = new Rig(context);
  rig.start();
  const accepted = () => rig.get(GATEWAY_CLASSES, 'fairlead')?.status?.conditions?.[0]?.status === 'True';
  await rig.until('the class is accepted', accepted);
  assert.equal(rig.get(GATEWAY_CLASSES, 'fairlead')?.spec.controllerName, 'fairlead.dev/gateway-controller');
  rig.api.store.remove(GATEWAY_CLASSES, 'fairlead');
  await rig.until('it is there again', accepted);
});

test('where the Gateway API is not installed the class is tried again, until it is', async context => {
  const rig = new Rig(context);
  rig.api = new FakeApi(resources.filter(({ group }) => group !== 'gateway.networking.k8s.io'));
  rig.start();
  const tries = () => rig.api.requests.filter(request => request.startsWith('POST')).length;
  await rig.until('it was tried', () => tries() === 1);
  await rig.settle(50);
  assert.equal(tries(), 1, 'not all the time');
  await rig.settle(60);
  assert.equal(tries(), 2);
});

test('a class of that name that belongs to someone else is left as it is', async context => {
  const theirs: GatewayClass = { ...fairlead, spec: { controllerName: 'example.com/other' } };
  const rig = new Rig(context, theirs, edge);
  rig.start();
  await rig.settle();
  assert.equal(rig.get(GATEWAY_CLASSES, 'fairlead')?.status, undefined);
  assert.equal(rig.get(GATEWAYS, 'shop/edge')?.status, undefined);
  assert.equal(rig.get(SERVICES, name), undefined);
});

test('a Gateway gets an account, a key, a load balancer and proxies, which are its own', async context => {
  const rig = new Rig(context, fairlead, edge);
  rig.start();
  await rig.until('the proxies are there', () => rig.get(DEPLOYMENTS, name) !== undefined);
  const [account, secret] = [rig.get(SERVICE_ACCOUNTS, name), rig.get(SECRETS, `${name}-control`)];
  const [balancer, deployment] = [rig.get(SERVICES, name), rig.get(DEPLOYMENTS, name)];
  for (const object of [account, secret, balancer, deployment]) {
    assert.equal(object?.metadata.ownerReferences?.[0]?.uid, rig.get(GATEWAYS, 'shop/edge')?.metadata.uid);
    assert.equal(object?.metadata.labels?.['gateway.networking.k8s.io/gateway-name'], 'edge');
  }
  assert.equal(Buffer.from(secret?.data?.['key'] ?? '', 'base64').length, 32);
  assert.equal(balancer?.spec.type, 'LoadBalancer');
  assert.deepEqual(
    balancer?.spec.ports?.map(({ port, targetPort }) => [port, targetPort]),
    [[80, 80]],
  );
  assert.equal(deployment?.spec.replicas, 2);
  assert.deepEqual(rig.conditions(), ['Accepted=True/Accepted', 'Programmed=False/AddressNotAssigned']);
});

/** Plays the rest of the cluster: an address for the balancer, and proxies that run. */
async function bringUp(rig: Rig): Promise<void> {
  await rig.until('the proxies are there', () => rig.get(DEPLOYMENTS, name) !== undefined);
  const [balancer, deployment] = [rig.get(SERVICES, name), rig.get(DEPLOYMENTS, name)];
  assert.ok(balancer && deployment);
  rig.put({ ...balancer, status: { loadBalancer: { ingress: [{ ip: '172.30.200.1' }] } } } as KubeObject);
  rig.put({ ...deployment, status: { availableReplicas: 2 } } as KubeObject);
  await rig.until('it is programmed', () => rig.conditions().includes('Programmed=True/Programmed'));
}

test('a Gateway is programmed when its address and its proxies are there, and then nobody writes any more', async context => {
  const rig = new Rig(context, fairlead, edge, service('shop/web'), route('shop/web', [to('web')]));
  const end = rig.start();
  await bringUp(rig);
  assert.deepEqual(rig.get(GATEWAYS, 'shop/edge')?.status?.addresses, [
    { type: 'IPAddress', value: '172.30.200.1' },
  ]);
  await rig.until(
    'the route is counted',
    () => rig.get(GATEWAYS, 'shop/edge')?.status?.listeners?.[0]?.attachedRoutes === 1,
  );
  await rig.settle();
  const before = rig.writes();
  await rig.settle();
  assert.equal(rig.writes(), before);
  end();
  rig.start();
  await rig.settle();
  assert.equal(rig.writes(), before, 'a controller that starts again has nothing to say');
});

test('what other people write on our objects stays, what they change of ours is put right', async context => {
  const rig = new Rig(context, fairlead, edge);
  rig.start();
  await bringUp(rig);
  const [balancer, deployment] = [rig.get(SERVICES, name), rig.get(DEPLOYMENTS, name)];
  assert.ok(balancer && deployment);
  rig.put({
    ...balancer,
    metadata: {
      ...balancer.metadata,
      annotations: { ...balancer.metadata.annotations, 'example.com/door': '8080' },
    },
    spec: { ...balancer.spec, externalTrafficPolicy: 'Cluster', clusterIP: '10.96.0.7' },
  } as KubeObject);
  rig.put({ ...deployment, spec: { ...deployment.spec, replicas: 5 } } as KubeObject);
  await rig.until('it is put right', () => rig.get(SERVICES, name)?.spec.externalTrafficPolicy === 'Local');
  await rig.settle();
  assert.equal(rig.get(SERVICES, name)?.metadata.annotations?.['example.com/door'], '8080');
  assert.equal(rig.get(SERVICES, name)?.spec.clusterIP, '10.96.0.7');
  assert.equal(rig.get(DEPLOYMENTS, name)?.spec.replicas, 5, 'people scale proxies');
});

test('a key that is none is made anew, a good one stays', async context => {
  const rig = new Rig(context, fairlead, edge);
  rig.start();
  await bringUp(rig);
  const keyNow = () => rig.get(SECRETS, `${name}-control`)?.data?.['key'];
  const first = keyNow();
  rig.put({ ...rig.get(GATEWAYS, 'shop/edge'), metadata: { ...edge.metadata, generation: 2 } } as KubeObject);
  await rig.settle();
  assert.equal(keyNow(), first);
  rig.put({ ...rig.get(SECRETS, `${name}-control`), data: { key: 'YQ==' } } as KubeObject);
  await rig.until('it is another one', () => Buffer.from(keyNow() ?? '', 'base64').length === 32);
});

test('an object of the name that is not ours is not touched, and the Gateway says so', async context => {
  const theirs = service(name, [{ port: 5432, protocol: 'TCP' }]);
  const rig = new Rig(context, fairlead, edge, theirs);
  rig.start();
  await rig.until('it says so', () => rig.conditions().includes('Programmed=False/NoResources'));
  const message = rig.get(GATEWAYS, 'shop/edge')?.status?.conditions?.[1]?.message ?? '';
  assert.match(message, /Service\/shop\/edge-fairlead is there already/);
  assert.deepEqual(rig.get(SERVICES, name)?.spec, theirs.spec);
  rig.api.store.remove(SERVICES, name);
  await rig.until('it goes on', () => rig.get(SERVICES, name)?.spec.type === 'LoadBalancer');
});

test('a Gateway of another class is not ours; when ours becomes one, what we made goes', async context => {
  const other: GatewayClass = {
    ...fairlead,
    metadata: { ...fairlead.metadata, name: 'other' },
    spec: { controllerName: 'example.com/other' },
  };
  const rig = new Rig(context, fairlead, other, edge);
  rig.start();
  await bringUp(rig);
  const now = rig.get(GATEWAYS, 'shop/edge');
  assert.ok(now);
  const moved: Gateway = {
    ...now,
    metadata: { ...now.metadata, generation: 2 },
    spec: { ...now.spec, gatewayClassName: 'other' },
  };
  rig.put(moved);
  await rig.until('it is gone', () => rig.get(DEPLOYMENTS, name) === undefined);
  await rig.settle();
  assert.equal(rig.get(SERVICES, name), undefined);
  assert.equal(rig.get(SERVICE_ACCOUNTS, name), undefined);
  assert.equal(rig.get(SECRETS, `${name}-control`), undefined);
});

test('a class that disappears takes no proxies away', async context => {
  const named: GatewayClass = { ...fairlead, metadata: { ...fairlead.metadata, name: 'mine' } };
  const rig = new Rig(context, named, gateway('shop/edge', [http('http')], { gatewayClassName: 'mine' }));
  rig.start();
  const own = 'shop/edge-mine';
  await rig.until('the proxies are there', () => rig.get(DEPLOYMENTS, own) !== undefined);
  rig.api.store.remove(GATEWAY_CLASSES, 'mine');
  await rig.settle();
  assert.ok(rig.get(DEPLOYMENTS, own));
});

test('a route that leads nowhere is told by its status and by one Event', async context => {
  const rig = new Rig(context, fairlead, edge, route('shop/web', [to('gone')]));
  rig.start();
  const reasons = () =>
    rig.get(HTTP_ROUTES, 'shop/web')?.status?.parents[0]?.conditions.map(({ reason }) => reason) ?? [];
  await rig.until('the route says it', () => reasons().includes('BackendNotFound'));
  await rig.settle();
  const events = rig.api.requests.filter(
    request => request.startsWith('POST') && request.includes('/events'),
  );
  assert.equal(events.length, 1);
  rig.put(service('shop/gone'));
  await rig.until('it is found', () => reasons().includes('ResolvedRefs'));
});

test('a GRPCRoute whose names an HTTPRoute before it has is refused until that one goes', async context => {
  const web = route('shop/web', [to('web')]);
  const rig = new Rig(context, fairlead, edge, service('shop/web'), web, grpcRoute('shop/wire', []));
  rig.start();
  const verdicts = () =>
    [rig.get(HTTP_ROUTES, 'shop/web'), rig.get(GRPC_ROUTES, 'shop/wire')].map(
      one => one?.status?.parents?.[0]?.conditions.find(({ type }) => type === 'Accepted')?.reason,
    );
  const count = () => rig.get(GATEWAYS, 'shop/edge')?.status?.listeners?.[0]?.attachedRoutes;
  const are = (...reasons: readonly (string | undefined)[]) => verdicts().join() === reasons.join();
  await rig.until('the first one stands', () => are('Accepted', 'HostnameConflict') && count() === 1);
  rig.api.store.remove(HTTP_ROUTES, 'shop/web');
  await rig.until('the other one stands', () => are(undefined, 'Accepted') && count() === 1);
  rig.put(web);
  await rig.until('the first one is back', () => are('Accepted', 'HostnameConflict') && count() === 1);
});

/** `Accepted=True/Accepted` */
const said = (conditions: readonly Condition[] | undefined): readonly string[] =>
  (conditions ?? []).map(({ type, status, reason }) => `${type}=${status}/${reason}`);

test('a Gateway of TCP listeners alone has an address and no proxies, until it gets one of HTTP', async context => {
  const tcp = http('db', { port: 5432, protocol: 'TCP' });
  const edge = gateway('shop/edge', [tcp]);
  const rig = new Rig(
    context,
    fairlead,
    edge,
    service('shop/web'),
    streamRoute('TCPRoute', 'shop/db', { web: 1 }),
  );
  rig.start();
  await rig.until('the Service is made', () => rig.get(SERVICES, 'shop/edge-fairlead') !== undefined);
  const made = rig.get(SERVICES, 'shop/edge-fairlead');
  assert.ok(made);
  const balanced: Service = { ...made, status: { loadBalancer: { ingress: [{ ip: '172.30.200.1' }] } } };
  rig.put(balanced);
  await rig.until('it is programmed', () => rig.conditions().includes('Programmed=True/Programmed'));
  assert.equal(rig.get(DEPLOYMENTS, 'shop/edge-fairlead'), undefined);
  await rig.until('the route is told', () =>
    said(rig.get(TCP_ROUTES, 'shop/db')?.status?.parents[0]?.conditions).includes('Accepted=True/Accepted'),
  );
  const more = {
    ...edge,
    metadata: { ...edge.metadata, generation: 2 },
    spec: { ...edge.spec, listeners: [tcp, http('http')] },
  };
  rig.put(more);
  await rig.until('there are proxies', () => rig.get(DEPLOYMENTS, 'shop/edge-fairlead') !== undefined);
  rig.put({ ...edge, metadata: { ...edge.metadata, generation: 3 } });
  await rig.until('they are gone', () => rig.get(DEPLOYMENTS, 'shop/edge-fairlead') === undefined);
});

test('a ListenerSet is told what became of it, and again when its Gateway takes it no longer', async context => {
  const spec = { allowedListeners: { namespaces: { from: 'Same' } } } as const;
  const edge = gateway('shop/edge', [http('http')], spec);
  const set = listenerSet('shop/more', [http('own', { port: 8080 })]);
  const byParent = route('shop/web', [to('web')], { parentRefs: [{ kind: 'ListenerSet', name: 'more' }] });
  const rig = new Rig(context, fairlead, edge, set, service('shop/web'), byParent);
  rig.start();
  const status = () => rig.get(LISTENER_SETS, 'shop/more')?.status;
  await rig.until('it is accepted', () => said(status()?.conditions).includes('Accepted=True/Accepted'));
  await rig.until('its route is counted', () => status()?.listeners?.[0]?.attachedRoutes === 1);
  await rig.until(
    'the Gateway counts it',
    () => rig.get(GATEWAYS, 'shop/edge')?.status?.attachedListenerSets === 1,
  );
  const closed = gateway('shop/edge', [http('http')]);
  rig.put({ ...closed, metadata: { ...edge.metadata, generation: 2 } });
  await rig.until('it is refused', () => said(status()?.conditions).includes('Accepted=False/NotAllowed'));
  await rig.until('its route is refused', () =>
    said(rig.get(HTTP_ROUTES, 'shop/web')?.status?.parents[0]?.conditions).includes(
      'Accepted=False/NotAllowedByListeners',
    ),
  );
});

test('a policy is told on the Gateways whose routes lead to its Service, and follows its ConfigMap', async context => {
  const rig = new Rig(
    context,
    fairlead,
    gateway('shop/edge', [http('http')]),
    service('shop/web'),
    route('shop/web', [to('web')]),
    tlsPolicy('shop/web', { name: 'web' }),
  );
  rig.start();
  const entries = () => rig.get(BACKEND_TLS_POLICIES, 'shop/web')?.status?.ancestors ?? [];
  await rig.until('it is refused', () =>
    said(entries()[0]?.conditions).includes('Accepted=False/NoValidCACertificate'),
  );
  rig.put(configMap('shop/ca', makeCertificate().certificate));
  await rig.until('it is accepted', () => said(entries()[0]?.conditions).includes('Accepted=True/Accepted'));
  assert.equal(entries()[0]?.ancestorRef.name, 'edge');
  rig.api.store.remove(HTTP_ROUTES, 'shop/web');
  await rig.until('no Gateway leads there any more', () => entries().length === 0);
});

test('routes on a ListenerSet that is deleted are no longer said to stand', async context => {
  const edge = gateway('shop/edge', [http('http')], { allowedListeners: { namespaces: { from: 'Same' } } });
  const set = listenerSet('shop/more', [http('own', { port: 8080 })]);
  const byParent = route('shop/web', [to('web')], { parentRefs: [{ kind: 'ListenerSet', name: 'more' }] });
  const rig = new Rig(context, fairlead, edge, set, service('shop/web'), byParent);
  rig.start();
  const parents = () => rig.get(HTTP_ROUTES, 'shop/web')?.status?.parents ?? [];
  await rig.until('the route stands', () =>
    said(parents()[0]?.conditions).includes('Accepted=True/Accepted'),
  );
  rig.api.store.remove(LISTENER_SETS, 'shop/more');
  await rig.until('it stands no longer', () => parents().length === 0);
});

test('a ListenerSet whose Gateway is deleted is no longer said to be served', async context => {
  const edge = gateway('shop/edge', [http('http')], { allowedListeners: { namespaces: { from: 'Same' } } });
  const rig = new Rig(context, fairlead, edge, listenerSet('shop/more', [http('own', { port: 8080 })]));
  rig.start();
  const now = () => said(rig.get(LISTENER_SETS, 'shop/more')?.status?.conditions);
  await rig.until('it is accepted', () => now().includes('Accepted=True/Accepted'));
  rig.api.store.remove(GATEWAYS, 'shop/edge');
  await rig.until('it says so', () => now().join() === orphaned.join());
});

const orphaned = ['Accepted=False/ParentNotAccepted', 'Programmed=False/ParentNotAccepted'];

test('a controller that starts again says nothing of authorities that it has not read yet', async context => {
  const { certificate, key } = makeCertificate();
  const caCertificateRefs = [{ group: '', kind: 'ConfigMap', name: 'ca' }];
  const edge = gateway('shop/edge', [https('https', 'cert')], {
    tls: { frontend: { default: { validation: { caCertificateRefs } } } },
  });
  const rig = new Rig(
    context,
    fairlead,
    edge,
    tlsSecret('shop/cert', certificate, key),
    configMap('shop/ca', certificate),
    service('shop/web'),
    route('shop/web', [to('web')]),
    tlsPolicy('shop/web', { name: 'web' }),
  );
  const end = rig.start();
  await bringUp(rig);
  await rig.settle();
  end();
  const before = rig.writes();
  rig.start();
  await rig.settle();
  assert.equal(rig.writes(), before);
});
