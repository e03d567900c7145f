import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { silentLog } from '../../base/log.ts';
import { createClientOver } from '../../kube/client.ts';
import { EventRecorder } from '../../kube/events.ts';
import { FakeApi } from '../../kube/fake-api.ts';
import { Informer } from '../../kube/informer.ts';
import { ManualClock } from '../../kube/manual-clock.ts';
import { EVENTS, SERVICES } from '../../kube/resources.ts';
import type { Event } from '../../kube/types/event.ts';
import type { Service, ServiceSpec } from '../../kube/types/service.ts';
import { LoadBalancers } from './loop.ts';
import { AddressPool } from './pool.ts';
import { ADDRESSES_ANNOTATION } from './wishes.ts';

const prefixes = ['192.0.2.0/30', 'fd00::/126'];

function service(name: string, spec: Partial<ServiceSpec> = {}, annotations = {}): Service {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { namespace: 'shop', name, annotations },
    spec: { type: 'LoadBalancer', ipFamilies: ['IPv4', 'IPv6'], ports: [{ port: 80 }], ...spec },
  };
}

function withAddresses(one: Service, ...ips: readonly string[]): Service {
  return { ...one, status: { loadBalancer: { ingress: ips.map(ip => ({ ip, ipMode: 'VIP' })) } } };
}

function start(context: TestContext, ...services: readonly Service[]) {
  const api = new FakeApi([SERVICES, EVENTS]);
  for (const one of services) api.store.put(SERVICES, one);
  const clock = new ManualClock();
  const client = createClientOver(api, { clock });
  const run = () => {
    const stop = new AbortController();
    const informer = new Informer(client, SERVICES, { clock });
    informer.start(stop.signal);
    const events = new EventRecorder({ client, component: 'test', clock, log: silentLog });
    const pool = new AddressPool(prefixes);
    const loop = new LoadBalancers({ client, services: informer, pool, events, clock, log: silentLog });
    void loop.start(stop.signal).catch(() => undefined);
    const end = () => stop.abort(new Error('the test has ended'));
    context.after(end);
    return end;
  };
  const now = (name: string) => api.store.get(SERVICES, `shop/${name}`) as Service | undefined;
  const addressesOf = (name: string) =>
    (now(name)?.status?.loadBalancer?.ingress ?? []).map(({ ip }) => ip).join();
  const notes = () => api.store.at(EVENTS).map(([, event]) => (event as Event).message ?? '');
  const until = async (sentence: string, holds: () => boolean) => {
    for (let step = 0; step < 200 && !holds(); step++) {
      for (let turn = 0; turn < 10; turn++) await new Promise(resolve => setImmediate(resolve));
      clock.advance(100);
    }
    assert.ok(holds(), `not in time: ${sentence}`);
  };
  return { api, run, now, addressesOf, notes, until };
}

test('each Service of type LoadBalancer gets one address a family, as virtual ones', async context => {
  const { run, addressesOf, now, until } = start(
    context,
    service('a'),
    service('b', { ipFamilies: ['IPv6'] }),
    service('inside', { type: 'ClusterIP' }),
  );
  run();
  await until('a has addresses', () => addressesOf('a') === '192.0.2.1,fd00::1');
  await until('b has an address', () => addressesOf('b') === 'fd00::2');
  assert.equal(now('a')?.status?.loadBalancer?.ingress?.[0]?.ipMode, 'VIP');
  assert.equal(now('inside')?.status?.loadBalancer, undefined);
});

test('a Service of another’s class is left alone; ours may be named', async context => {
  const { run, addressesOf, until } = start(
    context,
    withAddresses(service('other', { loadBalancerClass: 'example.com/other' }), '203.0.113.9'),
    service('ours', { loadBalancerClass: 'fairlead.dev/load-balancer' }),
  );
  run();
  await until('ours has addresses', () => addressesOf('ours') === '192.0.2.1,fd00::1');
  assert.equal(addressesOf('other'), '203.0.113.9');
});

test('after a restart every Service keeps its addresses, before anybody gets a new one', async context => {
  const young = service('a');
  const old = withAddresses(service('z'), '192.0.2.1', 'fd00::1');
  const { api, run, addressesOf, until } = start(context, young, old);
  const end = run();
  await until('the new one gets others', () => addressesOf('a') === '192.0.2.2,fd00::2');
  end();
  const writes = api.store.version;
  run();
  await until('all is read', () => api.requests.filter(each => each.includes('watch')).length >= 2);
  assert.equal(api.store.version, writes, 'nothing is written');
  assert.equal(addressesOf('z'), '192.0.2.1,fd00::1');
});

test('a Service that is deleted, or no load balancer any more, gives back its addresses', async context => {
  const { api, run, addressesOf, now, notes, until } = start(context, service('a'), service('b'));
  run();
  await until('both have addresses', () => addressesOf('a') !== '' && addressesOf('b') !== '');
  api.store.put(SERVICES, service('c'));
  await until('c waits, and is told', () =>
    notes().some(note => /No load balancer address is free in IPv4/.test(note)),
  );
  api.store.remove(SERVICES, 'shop/a');
  await until('c gets what is free', () => addressesOf('c').startsWith('192.0.2.1,'));
  const b = now('b');
  assert.ok(b);
  const changed: Service = { ...b, spec: { ...b.spec, type: 'ClusterIP' } };
  api.store.put(SERVICES, changed);
  await until('b tells no address any more', () => addressesOf('b') === '');
  api.store.put(SERVICES, service('d'));
  await until('d gets what is free', () => addressesOf('d') === '192.0.2.2,fd00::1');
});

test('addresses can be asked for by annotation or by spec.loadBalancerIP, and be changed', async context => {
  const { api, run, addressesOf, until } = start(
    context,
    service('a', {}, { [ADDRESSES_ANNOTATION]: 'fd00::3, 192.0.2.2' }),
    service('b', { loadBalancerIP: 'fd00::2' }),
  );
  run();
  await until('a has what it asks for', () => addressesOf('a') === '192.0.2.2,fd00::3');
  await until('b too', () => addressesOf('b') === '192.0.2.1,fd00::2');
  api.store.put(SERVICES, {
    ...service('a', {}, { [ADDRESSES_ANNOTATION]: 'fd00::1' }),
  });
  await until('a moves', () => addressesOf('a') === '192.0.2.2,fd00::1');
});

test('an address that cannot be had is told with the reason, and nothing is taken away for it', async context => {
  const { api, run, addressesOf, notes, until } = start(context, service('a'));
  run();
  await until('a has addresses', () => addressesOf('a') === '192.0.2.1,fd00::1');
  for (const [asked, sentence] of [
    ['192.0.2.1', /192\.0\.2\.1 belongs to Service shop\/a\. The Service gets no IPv4 address/],
    ['203.0.113.1', /203\.0\.113\.1 is in none of the load balancer's prefixes/],
    ['hello', /"hello" .* is no address/],
  ] as const) {
    const name = `asks-${asked.length}`;
    api.store.put(SERVICES, service(name, {}, { [ADDRESSES_ANNOTATION]: asked }));
    await until(String(sentence), () => notes().some(note => sentence.test(note)));
    api.store.remove(SERVICES, `shop/${name}`);
  }
  const a = service('a', { loadBalancerIP: '203.0.113.1' });
  api.store.put(SERVICES, withAddresses(a, '192.0.2.1', 'fd00::1'));
  await until('a is told', () => notes().some(note => /It keeps 192\.0\.2\.1/.test(note)));
  assert.equal(addressesOf('a'), '192.0.2.1,fd00::1');
});

test('of two that say the same address in their status the older keeps it', async context => {
  const { api, run, addressesOf, until } = start(context);
  for (const name of ['old', 'new'])
    api.store.put(SERVICES, withAddresses(service(name, { ipFamilies: ['IPv4'] }), '192.0.2.1'));
  run();
  await until('the younger moves', () => addressesOf('new') === '192.0.2.2');
  assert.equal(addressesOf('old'), '192.0.2.1');
});
