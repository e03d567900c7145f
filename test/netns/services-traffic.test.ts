import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { parseAddress } from '../../src/base/ip.ts';
import { ServiceRules } from '../../src/services/apply-nft.ts';
import type { ElementGroup } from '../../src/services/compile-nft.ts';
import {
  ask,
  attempt,
  conversation,
  meet,
  nodeAddresses,
  open,
  serverPort,
  service,
  slice,
  startNode,
  tcpServers,
  udpServers,
} from './services-node.ts';

const web = ['10.96.0.10', 'fd00:10:96::10'] as const;
const families = [4, 6] as const;
const at = { 4: web[0], 6: web[1] };

test('a Service leads pods and the node to its endpoints, in both families, over TCP and UDP', async context => {
  const node = startNode(context);
  const { objects, places } = node;
  await tcpServers(context, node.servers, serverPort);
  await udpServers(context, node.servers, [...places[4], ...places[6]], serverPort);
  objects.put(service('web', web), slice('web', places[4]), slice('web', places[6]));
  await node.network().load();
  for (const family of families) {
    for (const from of [node.client, node.node]) {
      const meeting = await meet(from, at[family], 80);
      assert.ok(places[family].includes(meeting.reached), `${meeting.reached} is an endpoint`);
      assert.ok(places[family].includes(await ask(from, at[family], 53)), 'a datagram is answered');
    }
    const { from } = await meet(node.client, at[family], 80);
    assert.equal(from, family === 4 ? '10.244.0.2' : 'fd00:10:244::2', "the pod's address is kept");
  }
});

test('1,000 connections are spread evenly over seven endpoints', async context => {
  const node = startNode(context);
  const { objects, places } = node;
  await tcpServers(context, node.servers, serverPort);
  objects.put(service('web', web), slice('web', places[4]));
  await node.network().load();
  const counts = new Map(places[4].map(place => [place, 0]));
  const total = 1000;
  const one = async () => {
    const { reached } = await meet(node.client, web[0], 80);
    counts.set(reached, (counts.get(reached) ?? 0) + 1);
  };
  for (let left = total; left > 0; left -= 20) await Promise.all(Array.from({ length: 20 }, one));
  const expected = total / places[4].length;
  const chiSquare = [...counts.values()].reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
  // Six degrees of freedom: a fair draw passes 33 once in a hundred thousand runs; an endpoint left out gives 143.
  assert.ok(chiSquare < 33, `chi-square ${chiSquare.toFixed(1)} of ${JSON.stringify([...counts])}`);
});

test('a Service without endpoints, and a port that it does not have, are refused at once, however often', async context => {
  const node = startNode(context);
  node.objects.put(service('web', web));
  await node.network().load();
  for (const family of families) {
    for (const from of [node.client, node.node]) {
      for (const port of [80, 81]) {
        for (let turn = 0; turn < 20; turn++) {
          const { outcome, milliseconds } = await attempt(from, at[family], port);
          assert.equal(outcome, 'ECONNREFUSED', `IPv${family} port ${port} from ${from}`);
          // What a client learns only from its second SYN comes after a second.
          assert.ok(milliseconds < 1000, `refused after ${milliseconds.toFixed(0)} ms`);
        }
      }
    }
    assert.equal(await ask(node.client, at[family], 53), 'ECONNREFUSED', 'UDP gets an ICMP error');
  }
});

test('a cluster address that no Service has answers nobody', async context => {
  const node = startNode(context);
  const network = node.network();
  await network.load();
  for (const address of ['10.96.7.7', 'fd00:10:96::77'])
    assert.equal((await attempt(node.client, address, 80, 400)).outcome, 'unanswered');
  assert.equal((await network.reconcile()).corrections, 0, 'what was written is read back the same');
});

test('endpoints that serve while they terminate are used only when none is ready', async context => {
  const node = startNode(context);
  const { objects, places } = node;
  await tcpServers(context, node.servers, serverPort);
  const [first = '', second = ''] = places[4];
  const network = node.network();
  const draining = { ready: false, serving: true, terminating: true };
  const endpointsOf = (...all: ReturnType<typeof slice>[]) => ({
    ...slice('web', [first]),
    endpoints: all.flatMap(one => one.endpoints ?? []),
  });
  objects.put(service('web', web), endpointsOf(slice('web', [first], draining), slice('web', [second])));
  await network.load();
  const reached = async () => {
    const meetings = await Promise.all(Array.from({ length: 12 }, () => meet(node.client, web[0], 80)));
    return [...new Set(meetings.map(meeting => meeting.reached))];
  };
  assert.deepEqual(await reached(), [second]);
  objects.put(endpointsOf(slice('web', [first], draining), slice('web', [second], { ready: false })));
  await network.change('shop/web');
  assert.deepEqual(await reached(), [first]);
  objects.put(endpointsOf(slice('web', [first, second], { ready: false })));
  await network.change('shop/web');
  assert.equal((await attempt(node.client, web[0], 80)).outcome, 'ECONNREFUSED');
});

test('a pod reaches itself through its own Service, with the node’s address', async context => {
  const node = startNode(context);
  const { objects } = node;
  await tcpServers(context, node.client, serverPort);
  const self = { 4: '10.244.0.2', 6: 'fd00:10:244::2' };
  objects.put(service('web', web), slice('web', [self[4]]), slice('web', [self[6]]));
  await node.network().load();
  assert.deepEqual(await meet(node.client, web[0], 80), {
    reached: self[4],
    port: serverPort,
    from: nodeAddresses[0],
  });
  assert.deepEqual(await meet(node.client, web[1], 80), {
    reached: self[6],
    port: serverPort,
    from: nodeAddresses[1],
  });
});

test('changes reach the kernel: endpoints come and go, a Service goes, another takes its address', async context => {
  const node = startNode(context);
  const { objects, places } = node;
  await tcpServers(context, node.servers, serverPort);
  const [first = '', second = ''] = places[4];
  const network = node.network();
  await network.load();
  objects.put(service('web', web));
  await network.change('shop/web');
  assert.equal((await attempt(node.client, web[0], 80)).outcome, 'ECONNREFUSED');
  objects.put(slice('web', [first]));
  await network.change('shop/web');
  assert.equal((await meet(node.client, web[0], 80)).reached, first);
  objects.put(slice('web', [second]));
  await network.change('shop/web');
  assert.equal((await meet(node.client, web[0], 80)).reached, second);
  const younger = service('young', web, { ports: [{ name: 'http', port: 80 }] });
  objects.put(
    { ...younger, metadata: { ...younger.metadata, creationTimestamp: '2026-02-01T00:00:00Z' } },
    slice('young', [first]),
  );
  await network.change('shop/young');
  assert.equal((await meet(node.client, web[0], 80)).reached, second, 'the older Service keeps its address');
  assert.match(network.problems('shop/young')[0]?.sentence ?? '', /belongs to Service shop\/web/);
  objects.remove(service('web', web), slice('web', [second]));
  await network.change('shop/web');
  assert.equal((await meet(node.client, web[0], 80)).reached, first);
  assert.deepEqual(network.problems('shop/young'), []);
  assert.equal(
    (await network.reconcile()).corrections,
    0,
    'what was written step by step needs no correction',
  );
});

test('a UDP client that goes on sending from one port is led to an endpoint that is there', async context => {
  const node = startNode(context);
  const { objects, places } = node;
  await udpServers(context, node.servers, places[4], serverPort);
  const [first = '', second = ''] = places[4];
  const network = node.network();
  await network.load();
  await using talk = await conversation(node.client);
  assert.equal(await talk.ask(web[0], 53, 300), undefined, 'nobody answers where no Service is');
  objects.put(service('web', web), slice('web', [first]));
  await network.change('shop/web');
  assert.equal(await talk.ask(web[0], 53), first, 'the flow that went astray before is led to the Service');
  objects.put(slice('web', [second]));
  await network.change('shop/web');
  assert.equal(await talk.ask(web[0], 53), second);
  objects.put(slice('web', [first, second]));
  await network.change('shop/web');
  assert.equal(await talk.ask(web[0], 53), second, 'an endpoint that stays keeps its flows');
});

test('a restarted agent adopts what is there: connections and counters go on, and only differences are written', async context => {
  const node = startNode(context);
  const { objects, places, kernel } = node;
  await tcpServers(context, node.servers, serverPort);
  objects.put(service('web', web), slice('web', places[4]), slice('web', places[6]));
  assert.ok((await node.network().load()).corrections > 0);
  const { socket } = await open(node.client, web[0], 80);
  const countersBefore = await node.list('list set inet fairlead-services counters4');
  const again = node.network();
  assert.equal((await again.load()).corrections, 0);
  assert.deepEqual(await node.list('list set inet fairlead-services counters4'), countersBefore);
  socket.write('still here');
  const [echo] = (await once(socket, 'data')) as [Buffer];
  assert.equal(echo.toString(), 'still here');

  await kernel.nft(
    'flush map inet fairlead-services frontends4; flush chain inet fairlead-services nat-prerouting',
  );
  await kernel.nft('add element inet fairlead-services rejected4 { 10.96.9.9 . tcp . 9 }');
  const { corrections } = await again.reconcile();
  // Two front ends, one chain of eight rules, one element too many.
  assert.equal(corrections, 2 + 10 + 1);
  assert.ok(places[4].includes((await meet(node.client, web[0], 80)).reached));
  socket.write('and here');
  assert.equal(String(((await once(socket, 'data')) as [Buffer])[0]), 'and here');
  socket.destroy();
});

test('connections are counted by front end and by endpoint, and what became of them', async context => {
  const node = startNode(context);
  const { objects, places } = node;
  await tcpServers(context, node.servers, serverPort);
  objects.put(service('web', web), slice('web', places[4].slice(0, 3)), service('empty', ['10.96.0.11']));
  const network = node.network();
  await network.load();
  for (let turn = 0; turn < 12; turn++) await meet(node.client, web[0], 80);
  const tcp = (text: string, port = 80) => {
    const address = parseAddress(text);
    assert.ok(address);
    return network.counters({ address, protocol: 'TCP', port });
  };
  const counters = await tcp(web[0]);
  assert.equal(counters?.accepted, 12);
  assert.deepEqual(
    counters.endpoints.map(({ address }) => address),
    places[4].slice(0, 3),
  );
  assert.equal(
    counters.endpoints.reduce((sum, { packets }) => sum + packets, 0),
    12,
  );
  await attempt(node.client, '10.96.0.11', 80);
  assert.deepEqual(await tcp('10.96.0.11'), { accepted: 0, rejected: 1, dropped: 0, endpoints: [] });
  assert.equal(await tcp('10.96.0.99'), undefined);
});

test('a change that the kernel finds otherwise than remembered is made by comparing', async context => {
  const node = startNode(context);
  const { objects, places, kernel } = node;
  await tcpServers(context, node.servers, serverPort);
  const network = node.network();
  objects.put(service('web', web), slice('web', places[4]));
  await network.load();
  await kernel.nft('delete table inet fairlead-services');
  objects.put(slice('web', places[4].slice(0, 2)));
  await network.change('shop/web');
  assert.ok(places[4].slice(0, 2).includes((await meet(node.client, web[0], 80)).reached));
});

test('what the kernel refuses is named, and all the rest is in force', async context => {
  const node = startNode(context);
  const rules = new ServiceRules(node.kernel);
  const provenance = {
    kind: 'Service',
    namespace: 'shop',
    name: 'odd',
    uid: '',
    generation: 1,
    field: 'spec',
  };
  const group = (key: string): ElementGroup => ({
    provenance,
    choices: 0,
    draws: [],
    elements: [{ set: 'rejected4', key, value: '' }],
  });
  const { refused } = await rules.adopt([
    ['good', group('10.96.0.1 . tcp . 1')],
    ['bad', group('10.96.0.1 . tcp . 70000')],
    ['also good', group('10.96.0.1 . tcp . 3')],
  ]);
  assert.deepEqual(
    refused.map(one => one.provenance?.name),
    ['odd'],
  );
  const { nftables } = (await node.list('list set inet fairlead-services rejected4')) as {
    nftables: { set?: { elem: unknown[] } }[];
  };
  assert.equal(nftables.find(object => object.set !== undefined)?.set?.elem.length, 2);
  await rules.change([{ key: 'bad', group: group('10.96.0.1 . tcp . 7') }]);
  assert.equal((await rules.adopt([['bad', group('10.96.0.1 . tcp . 7')]])).corrections, 2, 'the others go');
});

test('10,000 Services are adopted in one go, and then one changes without a reading', async context => {
  const node = startNode(context);
  const { objects, places, kernel } = node;
  await tcpServers(context, node.servers, serverPort);
  const count = 10_000;
  for (let index = 0; index < count; index++) {
    objects.put(
      service(
        `s${index}`,
        [`10.96.${100 + (index >> 8)}.${index & 255}`, `fd00:10:96::a:${index.toString(16)}`],
        { ports: [{ name: 'http', port: 80 }] },
      ),
    );
  }
  objects.put(slice('s7', places[4]));
  let lists = 0;
  const network = node.network();
  await network.load();
  const read = kernel.nftTable;
  const counted: typeof read = (...parameters) => (lists++, read(...parameters));
  Object.assign(kernel, { nftTable: counted });
  objects.put(slice('s9', places[4].slice(0, 3)));
  await network.change('shop/s9');
  assert.equal(lists, 0);
  assert.ok(places[4].includes((await meet(node.client, '10.96.100.7', 80)).reached));
  assert.ok(places[4].slice(0, 3).includes((await meet(node.client, '10.96.100.9', 80)).reached));
});

test('a table of our name that another program made is replaced by ours, with all Services', async context => {
  const node = startNode(context);
  const { objects, places, kernel } = node;
  await tcpServers(context, node.servers, serverPort);
  await kernel.nft(
    [
      'add table inet fairlead-services',
      'add set inet fairlead-services frontends4 { type ipv4_addr ; }',
      'add chain inet fairlead-services theirs { type filter hook forward priority 0 ; policy drop ; }',
    ].join('\n'),
  );
  objects.put(service('web', web), slice('web', places[4]));
  const network = node.network();
  await network.load();
  assert.ok(places[4].includes((await meet(node.client, web[0], 80)).reached));
});
