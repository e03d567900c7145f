import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import { after, before, test } from 'node:test';
import { Nft } from '../../src/kernel/nft/index.ts';
import { bindUdpIn, createNamespace, deleteNamespace, listenIn } from '../../src/kernel/ns/index.ts';
import { resolveName, sendDatagram, sendRequest } from '../../src/probe/index.ts';

/** What a request, a datagram and a question from a network namespace come to. */
const name = `fairlead-probe-${process.pid}`;
const timeoutMilliseconds = 700;
const dns = createSocket('udp4');
let namespacePath: string;
let server: Server;
let requestId: string | undefined;

before(async () => {
  namespacePath = createNamespace(name);
  server = createServer((request, response) => {
    requestId = String(request.headers['x-request-id']);
    response.writeHead(418, { 'x-from': 'there' }).end('a body that nobody reads');
  });
  server.listen({ fd: listenIn(namespacePath, { host: '127.0.0.1', port: 80 }) });
  await once(server, 'listening');
  using nft = Nft.open(namespacePath);
  nft.run(`add table inet t
    add chain inet t out { type filter hook output priority 0 ; }
    add rule inet t out meta l4proto { tcp, udp } th dport 81 drop
    add rule inet t out tcp dport 82 reject with icmpx type admin-prohibited\n`);
  // Knows one name alone, and is silent about another.
  dns.on('message', (question, { address, port }) => {
    const labels = question.toString('latin1', 12);
    if (labels.includes('silent')) return;
    const answer = Buffer.from(question);
    const isKnown = labels.startsWith('\x03web\x04shop') && question.at(-3) === 1;
    answer.writeUInt16BE(isKnown ? 0x8180 : 0x8183, 2);
    const record = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 5, 0, 4, 10, 96, 0, 1]);
    if (isKnown) answer.writeUInt16BE(1, 6);
    dns.send(isKnown ? Buffer.concat([answer, record]) : answer, port, address);
  });
  const fd = bindUdpIn(namespacePath, { host: '127.0.0.1', port: 53 });
  await new Promise<void>(resolve => dns.bind({ fd }, resolve));
});

after(() => {
  dns.close();
  server.close();
  server.closeAllConnections();
  deleteNamespace(name);
});

const to = (port: number, address = '127.0.0.1') => ({ namespacePath, address, port, timeoutMilliseconds });

test('a request is answered, and its own end is told for those who look for it', async () => {
  const seen: number[] = [];
  const exchange = await sendRequest({
    ...to(80),
    http: {
      scheme: 'http',
      host: 'web',
      method: 'GET',
      path: '/',
      headers: [
        { name: 'Host', value: 'web' },
        { name: 'X-Request-Id', value: 'probe-1' },
      ],
      authorities: [],
    },
    whileOpen: ({ port }) => {
      seen.push(port);
      return Promise.resolve();
    },
  });
  assert.equal(exchange.outcome, 'connected');
  assert.equal(exchange.response?.status, 418);
  assert.equal(exchange.response.headers['x-from'], 'there');
  assert.equal(requestId, 'probe-1');
  assert.deepEqual(seen, [exchange.local?.port]);
});

test('a refusal, silence and a way that is not there are told apart', async () => {
  const outcomes = await Promise.all(
    [to(79), to(81), to(80, '192.0.2.1')].map(async sent => (await sendRequest(sent)).outcome),
  );
  assert.deepEqual(outcomes, ['refused', 'timed-out', 'unreachable']);
});

test('TLS with a server that has none fails behind the connection', async () => {
  const http = {
    scheme: 'https',
    host: 'web',
    method: 'GET',
    path: '/',
    headers: [],
    authorities: [],
  } as const;
  const exchange = await sendRequest({ ...to(80), http });
  assert.equal(exchange.outcome, 'connected');
  assert.ok(exchange.failure);
  assert.equal(exchange.response, undefined);
});

test('a datagram is answered, refused, or nothing comes', async () => {
  const outcomes = await Promise.all(
    [to(53), to(54), to(81)].map(async sent => (await sendDatagram(sent)).outcome),
  );
  assert.deepEqual(outcomes, ['connected', 'refused', 'timed-out']);
});

test('names are looked for in /etc/hosts, then by the search list, then given up where nobody answers', async () => {
  const ask = (wanted: string, nameserver = '127.0.0.1') =>
    resolveName({
      namespacePath,
      files: {
        resolvConf: `nameserver ${nameserver}\nsearch a.test shop.test\noptions ndots:5\n`,
        hosts: '# hosts\n10.0.0.7\tlocal alias\n',
      },
      name: wanted,
      timeoutMilliseconds,
      random: Math.random,
    });
  assert.deepEqual((await ask('alias')).addresses, ['10.0.0.7']);
  const found = await ask('web');
  assert.deepEqual(found.addresses, ['10.96.0.1']);
  assert.equal(found.hit, 'web.shop.test');
  assert.deepEqual(
    found.questions.map(({ name: asked, answer, type }) => [asked, type, answer?.rcode]),
    [
      ['web.a.test', 'A', 3],
      ['web.a.test', 'AAAA', 3],
      ['web.shop.test', 'A', 0],
      ['web.shop.test', 'AAAA', 3],
    ],
  );
  const silent = await ask('silent');
  assert.deepEqual(silent.addresses, []);
  assert.deepEqual(
    silent.questions.map(({ failure }) => failure),
    ['no answer', 'no answer'],
    'the next name would come to the same',
  );
});

test('where there is no way to a server or a port, that is what is told', async () => {
  for (const address of ['192.0.2.1', '2001:db8::1']) {
    assert.equal((await sendDatagram(to(9, address))).outcome, 'unreachable');
    const { questions } = await resolveName({
      namespacePath,
      files: { resolvConf: `nameserver ${address}\n`, hosts: '' },
      name: 'web.shop',
      types: ['A'],
      timeoutMilliseconds: 20_000,
      random: () => 0.5,
    });
    assert.match(questions[0]?.failure ?? '', /ENETUNREACH|EADDRNOTAVAIL/);
  }
});
