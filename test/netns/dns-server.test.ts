import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import type { TestContext } from 'node:test';
import { defaultForm } from '../../src/dns/index.ts';
import { paths } from '../../src/kernel/contract.ts';
import { Nft } from '../../src/kernel/nft/index.ts';
import { ask, exchangeByTcp, exchangeByUdp, questionFor } from './dns-client.ts';
import { decodeMessage } from './dns-decoder.ts';
import { addresses, startNode } from './dns-node.ts';
import type { DnsNode } from './dns-node.ts';

/** One node for all tests: `after` of the file cleans what the fixture registers. */
const cleanups: (() => unknown)[] = [];
let node: DnsNode;

before(async () => {
  const context = { after: (work: () => unknown) => void cleanups.push(work) } as TestContext;
  node = await startNode(context);
});
after(async () => {
  for (const work of cleanups) await work();
});

/** What the server prints comes by a pipe, perhaps after its answer. */
async function printed(words: string): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!node.log().includes(words)) {
    assert.ok(performance.now() < deadline, `"${words}" is not in the log:\n${node.log()}`);
    await new Promise(resolve => setTimeout(resolve, 10));
  }
}

for (const server of addresses) {
  const target = () => ({ namespace: node.pod, server });

  test(`a pod gets both addresses of a Service from ${server}, by UDP`, async () => {
    const v4 = await ask(target(), 'web.default.svc.cluster.local', 'A');
    assert.deepEqual(
      v4.answers.map(({ name, ttl, data }) => [name, ttl, data]),
      [['web.default.svc.cluster.local', 5, '10.96.7.7']],
    );
    assert.deepEqual(v4.flags, ['aa', 'rd']);
    const v6 = await ask(target(), 'web.default.svc.cluster.local', 'AAAA');
    assert.deepEqual(
      v6.answers.map(({ data }) => data),
      ['fd00:10:96:0:0:0:0:707'],
    );
  });

  test(`questions that follow each other on one TCP connection to ${server} are all answered`, async () => {
    const names = ['web', 'none', 'WEB', 'many'].map(name => `${name}.default.svc.cluster.local`);
    const answers = await exchangeByTcp(
      target(),
      names.map((name, index) => questionFor(name, 'A', { id: index })),
    );
    const decoded = answers.map(decodeMessage).toSorted((a, b) => a.id - b.id);
    assert.deepEqual(
      decoded.map(({ question, rcode, answers: found }) => [question[0]?.name, rcode, found.length]),
      [
        [names[0], 'NOERROR', 1],
        [names[1], 'NXDOMAIN', 0],
        [names[2], 'NOERROR', 1],
        [names[3], 'NOERROR', 60],
      ],
    );
  });

  test(`an answer that is too long for UDP is cut, and whole by TCP, from ${server}`, async () => {
    const cut = await ask(target(), 'many.default.svc.cluster.local', 'A');
    assert.ok(cut.flags.includes('tc'));
    assert.ok(cut.answers.length > 0 && cut.answers.length < 60);
    const more = await ask(target(), 'many.default.svc.cluster.local', 'A', { size: 4096 });
    assert.ok(more.answers.length > cut.answers.length, 'EDNS brings more');
    assert.equal(more.edns?.size, 1232);
  });
}

test('names outside the cluster are refused where no upstream is given, and the log says so once', async () => {
  const target = { namespace: node.pod, server: addresses[0] };
  for (const name of ['example.com', 'www.example.com', 'web'])
    assert.equal((await ask(target, name, 'A')).rcode, 'REFUSED');
  await printed('no upstream resolver');
  assert.equal(node.log().split('no upstream resolver').length - 1, 1);
});

test('a name that the last state does not have is absent, with the SOA that says for how long', async () => {
  const answer = await ask(
    { namespace: node.pod, server: addresses[0] },
    'none.default.svc.cluster.local',
    'A',
  );
  assert.equal(answer.rcode, 'NXDOMAIN');
  assert.deepEqual(
    answer.authorities.map(({ name, type, ttl }) => [name, type, ttl]),
    [['cluster.local', 'SOA', 5]],
  );
});

test('hundreds of questions from one socket are all answered, and none is tracked', async () => {
  const questions = Array.from({ length: 200 }, () =>
    exchangeByUdp(
      { namespace: node.pod, server: addresses[0] },
      questionFor('web.default.svc.cluster.local', 'A'),
    ),
  );
  const answers = await Promise.all(questions);
  assert.equal(answers.filter(answer => answer === undefined).length, 0);
  using nft = Nft.open(node.namespace);
  assert.match(JSON.stringify(nft.list('list table inet fairlead-dns')), /notrack/);
});

test('what is no question gets silence or the code that the RFCs name, and the server lives on', async () => {
  const target = { namespace: node.pod, server: addresses[0] };
  const silent = [
    Buffer.alloc(0),
    Buffer.from([1, 2, 3]),
    Buffer.from('ffff8180000100000000000000000100 01'.replace(' ', ''), 'hex'),
  ];
  for (const message of silent) assert.equal(await exchangeByUdp(target, message, 100), undefined);
  const cutOff = questionFor('web.default.svc.cluster.local', 'A').subarray(0, 20);
  assert.equal(decodeMessage((await exchangeByUdp(target, cutOff)) ?? Buffer.alloc(0)).rcode, 'FORMERR');
  const update = questionFor('web.default.svc.cluster.local', 'A');
  update.writeUInt16BE(5 << 11, 2);
  assert.equal(decodeMessage((await exchangeByUdp(target, update)) ?? Buffer.alloc(0)).rcode, 'NOTIMP');
  assert.equal((await ask(target, 'web.default.svc.cluster.local', 'A')).rcode, 'NOERROR');
});

test('killed with -9 while the API server is gone, it answers again from its last state', async () => {
  node.process.kill('SIGKILL');
  await once(node.process, 'exit');
  const milliseconds = await node.start();
  const answer = await ask(
    { namespace: node.pod, server: addresses[0] },
    'web.default.svc.cluster.local',
    'A',
  );
  assert.equal(answer.answers.length, 1);
  assert.ok(milliseconds < 20_000, `it took ${milliseconds} ms`);
});

test('a last state that is damaged ends no start', async () => {
  node.process.kill('SIGKILL');
  await once(node.process, 'exit');
  const input = { namespaces: ['default'], services: [null], slices: [] };
  const damaged = { format: 2, at: Date.now(), form: defaultForm, input };
  writeFileSync(`${paths.nodeState(node.cluster, 'node-1')}/dns.json`, JSON.stringify(damaged));
  await node.start();
  await printed('the last state cannot be read');
});

test('told to end, it ends', async () => {
  node.process.kill('SIGTERM');
  // A thread that waits in poll does not hold it.
  await once(node.process, 'exit', { signal: AbortSignal.timeout(20_000) });
  assert.equal(node.process.exitCode, 0);
});
