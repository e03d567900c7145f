import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { defaultForward } from '../../src/dns/config/config.ts';
import type { ForwardConfig } from '../../src/dns/config/config.ts';
import { ForwardZone } from '../../src/dns/forward/forward-zone.ts';
import type { UpstreamQuestion } from '../../src/dns/forward/upstream-message.ts';
import { keyOfName } from '../../src/dns/wire/index.ts';
import { addressRecord, answerTo, startUpstream } from '../netns/dns-upstream.ts';
import type { Behaviour, FakeUpstream } from '../netns/dns-upstream.ts';

const name = 'www.example.com';
const question: UpstreamQuestion = {
  key: keyOfName(name),
  type: 1,
  recursionDesired: true,
  checkingDisabled: false,
  dnssecOk: true,
};
const good: Behaviour = asked => [answerTo(asked, { answers: [addressRecord(name, '192.0.2.1')] })];
const servfail: Behaviour = asked => [answerTo(asked, { rcode: 2 })];
const silent: Behaviour = () => [];

function zoneOf(context: TestContext, to: readonly FakeUpstream[], config: Partial<ForwardConfig> = {}) {
  const counts = { probes: 0, alive: 0, broken: 0, rejected: 0, reused: 0 };
  const zone = new ForwardZone({
    config: { ...defaultForward, to, policy: 'sequential', timeoutSeconds: 20, ...config },
    random: Math.random,
    now: () => performance.now(),
    observer: {
      answered: () => undefined,
      connected: (_, __, isReused) => {
        if (isReused) counts.reused++;
      },
      probed: (_, isAlive) => {
        counts.probes++;
        if (isAlive) counts.alive++;
      },
      allBroken: () => counts.broken++,
      rejected: () => counts.rejected++,
    },
  });
  context.after(() => zone.close());
  return { zone, counts };
}

async function rcodeOf(asking: ReturnType<ForwardZone['ask']>): Promise<number | string> {
  const found = await asking;
  return found.kind === 'answered' ? found.message.readUInt8(3) & 0xf : found.kind;
}

async function until(what: string, isSo: () => boolean): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!isSo()) {
    assert.ok(performance.now() < deadline, `it never comes to ${what}`);
    await new Promise(resolve => setTimeout(resolve, 5));
  }
}

test('an upstream is asked with EDNS, DO, and an id and a port that nobody can guess', async context => {
  const there = await startUpstream(context, good);
  const { zone } = zoneOf(context, [there]);
  for (let round = 0; round < 8; round++) assert.equal(await rcodeOf(zone.ask(question)), 0);
  const ids = new Set(there.asked.map(message => message.readUInt16BE(0)));
  assert.ok(ids.size > 6, 'ids differ');
  const [first] = there.asked;
  assert.ok(first !== undefined);
  const opt = first.subarray(-11);
  assert.deepEqual(
    [opt[0], opt.readUInt16BE(1), opt.readUInt16BE(3), opt.readUInt16BE(7)],
    [0, 41, 1232, 0x8000],
  );
});

test('an answer with another id, to another question, or that is none is not taken', async context => {
  const liar = await startUpstream(context, asked => {
    const lies = [answerTo(asked), answerTo(asked), answerTo(asked)];
    lies[0]?.writeUInt16BE(asked.readUInt16BE(0) ^ 1, 0);
    lies[1]?.write('WWW', 13, 'latin1');
    lies[2]?.writeUInt16BE(0x0100, 2);
    return [...lies, Buffer.alloc(3), answerTo(asked, { rcode: 3 })];
  });
  const { zone } = zoneOf(context, [liar]);
  assert.equal(await rcodeOf(zone.ask(question)), 3);
});

test('letters in random case have to come back as they went, where that is asked for', async context => {
  const honest = await startUpstream(context, good);
  const forgetful = await startUpstream(context, asked => {
    const answer = answerTo(asked);
    answer.write(answer.toString('latin1', 12, answer.length).toLowerCase(), 12, 'latin1');
    return [answer];
  });
  const mixed = zoneOf(context, [honest], { randomCase: true });
  assert.equal(await rcodeOf(mixed.zone.ask(question)), 0);
  const seen = honest.asked.map(message => message.toString('latin1', 12, 12 + question.key.length));
  assert.ok(seen.every(text => text.toLowerCase() === question.key));
  // Thirteen letters are all small once in eight thousand times; of four questions that is never so.
  const strict = zoneOf(context, [forgetful], { randomCase: true, timeoutSeconds: 0.1 });
  const codes = await Promise.all([1, 2, 3, 4].map(() => rcodeOf(strict.zone.ask(question))));
  assert.ok(codes.includes('failed'));
});

for (const [what, bad] of [
  ['SERVFAIL', servfail],
  ['REFUSED', (asked: Buffer) => [answerTo(asked, { rcode: 5 })]],
  ['nothing', silent],
] as const) {
  test(`where one upstream says ${what}, another is asked`, async context => {
    const [first, second] = [await startUpstream(context, bad), await startUpstream(context, good)];
    // A third of the time for an answer is what the first one has for itself.
    const { zone } = zoneOf(context, [first, second], { timeoutSeconds: 6 });
    assert.equal(await rcodeOf(zone.ask(question)), 0);
    assert.ok(first.asked.length > 0 && second.asked.length > 0);
  });
}

test('where all upstreams say SERVFAIL, that is the answer; where all are silent, there is none', async context => {
  const failing = await startUpstream(context, servfail);
  assert.equal(await rcodeOf(zoneOf(context, [failing]).zone.ask(question)), 2);
  const dead = await startUpstream(context, silent);
  assert.equal(await rcodeOf(zoneOf(context, [dead], { timeoutSeconds: 0.1 }).zone.ask(question)), 'failed');
});

test('an upstream that fails is left out, and asked again once it answers a probe', async context => {
  let isAlive = false;
  const ill = await startUpstream(context, (asked, transport) => (isAlive ? good(asked, transport) : []));
  const well = await startUpstream(context, good);
  const { zone, counts } = zoneOf(context, [ill, well]);
  const alone = zoneOf(context, [ill], { timeoutSeconds: 0.05, healthCheckSeconds: 0.05, maxFails: 1 });
  await alone.zone.ask(question);
  await until('a probe', () => alone.counts.probes > 1);
  assert.equal(alone.counts.alive, 0);
  await alone.zone.ask(question);
  assert.ok(alone.counts.broken > 0, 'it is asked all the same where there is no other');
  isAlive = true;
  await until('a good probe', () => alone.counts.alive > 0);
  assert.equal(await rcodeOf(zone.ask(question)), 0);
  assert.equal(counts.broken, 0);
});

test('what is cut by UDP is asked for again by TCP; with forceTcp UDP is not used', async context => {
  const transports: string[] = [];
  const there = await startUpstream(context, (asked, transport) => {
    transports.push(transport);
    return transport === 'udp' ? [answerTo(asked, { bits: 0x200 })] : good(asked, transport);
  });
  const found = await zoneOf(context, [there]).zone.ask(question);
  assert.ok(found.kind === 'answered' && (found.message.readUInt16BE(2) & 0x200) === 0);
  assert.deepEqual(transports, ['udp', 'tcp']);
  transports.length = 0;
  assert.equal(await rcodeOf(zoneOf(context, [there], { forceTcp: true }).zone.ask(question)), 0);
  assert.deepEqual(transports, ['tcp']);
});

test('an upstream that does not understand EDNS is asked without it', async context => {
  const old = await startUpstream(context, asked => [
    asked.readUInt16BE(10) > 0 ? answerTo(asked, { rcode: 1 }) : answerTo(asked),
  ]);
  const { zone } = zoneOf(context, [old]);
  assert.equal(await rcodeOf(zone.ask(question)), 0);
  assert.equal(await rcodeOf(zone.ask(question)), 0);
  const [first, ...later] = old.asked.map(message => message.readUInt16BE(10));
  assert.equal(first, 1);
  assert.ok(later.length >= 2 && later.every(count => count === 0));
});

test('beyond the limit of questions under way the client is sent elsewhere', async context => {
  const dead = await startUpstream(context, silent);
  const { zone, counts } = zoneOf(context, [dead], { maxConcurrent: 2, timeoutSeconds: 0.1 });
  const asked = [1, 2, 3].map(() => rcodeOf(zone.ask(question)));
  assert.deepEqual(await Promise.all(asked), ['failed', 'failed', 'busy']);
  assert.equal(counts.rejected, 1);
  assert.equal(zone.underWay, 0);
});

test('round robin goes round, sequential does not', async context => {
  const all = [await startUpstream(context, good), await startUpstream(context, good)];
  const round = zoneOf(context, all, { policy: 'round_robin' });
  for (let index = 0; index < 4; index++) await round.zone.ask(question);
  // One that is slow just now may have got company.
  assert.ok(all.every(({ asked }) => asked.length >= 2));
  const before = all[0]?.asked.length ?? 0;
  const straight = zoneOf(context, all);
  for (let index = 0; index < 4; index++) await straight.zone.ask(question);
  assert.ok((all[0]?.asked.length ?? 0) >= before + 4);
});

test('a zone has its names, without those that are excepted; the root has all', context => {
  const { zone } = zoneOf(context, [], {
    zones: ['example.com', 'b.example.com'],
    except: ['x.example.com'],
  });
  const lengthOf = (text: string) => zone.matches(keyOfName(text));
  assert.equal(lengthOf('www.example.com'), 13);
  assert.equal(lengthOf('a.b.example.com'), 15);
  assert.equal(lengthOf('a.x.example.com'), undefined);
  assert.equal(lengthOf('notexample.com'), undefined);
  assert.equal(zoneOf(context, []).zone.matches(keyOfName('anything')), 1);
});
