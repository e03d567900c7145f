import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { silentLog } from '../../base/log.ts';
import { createClientOver } from '../../kube/client.ts';
import { EventRecorder } from '../../kube/events.ts';
import { FakeApi } from '../../kube/fake-api.ts';
import { Informer } from '../../kube/informer.ts';
import { ManualClock } from '../../kube/manual-clock.ts';
import {
  DEPLOYMENTS,
  EVENTS,
  INGRESSES,
  INGRESS_CLASSES,
  SECRETS,
  SERVICES,
  SERVICE_ACCOUNTS,
} from '../../kube/resources.ts';
import type { Resource } from '../../kube/resources.ts';
import type { KubeObject } from '../../kube/types/meta.ts';
import type { Ingress, IngressClass } from '../../kube/types/networking.ts';
import { IngressLoop } from './loop.ts';

const ingressClass = (name: string, controller = 'fairlead.dev/ingress-controller'): IngressClass => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'IngressClass',
  metadata: { name, uid: `class ${name}` },
  spec: { controller },
});

const ingress = (name: string, more: object = {}, annotations: Readonly<Record<string, string>> = {}) =>
  ({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: { namespace: 'shop', name, uid: name, generation: 1, annotations },
    spec: {
      ingressClassName: 'fairlead',
      rules: [
        {
          host: 'shop.example.com',
          http: {
            paths: [
              { path: '/', pathType: 'Prefix', backend: { service: { name: 'web', port: { number: 80 } } } },
            ],
          },
        },
      ],
      ...more,
    },
  }) satisfies Ingress;

function start(context: TestContext, ...objects: readonly (readonly [Resource<KubeObject>, KubeObject])[]) {
  const clock = new ManualClock();
  const api = new FakeApi([
    INGRESS_CLASSES,
    INGRESSES,
    SECRETS,
    SERVICES,
    DEPLOYMENTS,
    SERVICE_ACCOUNTS,
    EVENTS,
  ]);
  for (const [resource, object] of objects) api.store.put(resource, object);
  const client = createClientOver(api, { clock });
  const stop = new AbortController();
  context.after(() => stop.abort(new Error('the test has ended')));
  const services = new Informer(client, SERVICES, { clock });
  const certificates = new Informer(client, SECRETS, { fieldSelector: 'type=kubernetes.io/tls', clock });
  services.start(stop.signal);
  certificates.start(stop.signal);
  const events = new EventRecorder({ client, clock, log: silentLog, component: 'test' });
  const proxies = { image: 'proxy', replicas: 2 };
  const loop = new IngressLoop({ client, services, certificates, events, ...proxies, clock, log: silentLog });
  loop.start(stop.signal).catch(() => undefined); // ended before it had begun
  return {
    api,
    until: async (sentence: string, holds: () => boolean) => {
      for (let step = 0; step < 200 && !holds(); step++) {
        for (let turn = 0; turn < 20; turn++) await new Promise(resolve => setImmediate(resolve));
        clock.advance(100);
      }
      assert.ok(holds(), `not in time: ${sentence}`);
    },
    notes: () =>
      api.store
        .at(EVENTS)
        .map(([, event]) => event as { readonly note?: string; readonly message?: string })
        .map(({ message = '', note = message }) => note),
  };
}

const proxies = 'kube-system/ingress-fairlead';

test('the class is made; proxies come with its first Ingress and go with its last', async context => {
  const { api, until } = start(context);
  await until('the class is there', () => api.store.get(INGRESS_CLASSES, 'fairlead') !== undefined);
  assert.equal(api.store.get(DEPLOYMENTS, proxies), undefined);
  api.store.put(INGRESSES, ingress('web'));
  await until('the proxies are there', () => api.store.get(DEPLOYMENTS, proxies) !== undefined);
  for (const resource of [SERVICES, SERVICE_ACCOUNTS])
    assert.ok(api.store.get(resource, proxies), resource.kind);
  assert.ok(api.store.get(SECRETS, `${proxies}-control`));
  api.store.remove(INGRESSES, 'shop/web');
  await until('the proxies are gone', () => api.store.get(DEPLOYMENTS, proxies) === undefined);
  await until('all is gone', () => api.store.get(SERVICE_ACCOUNTS, proxies) === undefined);
});

test('addresses of the load balancer stand in the status of each Ingress, and what is wrong in Events', async context => {
  const { api, notes, until } = start(
    context,
    [INGRESS_CLASSES, ingressClass('fairlead')],
    [INGRESSES, ingress('web', {}, { 'nginx.ingress.kubernetes.io/rewrite-target': '/' })],
  );
  await until('the balancer is asked for', () => api.store.get(SERVICES, proxies) !== undefined);
  const service = api.store.get(SERVICES, proxies);
  assert.ok(service);
  const status = { loadBalancer: { ingress: [{ ip: '172.30.200.1' }, { ip: 'fd00::1' }] } };
  api.store.put(SERVICES, Object.assign({}, service, { status }));
  const addresses = () => (api.store.get(INGRESSES, 'shop/web') as Ingress).status?.loadBalancer?.ingress;
  await until('the status tells it', () => addresses()?.length === 2);
  assert.deepEqual(addresses(), [{ ip: '172.30.200.1' }, { ip: 'fd00::1' }]);
  await until('the Events are written', () => notes().length >= 2);
  assert.match(notes().join('\n'), /paths\[0\]\.backend\.service: there is no Service shop\/web/);
  assert.match(
    notes().join('\n'),
    /nginx\.ingress\.kubernetes\.io\/rewrite-target: these annotations change nothing/,
  );
});

test('Ingresses of other classes, and of none, are left alone', async context => {
  const other = ingress('other', { ingressClassName: 'nginx' });
  const none = {
    ...ingress('none'),
    spec: { defaultBackend: { service: { name: 'web', port: { number: 80 } } } },
  };
  const { api, until } = start(
    context,
    [INGRESS_CLASSES, ingressClass('fairlead')],
    [INGRESS_CLASSES, ingressClass('nginx', 'k8s.io/ingress-nginx')],
    [INGRESSES, other],
    [INGRESSES, none],
    [
      INGRESSES,
      ingress('own', { ingressClassName: undefined }, { 'kubernetes.io/ingress.class': 'fairlead' }),
    ],
  );
  await until('the proxies of our class are there', () => api.store.get(DEPLOYMENTS, proxies) !== undefined);
  assert.deepEqual(
    api.store.at(DEPLOYMENTS).map(([key]) => key),
    [proxies],
  );
  assert.equal((api.store.get(INGRESSES, 'shop/other') as Ingress).status, undefined);
});

test('an object of the name that is somebody else’s is left alone, and people are told', async context => {
  const taken = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { namespace: 'kube-system', name: 'ingress-fairlead' },
    status: { loadBalancer: { ingress: [{ ip: '10.9.9.9' }] } },
  };
  const { api, notes, until } = start(
    context,
    [INGRESS_CLASSES, ingressClass('fairlead')],
    [INGRESSES, ingress('web')],
    [SERVICES, taken],
  );
  await until('an Event is written', () => notes().some(note => note.includes('ingress-fairlead')));
  assert.equal(api.store.get(SERVICES, proxies)?.metadata.ownerReferences, undefined);
  const { status } = api.store.get(INGRESSES, 'shop/web') as Ingress;
  assert.doesNotMatch(JSON.stringify(status ?? {}), /10\.9\.9\.9/, 'its address is not where we serve');
});

test('an Ingress that goes to another class loses our addresses, and keeps what another wrote', async context => {
  const { api, until } = start(
    context,
    [INGRESS_CLASSES, ingressClass('fairlead')],
    [INGRESS_CLASSES, ingressClass('nginx', 'k8s.io/ingress-nginx')],
    [INGRESSES, ingress('web')],
    [INGRESSES, ingress('taken')],
  );
  await until('the balancer is asked for', () => api.store.get(SERVICES, proxies) !== undefined);
  const ours = { loadBalancer: { ingress: [{ ip: '172.30.200.1' }] } };
  api.store.put(SERVICES, Object.assign({}, api.store.get(SERVICES, proxies), { status: ours }));
  const balancerOf = (name: string) =>
    (api.store.get(INGRESSES, `shop/${name}`) as Ingress).status?.loadBalancer;
  for (const name of ['web', 'taken'])
    await until(`${name} has our addresses`, () => balancerOf(name)?.ingress?.length === 1);
  const theirs = { loadBalancer: { ingress: [{ ip: '10.9.9.9' }] } };
  const moved = { spec: { ...ingress('web').spec, ingressClassName: 'nginx' } };
  api.store.put(
    INGRESSES,
    Object.assign({}, api.store.get(INGRESSES, 'shop/taken'), moved, { status: theirs }),
  );
  api.store.put(INGRESSES, Object.assign({}, api.store.get(INGRESSES, 'shop/web'), moved));
  await until('the addresses are gone', () => balancerOf('web')?.ingress === undefined);
  assert.deepEqual(balancerOf('taken'), theirs.loadBalancer);
});
