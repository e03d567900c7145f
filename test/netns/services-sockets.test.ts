import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { parseAddress } from '../../src/base/ip.ts';
import { buildPrograms, startSocketNode } from './socket-node.ts';
import type { SocketNode } from './socket-node.ts';
import type { Endpoint, WeightedService } from '../../src/services/index.ts';
import type { CrowdReport } from './socket-client.ts';
import { serverPort, service, slice, tcpServers, udpServers } from './services-node.ts';

const web = ['10.96.0.10', 'fd00:10:96::10'] as const;

buildPrograms();

async function withServers(context: Parameters<typeof startSocketNode>[0]): Promise<SocketNode> {
  const node = startSocketNode(context);
  await tcpServers(context, node.servers, serverPort);
  await udpServers(context, node.servers, [...node.places[4], ...node.places[6]], serverPort);
  return node;
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!(await holds())) assert.ok(performance.now() < deadline, 'it did not come about within 20 s');
}

/** What a server says of itself. */
const reached = (said: string | undefined): string =>
  said?.startsWith('{') === true ? (JSON.parse(said) as { reached: string }).reached : (said ?? '');

test('sockets of pods are led to endpoints of a Service, which they go on to see as the Service', async context => {
  const node = await withServers(context);
  const { objects, places } = node;
  objects.put(service('web', web), slice('web', places[4]), slice('web', places[6]));
  const translation = node.translation();
  const pod = await node.pod(node.client);
  await translation.start();
  await node.networkWith(translation).load();
  // Without the rules only the hooks can lead anywhere.
  await node.kernel.nft('flush chain inet fairlead-services inside');
  for (const [family, host] of [
    [4, web[0]],
    [6, web[1]],
  ] as const) {
    const tcp = await pod.ask({ do: 'tcp', host, port: 80 });
    assert.ok(places[family].includes(reached(tcp.said)), `TCP to ${host}: ${JSON.stringify(tcp)}`);
    assert.equal(tcp.peer, host, 'the peer is the Service');
    for (const connected of [true, false]) {
      const udp = await pod.ask({ do: 'udp', host, port: 53, connected });
      assert.ok(places[family].includes(udp.said ?? ''), `UDP to ${host}: ${JSON.stringify(udp)}`);
      assert.equal(udp.peer, host, 'the answer comes from the Service');
    }
  }
  const mapped = `::ffff:${web[0]}`;
  const tcp = await pod.ask({ do: 'tcp', host: mapped, port: 80 });
  assert.ok(places[4].includes(reached(tcp.said)), JSON.stringify(tcp));
  for (const connected of [true, false]) {
    const udp = await pod.ask({ do: 'udp', v6: true, host: mapped, port: 53, connected });
    assert.ok(
      places[4].includes(udp.said ?? ''),
      `an IPv6 socket to IPv4, ${connected}: ${JSON.stringify(udp)}`,
    );
    assert.equal(udp.peer, mapped);
  }
  await translation.stop();
  assert.equal(translation.state, 'off', 'no socket is left that was translated');
  assert.deepEqual(readdirSync(node.pins), [], 'and nothing pinned');
});

test('each new connection of a pod draws any endpoint alike', async context => {
  const node = await withServers(context);
  const { objects, places } = node;
  objects.put(service('web', web), slice('web', places[4]));
  const translation = node.translation();
  const pod = await node.pod(node.client);
  await translation.start();
  const network = node.networkWith(translation);
  await network.load();
  const total = 2100;
  const counts = new Map<string, number>();
  for (let turn = 0; turn < total / 30; turn++) {
    const answers = await Promise.all(
      Array.from({ length: 30 }, () => pod.ask({ do: 'tcp', host: web[0], port: 80, milliseconds: 20_000 })),
    );
    for (const { said } of answers) counts.set(reached(said), (counts.get(reached(said)) ?? 0) + 1);
  }
  const expected = total / places[4].length;
  const chiSquare = places[4].reduce(
    (sum, place) => sum + ((counts.get(place) ?? 0) - expected) ** 2 / expected,
    0,
  );
  // Six degrees of freedom: more than 38 has a likelihood of one in a million.
  assert.ok(chiSquare < 38, `chi-square ${chiSquare} of ${JSON.stringify([...counts])}`);
  const address = parseAddress(web[0]);
  assert.ok(address);
  const counted = await network.counters({ address, protocol: 'TCP', port: 80 });
  assert.equal(counted?.accepted, total, 'all were counted');
  assert.deepEqual(new Map(counted.endpoints.map(one => [one.address, one.packets])), counts, 'by endpoint');
});

test('a pod with an affinity stays with its endpoint, whatever comes or goes beside it', async context => {
  const node = await withServers(context);
  const { objects, places } = node;
  const sticky = { sessionAffinity: 'ClientIP' } as const;
  objects.put(service('web', web, sticky), slice('web', places[4]), slice('web', places[6]));
  const translation = node.translation();
  const pod = await node.pod(node.client);
  await translation.start();
  const network = node.networkWith(translation);
  await network.load();
  await node.kernel.nft('flush chain inet fairlead-services inside');
  const drawn = async (host: string = web[0]) => reached((await pod.ask({ do: 'tcp', host, port: 80 })).said);
  const first = await drawn();
  assert.ok(places[4].includes(first));
  const firstOfSix = await drawn(web[1]);
  for (let turn = 0; turn < 10; turn++) assert.equal(await drawn(), first);
  const others = places[4].filter(place => place !== first);
  for (const some of [[...others.slice(0, 2), first], [first], [...others.slice(3), first]]) {
    objects.put(slice('web', some));
    await network.change('shop/web');
    for (let turn = 0; turn < 3; turn++) assert.equal(await drawn(), first, some.join(' '));
  }
  assert.equal(await drawn(web[1]), firstOfSix, 'each family by itself');
  objects.put(slice('web', others.slice(0, 3)));
  await network.change('shop/web');
  const second = await drawn();
  assert.ok(others.slice(0, 3).includes(second), 'without it, the pod draws anew');
  for (let turn = 0; turn < 5; turn++) assert.equal(await drawn(), second);
});

test('a socket that sends without connecting keeps its endpoint while that is one, and then has another', async context => {
  const node = await withServers(context);
  const { objects, places } = node;
  objects.put(service('web', web), slice('web', places[4]));
  const translation = node.translation();
  const pod = await node.pod(node.client);
  await translation.start();
  const network = node.networkWith(translation);
  await network.load();
  const ask = async () => {
    const { peer, said = '' } = await pod.ask({ do: 'udp', host: web[0], port: 53, keep: 'talk' });
    assert.equal(peer, web[0]);
    return said;
  };
  const first = await ask();
  for (let turn = 0; turn < 5; turn++) assert.equal(await ask(), first);
  const others = places[4].filter(place => place !== first);
  objects.put(slice('web', [...others.slice(0, 1), first]));
  await network.change('shop/web');
  assert.equal(await ask(), first, 'an endpoint that stays keeps its flows');
  objects.put(slice('web', others.slice(0, 1)));
  await network.change('shop/web');
  assert.equal(await ask(), others[0]);
});

test('1,000 connected UDP sockets hear that their endpoint is gone, and are on a live one soon', async context => {
  const node = await withServers(context);
  const { objects, places } = node;
  const [gone = '', stays = ''] = places[4];
  objects.put(service('web', web), slice('web', [gone]));
  const translation = node.translation();
  const [pod, bystander] = [await node.pod(node.client), await node.pod(node.client)];
  await translation.start();
  const network = node.networkWith(translation);
  await network.load();
  const count = 1000;
  const crowd = await pod.ask({ do: 'crowd', host: web[0], port: 53, count });
  assert.deepEqual(JSON.parse(crowd.said ?? '{}'), { [gone]: count });
  // A socket that was connected to the pod itself is nobody's business.
  const own = { do: 'udp', connected: true, host: gone, port: serverPort, keep: 'own' } as const;
  assert.equal((await bystander.ask(own)).said, gone);
  objects.put(slice('web', [stays]));
  const started = performance.now();
  await network.change('shop/web');
  const back = await pod.ask({ do: 'crowd-back', host: web[0], port: 53, count });
  const report = JSON.parse(back.said ?? '{}') as CrowdReport;
  const took = performance.now() - started;
  assert.deepEqual(report.errors, { ECONNABORTED: count });
  assert.deepEqual(report.live, { [stays]: count });
  context.diagnostic(
    `all of them after ${Math.round(took)} ms, the slowest after ${Math.round(report.slowestMilliseconds)} ms`,
  );
  assert.ok(
    report.slowestMilliseconds < 20_000,
    `the slowest came back after ${report.slowestMilliseconds} ms`,
  );
  assert.equal((await bystander.ask(own)).said, gone);
});

test('a UDP socket that leaves its Service is answered as anybody, and does not end with the endpoint', async context => {
  const node = await withServers(context);
  const { objects, places } = node;
  const [gone = '', stays = ''] = places[4];
  objects.put(service('web', web), slice('web', [gone]));
  const translation = node.translation();
  const pod = await node.pod(node.client);
  await translation.start();
  const network = node.networkWith(translation);
  await network.load();
  const atService = { do: 'udp', connected: true, host: web[0], port: 53 } as const;
  const direct = { do: 'udp', host: gone, port: serverPort, leave: true } as const;
  for (const keep of ['elsewhere', 'alone'])
    assert.deepEqual(await pod.ask({ ...atService, keep }), { said: gone, peer: web[0] });
  const met = { said: gone, peer: gone };
  assert.deepEqual(
    await pod.ask({ ...direct, connected: true, keep: 'elsewhere' }),
    met,
    'the peer is the pod',
  );
  assert.deepEqual(await pod.ask({ ...direct, keep: 'alone' }), met, 'the pod itself answers');
  objects.put(slice('web', [stays]));
  await network.change('shop/web');
  await network.reconcile();
  const on = { ...direct, leave: false };
  assert.deepEqual(await pod.ask({ ...on, connected: true, keep: 'elsewhere' }), met, 'the socket goes on');
  assert.deepEqual(await pod.ask({ ...on, keep: 'alone' }), met, 'so does one without a peer');
  const back = await pod.ask({ ...atService, leave: true, keep: 'elsewhere' });
  assert.deepEqual(back, { said: stays, peer: web[0] }, 'it may come to the Service again');
});

test('a restarted agent takes over what is pinned: no connection is lost meanwhile, and nothing is written', async context => {
  const node = await withServers(context);
  const { objects, places } = node;
  objects.put(service('web', web), slice('web', places[4]), slice('web', places[6]));
  const before = node.translation();
  const pod = await node.pod(node.client);
  await before.start();
  await node.networkWith(before).load();
  const kept = { do: 'tcp', host: web[0], port: 80, keep: 'long', milliseconds: 20_000 } as const;
  await pod.ask(kept);
  const traffic = { isOver: false };
  const failures: unknown[] = [];
  const connectAllTheTime = async () => {
    let turns = 0;
    while (!traffic.isOver) {
      const answer = await pod.ask({ do: 'tcp', host: web[0], port: 80, milliseconds: 20_000 });
      if (answer.failed !== undefined || answer.peer !== web[0]) failures.push(answer);
      turns++;
    }
    return turns;
  };
  const running = connectAllTheTime();
  for (let restart = 0; restart < 3; restart++) {
    const after = node.translation();
    await after.start();
    assert.equal((await node.networkWith(after).load()).corrections, 0);
  }
  traffic.isOver = true;
  assert.ok((await running) > 0);
  assert.deepEqual(failures, []);
  const answer = await pod.ask(kept);
  assert.deepEqual([answer.said, answer.peer], ['again', web[0]]);
});

test('switched to nftables and back, connections go on, sockets are answered as before, and the rest ends with them', async context => {
  const node = await withServers(context);
  const { objects, places } = node;
  const [first = '', second = ''] = places[4];
  objects.put(service('web', web), slice('web', [first]));
  const translation = node.translation();
  const pod = await node.pod(node.client);
  await translation.start();
  const network = node.networkWith(translation);
  await network.load();
  const tcp = { do: 'tcp', host: web[0], port: 80, keep: 'tcp' } as const;
  const udp = { do: 'udp', connected: true, host: web[0], port: 53, keep: 'udp' } as const;
  await pod.ask(tcp);
  assert.equal((await pod.ask(udp)).said, first);
  await translation.stop();
  assert.equal(translation.state, 'draining');
  assert.equal((await pod.ask(tcp)).said, 'again');
  assert.deepEqual(await pod.ask(udp), { said: first, peer: web[0] }, 'answers still come from the Service');
  const throughRules = await pod.ask({ do: 'tcp', host: web[0], port: 80 });
  assert.equal(reached(throughRules.said), first, 'new connections are translated by nftables');
  const again = node.translation();
  await again.stop();
  assert.equal(again.state, 'draining', 'an agent that starts in the other mode lets them drain');
  objects.put(slice('web', [second]));
  await node.networkWith(again).load();
  const aborted = await pod.ask(udp);
  assert.equal(aborted.failed, 'ECONNABORTED', 'their endpoints still end as they should');
  await again.start();
  await node.networkWith(again).load();
  assert.equal((await pod.ask({ do: 'udp', connected: true, host: web[0], port: 53 })).said, second);
  await again.stop();
  assert.equal(again.state, 'draining');
  await pod.end();
  await until(async () => {
    await again.adopt(new Map());
    return again.state === 'off';
  });
  assert.deepEqual(readdirSync(node.pins), []);
});

test('maps of another version are replaced, and pods are translated by the new ones', async context => {
  const node = await withServers(context);
  const { objects, places, worker } = node;
  objects.put(service('web', web), slice('web', places[4]));
  const old = node.translation();
  await old.start();
  await node.networkWith(old).load();
  const file = new URL('../../build/bpf/packet-count.o', import.meta.url).pathname;
  for (const map of ['udp_peers', 'frontends']) {
    const pin = `${node.pins}/${map}`;
    await worker.unpinBpf([pin]);
    await worker.installBpf({ file, maps: { packet_count: { pin } }, attachments: [] });
  }
  const translation = node.translation();
  const pod = await node.pod(node.client);
  await translation.start();
  await node.networkWith(translation).load();
  await node.kernel.nft('flush chain inet fairlead-services inside');
  const tcp = await pod.ask({ do: 'tcp', host: web[0], port: 80 });
  assert.ok(places[4].includes(reached(tcp.said)), JSON.stringify(tcp));
  assert.equal(tcp.peer, web[0]);
});

test('what a pod leaves in the maps goes with the pod, and does not hold up a switch', async context => {
  const node = await withServers(context);
  const { objects, places, worker } = node;
  objects.put(service('web', web), slice('web', places[4]));
  const translation = node.translation();
  const pod = await node.pod(node.client);
  await translation.start();
  const network = node.networkWith(translation);
  await network.load();
  const kept = { do: 'tcp', host: web[0], port: 80, keep: 'kept' } as const;
  await pod.ask(kept);
  const pin = `${node.pins}/tcp_peers`;
  const { keys, values } = await worker.readBpfMap(pin);
  assert.equal(keys.length, 8, 'one socket');
  // As of a socket that was closed without the hooks, in a namespace that there is no more.
  const left = Uint8Array.from(values);
  new DataView(left.buffer).setBigUint64(40, 1n << 60n, true);
  await worker.changeBpfMaps([{ pin, set: { keys: new Uint8Array(8).fill(255), values: left } }]);
  await network.reconcile();
  await network.reconcile();
  assert.deepEqual(
    Buffer.from((await worker.readBpfMap(pin)).keys),
    Buffer.from(keys),
    'the pod has its own',
  );
  assert.equal((await pod.ask(kept)).peer, web[0]);
  await worker.changeBpfMaps([{ pin, set: { keys: new Uint8Array(8).fill(255), values: left } }]);
  await pod.end();
  await translation.stop();
  await until(async () => {
    await translation.adopt(new Map());
    return translation.state === 'off';
  });
});

test('3,000 Services grow the maps, and one that changes writes its own entries alone', async context => {
  const node = await withServers(context);
  const { objects, places } = node;
  const count = 3000;
  const one = { ports: [{ name: 'http', port: 80 }] };
  for (let index = 0; index < count; index++) {
    objects.put(
      service(`s${index}`, [`10.96.${100 + (index >> 8)}.${index & 255}`], one),
      slice(`s${index}`, places[4].slice(0, 6)),
    );
  }
  let written = 0;
  let read = 0;
  const translation = node.translation(worker => ({
    readBpfMap: pin => ((read += pin.endsWith('peers') ? 0 : 1), worker.readBpfMap(pin)),
    changeBpfMaps: changes => {
      for (const { remove, set } of changes) written += (remove?.length ?? 0) + (set?.keys.length ?? 0);
      return worker.changeBpfMaps(changes);
    },
  }));
  const pod = await node.pod(node.client);
  await translation.start();
  const network = node.networkWith(translation);
  await network.load();
  assert.deepEqual(translation.counts(), { frontends: count, left: 0 });
  [written, read] = [0, 0];
  objects.put(slice('s9', places[4].slice(6)));
  await network.change('shop/s9');
  assert.ok(written < 1000, `${written} bytes of keys are written`);
  assert.equal(read, 0, 'nothing is listed');
  await node.kernel.nft('flush chain inet fairlead-services inside');
  const ask = async (host: string) => reached((await pod.ask({ do: 'tcp', host, port: 80 })).said);
  assert.ok(places[4].slice(6).includes(await ask('10.96.100.9')));
  assert.ok(places[4].slice(0, 6).includes(await ask('10.96.110.15')));
});

test('hooks that cannot be told of a change are given up, and nftables translates', async context => {
  const node = await withServers(context);
  const { objects, places } = node;
  const [first = '', second = ''] = places[4];
  objects.put(service('web', web), slice('web', [first]));
  let isBroken = false;
  const translation = node.translation(worker => ({
    changeBpfMaps: changes =>
      isBroken ? Promise.reject(new Error('no memory')) : worker.changeBpfMaps(changes),
  }));
  const told: unknown[] = [];
  const pod = await node.pod(node.client);
  await translation.start();
  const network = node.networkWith(translation, node.objects, error => told.push(error));
  await network.load();
  isBroken = true;
  objects.put(slice('web', [second]));
  await network.change('shop/web');
  assert.match(String(told[0]), /no memory/);
  assert.notEqual(translation.state, 'on');
  // The kernel ends an attachment a moment after its pin is taken away.
  await until(async () => reached((await pod.ask({ do: 'tcp', host: web[0], port: 80 })).said) === second);
});

test('what is in the namespace of the node itself is left to nftables', async context => {
  const node = await withServers(context);
  const { objects, places } = node;
  const one = slice('web', places[4]);
  // Of other nodes, so that nobody may meet himself: that alone would be left to nftables, too.
  const endpoints = one.endpoints?.map(endpoint => ({ ...endpoint, nodeName: 'node-2' })) ?? [];
  objects.put(service('web', web), { ...one, endpoints });
  const pod = await node.pod(node.client);
  const peersWith = async (translation: ReturnType<typeof node.translation>, keep: string) => {
    await translation.start();
    await node.networkWith(translation).load();
    const { said } = await pod.ask({ do: 'tcp', host: web[0], port: 80, keep });
    assert.ok(places[4].includes(reached(said)), said);
    return (await node.worker.readBpfMap(`${node.pins}/tcp_peers`)).keys.length;
  };
  const inNode = node.translation(worker => ({
    // The pod stands in for a program with the node's network.
    namespaceCookie: async () => {
      const [found] = await worker.podNamespaces(node.cgroup);
      assert.ok(found);
      return found.cookie;
    },
  }));
  assert.equal(await peersWith(inNode, 'of the node'), 0);
  assert.equal(await peersWith(node.translation(), 'of the pod'), 8, 'one of a pod is led by its socket');
});

test('backends of a route get connections by their weights, at sockets and by the rules', async context => {
  const node = await withServers(context);
  const { objects, places } = node;
  const [seldom = '', often = ''] = places[4];
  const address = parseAddress('172.30.200.7');
  assert.ok(address);
  const endpointAt = (text: string): Endpoint => ({
    address: parseAddress(text) ?? address,
    port: serverPort,
    ready: true,
    serving: true,
    terminating: false,
    nodeName: 'node-1',
    pod: undefined,
    provenance: route,
  });
  const route = {
    kind: 'TCPRoute',
    namespace: 'shop',
    name: 'db',
    uid: '',
    generation: 1,
    field: 'spec.rules[0]',
  };
  const weighted: WeightedService = {
    key: 'TCPRoute/shop/db',
    age: '',
    route,
    frontends: [{ address, protocol: 'TCP', port: 5432, externalPolicy: 'Local' }],
    backends: [
      { weight: 1, endpoints: [endpointAt(seldom)] },
      { weight: 9, endpoints: [endpointAt(often)] },
    ],
  };
  const translation = node.translation();
  const pod = await node.pod(node.client);
  await translation.start();
  const network = node.networkWith(translation, {
    keys: () => [...objects.keys(), weighted.key],
    service: key => objects.service(key),
    slices: key => objects.slices(key),
    weighted: key => (key === weighted.key ? weighted : undefined),
  });
  await network.load();
  for (const mode of ['ebpf', 'nftables']) {
    const counts = new Map<string, number>();
    for (let turn = 0; turn < 20; turn++) {
      const answers = await Promise.all(
        Array.from({ length: 20 }, () =>
          pod.ask({ do: 'tcp', host: '172.30.200.7', port: 5432, milliseconds: 20_000 }),
        ),
      );
      for (const { said } of answers) counts.set(reached(said), (counts.get(reached(said)) ?? 0) + 1);
    }
    const few = counts.get(seldom) ?? 0;
    assert.equal(few + (counts.get(often) ?? 0), 400, JSON.stringify([...counts]));
    // Of 400 with a likelihood of a tenth: beyond these lies one in a million.
    assert.ok(few > 13 && few < 72, `${few} of 400 connections in mode ${mode}`);
    await translation.stop();
  }
});
