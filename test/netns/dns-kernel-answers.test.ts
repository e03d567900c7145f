/**
 * The program in the kernel and the server beside each other, question by question: what the kernel answers the server would
 * have said, octet for octet, with addresses beginning anywhere.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { before, test } from 'node:test';
import fc from 'fast-check';
import { silentLog } from '../../src/base/log.ts';
import { KernelAnswers } from '../../src/dns/apply-kernel.ts';
import { compileKernelName } from '../../src/dns/compile-kernel.ts';
import type { ClusterNames } from '../../src/dns/index.ts';
import type { NameRules } from '../../src/dns/model-rules.ts';
import { keyOfName } from '../../src/dns/wire/index.ts';
import { BpfMap, openNested } from '../../src/kernel/bpf/index.ts';
import { questionFor } from './dns-client.ts';
import { decodeMessage } from './dns-decoder.ts';
import { buildPrograms, dnsAddresses, frameOf, kernelRig } from './dns-kernel-rig.ts';
import type { KernelRig } from './dns-kernel-rig.ts';
import { answerQuery, emptyNames, put, service, slice } from '../property/dns-cluster.ts';

before(buildPrograms);

const local = 'svc.cluster.local';
const ready = { ready: true };
const endpoints = (count: number, prefix: string) =>
  Array.from({ length: count }, (_, index) => ({ addresses: [`${prefix}${index + 1}`], conditions: ready }));

function cluster(rules: Partial<NameRules> = {}): ClusterNames {
  const names = emptyNames(rules);
  for (const namespace of ['default', 'empty', 'other']) names.putNamespace(namespace);
  put(
    names,
    service('web', {
      clusterIP: '10.96.1.1',
      clusterIPs: ['10.96.1.1', 'fd00:10:96::101'],
      ports: [{ name: 'http', port: 80, protocol: 'TCP' }],
    }),
    service('old', { clusterIP: '10.96.1.2', clusterIPs: ['10.96.1.2'], ports: [{ port: 1 }] }),
    service('young', { clusterIP: 'fd00:10:96::5', clusterIPs: ['fd00:10:96::5'], ports: [{ port: 1 }] }),
    service('few', { clusterIP: 'None' }),
    service('quite-a-few', { clusterIP: 'None' }),
    service('many', { clusterIP: 'None' }),
    service('outside', { type: 'ExternalName', externalName: 'db.example.com' }),
    service('inside', { type: 'ExternalName', externalName: `web.default.${local}` }),
    service('a'.repeat(63), { clusterIP: '10.96.1.9', clusterIPs: ['10.96.1.9'] }),
    slice('few-4', 'few', {
      addressType: 'IPv4',
      endpoints: [...endpoints(2, '10.244.1.'), { addresses: ['10.244.1.9'], hostname: 'few-0' }],
      ports: [{ name: 'sql', port: 5432, protocol: 'TCP' }],
    }),
    slice('few-6', 'few', {
      addressType: 'IPv6',
      endpoints: endpoints(16, 'fd00:10:244::'),
      ports: [{ name: 'sql', port: 5432, protocol: 'TCP' }],
    }),
    slice('quite-6', 'quite-a-few', {
      addressType: 'IPv6',
      endpoints: endpoints(16, 'fd00:10:244::'),
      ports: [],
    }),
    slice('many-4', 'many', { addressType: 'IPv4', endpoints: endpoints(17, '10.244.2.'), ports: [] }),
    slice('web-4', 'web', { addressType: 'IPv4', endpoints: endpoints(2, '10.244.3.'), ports: [] }),
  );
  names.isComplete = true;
  return names;
}

/** All that the server may say to it: one message for each address that it may begin with. */
function said(names: ClusterNames, message: Buffer): readonly Buffer[] {
  return Array.from({ length: 17 * 16 }, (_, index) => (index % 17) / 17).flatMap(random => {
    const out = Buffer.alloc(1232);
    const outcome = answerQuery(names, message, message.length, out, 'udp', () => random);
    return outcome.kind === 'answered' ? [out.subarray(0, outcome.length)] : [];
  });
}

/** Fails where the kernel answers what the server would not say; true where it answers. */
function compare(rig: KernelRig, names: ClusterNames, message: Buffer, family: 4 | 6): boolean {
  const answer = rig.ask(message, family);
  if (answer === undefined) return false;
  const wanted = said(names, message);
  if (wanted.some(each => each.equals(answer))) return true;
  const shown = wanted[0] === undefined ? 'nothing' : JSON.stringify(decodeMessage(wanted[0]));
  assert.fail(
    `asked ${message.toString('hex')}\nthe kernel says ${JSON.stringify(decodeMessage(answer))}\nthe server ${shown}`,
  );
}

const answered: readonly (readonly [name: string, type: string, rcode: string, answers: number])[] = [
  [`web.default.${local}`, 'A', 'NOERROR', 1],
  [`WEB.deFault.${local}`, 'AAAA', 'NOERROR', 1],
  [`old.default.${local}`, 'AAAA', 'NOERROR', 0],
  [`young.default.${local}`, 'A', 'NOERROR', 0],
  [`few.default.${local}`, 'A', 'NOERROR', 3],
  [`few-0.few.default.${local}`, 'A', 'NOERROR', 1],
  [`few-0.few.default.${local}`, 'AAAA', 'NOERROR', 0],
  [`${'a'.repeat(63)}.default.${local}`, 'A', 'NOERROR', 1],
  [`default.${local}`, 'A', 'NOERROR', 0],
  [local, 'AAAA', 'NOERROR', 0],
  ['cluster.local', 'A', 'NOERROR', 0],
  ['ns.dns.cluster.local', 'A', 'NOERROR', 1],
  [`nobody.default.${local}`, 'A', 'NXDOMAIN', 0],
  [`www.example.com.default.${local}`, 'A', 'NXDOMAIN', 0],
  [`www.example.com.${local}`, 'AAAA', 'NXDOMAIN', 0],
  ['www.example.com.cluster.local', 'A', 'NXDOMAIN', 0],
  [`web.nowhere.${local}`, 'A', 'NXDOMAIN', 0],
  [`*.default.${local}`, 'A', 'NXDOMAIN', 0],
];

for (const family of [4, 6] as const)
  test(`the kernel answers what names of the cluster are asked for, over IPv${family}`, async context => {
    const names = cluster();
    const rig = await kernelRig(context, names);
    for (const [name, type, rcode, count] of answered)
      for (const options of [{}, { size: 1232 }, { size: 4096, dnssecOk: true }]) {
        const message = questionFor(name, type, options);
        assert.ok(compare(rig, names, message, family), `${name} ${type} is answered`);
        const { rcode: found, answers } = decodeMessage(rig.ask(message, family) ?? Buffer.alloc(0));
        assert.deepEqual([found, answers.length], [rcode, count], `${name} ${type}`);
      }
  });

/** Names and questions that are the server's, and why. */
const passed: readonly (readonly [string, string, string, object?])[] = [
  ['another type', `web.default.${local}`, 'SRV'],
  ['any type', `web.default.${local}`, 'ANY'],
  ['another class', `web.default.${local}`, 'A', { class: 3 }],
  ['an alias', `inside.default.${local}`, 'A'],
  ['an alias of an outside name', `outside.default.${local}`, 'A'],
  ['an endpoint of a Service with an address', `10-244-3-1.web.default.${local}`, 'A'],
  ['none of them', `10-244-3-9.web.default.${local}`, 'A'],
  ['a pod', '10-244-3-1.default.pod.cluster.local', 'A'],
  ['another version of EDNS', `web.default.${local}`, 'A', { size: 1232, version: 1 }],
  ['more addresses than there is room for', `many.default.${local}`, 'A'],
  ['an answer that is long', `quite-a-few.default.${local}`, 'AAAA', { size: 1232 }],
  ['an outside name', 'www.example.com', 'A'],
  ['a longer zone', 'web.default.svc.cluster.local.example', 'A'],
  ['the root', '', 'A'],
];

test('what is not plainly the kernel’s goes on to the server, untouched', async context => {
  const rig = await kernelRig(context, cluster());
  for (const [why, name, type, options] of passed)
    assert.equal(rig.ask(questionFor(name, type, options)), undefined, why);
  const { unknown, 'other-type': types, 'no-room': room } = rig.answers.counts()?.[0].passed ?? {};
  assert.deepEqual([types, room], [2, 1]);
  assert.ok((unknown ?? 0) >= 7, 'and is counted by why');
  rig.allow(2);
  assert.equal(
    rig.ask(questionFor(`web.default.${local}`, 'A')),
    undefined,
    'a pod that may not ask by IPv4',
  );
  assert.ok(rig.ask(questionFor(`web.default.${local}`, 'A'), 6), 'but by IPv6');
});

const types = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom(1, 28) },
  { weight: 1, arbitrary: fc.constantFrom(2, 5, 6, 12, 16, 33, 41, 65, 252, 255) },
);
const label = fc.oneof(
  fc.constantFrom('web', 'old', 'few', 'few-0', 'many', 'default', 'empty', 'svc', 'pod', 'cluster', 'local'),
  fc.constantFrom(
    '10-244-1-1',
    '_http',
    '_tcp',
    '_sql',
    'www',
    'example',
    'com',
    'ns',
    'dns',
    'a'.repeat(63),
  ),
  fc
    .uint8Array({ minLength: 1, maxLength: 12 })
    .map(octets => Buffer.from(octets).toString('latin1').replaceAll('.', '-')),
);
const ends = fc.constantFrom(
  `.default.${local}`,
  `.${local}`,
  `.web.default.${local}`,
  '.cluster.local',
  '.default.pod.cluster.local',
  `.other.${local}`,
  '.example.com',
  '',
);
const known = fc.constantFrom(...answered.map(([name]) => name));
const name = fc.oneof(
  known,
  fc
    .tuple(fc.array(label, { minLength: 1, maxLength: 5 }), ends)
    .map(([labels, end]) => labels.join('.') + end),
);
const options = fc.array(
  fc.tuple(fc.nat(20), fc.uint8Array({ maxLength: 9 })).map(([code, octets]) => {
    const head = Buffer.alloc(4);
    head.writeUInt16BE(code, 0);
    head.writeUInt16BE(octets.length, 2);
    return Buffer.concat([head, octets]);
  }),
  { maxLength: 5 },
);
const question = fc
  .record({
    name,
    cases: fc.array(fc.boolean(), { minLength: 1, maxLength: 16 }),
    type: types,
    class: fc.oneof({ weight: 20, arbitrary: fc.constant(1) }, { weight: 1, arbitrary: fc.nat(300) }),
    id: fc.nat(0xffff),
    bits: fc.oneof(fc.constant(0x0100), fc.integer({ min: 0, max: 0x07ff }), fc.nat(0xffff)),
    edns: fc.option(
      fc.record({
        size: fc.oneof(fc.constantFrom(0, 511, 512, 513, 600, 1232, 4096), fc.nat(0xffff)),
        version: fc.oneof({ weight: 20, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(255) }),
        flags: fc.oneof(fc.constantFrom(0, 0x8000), fc.nat(0xffff)),
        options,
      }),
      { nil: undefined },
    ),
    behind: fc.oneof({ weight: 20, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(20) }),
  })
  .map(({ name: text, cases, type, class: number, id, bits, edns, behind }) => {
    const spelt = Array.from(text)
      .map((letter, at) => (cases[at % cases.length] === true ? letter.toUpperCase() : letter))
      .join('');
    const size = edns === undefined ? {} : { size: edns.size, version: edns.version };
    const message = questionFor(spelt, String(type), { id, class: number, ...size });
    message.writeUInt16BE(bits, 2);
    const tail = Buffer.concat(edns === undefined ? [] : edns.options);
    if (edns !== undefined) {
      message.writeUInt16BE(edns.flags, message.length - 4);
      message.writeUInt16BE(tail.length, message.length - 2);
    }
    return Buffer.concat([message, tail, Buffer.alloc(behind)]);
  })
  .filter(message => message.length <= 1200);
const family = fc.constantFrom<4 | 6>(4, 6);

test('random names, types, cases, flags and options are answered as by the server, or left to it', async context => {
  for (const rules of [
    {},
    { pods: 'disabled', ttl: 30, negativeTtl: 7 },
    { zonal: true, endpoints: false },
  ] as const) {
    const names = cluster(rules);
    const rig = await kernelRig(context, names);
    let count = 0;
    fc.assert(
      fc.property(question, family, (message, by) => {
        if (compare(rig, names, message, by)) count++;
      }),
      { numRuns: 1500 },
    );
    assert.ok(count > 400, `the kernel answered ${count} of 1500`);
  }
});

test('the comparison sees one address that is another, one name more and one less', async context => {
  const names = cluster();
  const rig = await kernelRig(context, names);
  // Each name often enough that no mutation is missed by chance.
  const near = fc
    .tuple(fc.constantFrom(...answered.map(([each]) => each), `www.${local}`), fc.constantFrom('A', 'AAAA'))
    .map(([each, type]) => questionFor(each, type));
  const differs = (others: ClusterNames) => {
    const run = fc.check(
      fc.property(fc.oneof(question, near), family, (message, by) => {
        compare(rig, others, message, by);
      }),
      { numRuns: 4000, endOnFailure: true },
    );
    return run.failed;
  };
  const mutations: readonly ((others: ClusterNames) => void)[] = [
    others => put(others, service('old', { clusterIP: '10.96.1.3', clusterIPs: ['10.96.1.3'] })),
    others => others.setService('default', 'web', undefined),
    others => others.putNamespace('www'),
  ];
  for (const [index, mutate] of mutations.entries()) {
    const others = cluster();
    mutate(others);
    assert.ok(differs(others), `mutation ${index}`);
  }
});

test('each change of a name is in the kernel before the next turn is over', async context => {
  const names = cluster();
  const rig = await kernelRig(context, names);
  const ask = (of: string, type = 'A') => {
    const answer = rig.ask(questionFor(`${of}.default.${local}`, type));
    if (answer === undefined) return 'the server';
    const { rcode, answers } = decodeMessage(answer);
    return [rcode, ...answers.map(({ data }) => data).toSorted()].join(' ');
  };
  const change = async (
    ...objects: Parameters<typeof put> extends [unknown, ...infer Rest] ? Rest : never
  ) => {
    put(names, ...objects);
    await rig.answers.settled();
  };
  assert.equal(ask('new'), 'NXDOMAIN');
  await change(service('new', { clusterIP: '10.96.2.1', clusterIPs: ['10.96.2.1'] }));
  assert.equal(ask('new'), 'NOERROR 10.96.2.1');
  await change(service('new', { clusterIP: 'None' }));
  assert.equal(ask('new'), 'NXDOMAIN', 'without endpoints');
  await change(
    slice('new-1', 'new', { addressType: 'IPv4', endpoints: endpoints(3, '10.244.7.'), ports: [] }),
  );
  assert.equal(ask('new'), 'NOERROR 10.244.7.1 10.244.7.2 10.244.7.3');
  await change(
    slice('new-1', 'new', { addressType: 'IPv4', endpoints: endpoints(1, '10.244.7.'), ports: [] }),
  );
  assert.equal(ask('new'), 'NOERROR 10.244.7.1');
  assert.equal(ask('10-244-7-1.new'), 'NOERROR 10.244.7.1');
  names.setService('default', 'new', undefined);
  await rig.answers.settled();
  assert.equal(ask('new'), 'NXDOMAIN');
  const more = Array.from({ length: 3000 }, (_, index) =>
    service(`more-${index}`, { clusterIP: '10.96.3.1', clusterIPs: ['10.96.3.1'] }),
  );
  await change(...more);
  const deadline = performance.now() + 20_000;
  while (ask('more-2999') !== 'NOERROR 10.96.3.1') {
    assert.ok(performance.now() < deadline, 'the maps grow with the names');
    await new Promise(resolve => setTimeout(resolve, 20));
  }
  assert.equal(ask('more-3000'), 'NXDOMAIN');
  assert.equal(ask('web', 'AAAA'), 'NOERROR fd00:10:96:0:0:0:0:101');
});

test('a configuration or a waiting policy takes names from the kernel at once, and gives them back', async context => {
  const names = cluster();
  let held = new Set<string>();
  const rig = await kernelRig(context, names, { isHeld: asked => held.has(asked) });
  const web = questionFor(`web.default.${local}`, 'A');
  const source = { names, isPlain: true, isSynced: true, autopath: false, largest: 1232 };
  assert.ok(rig.ask(web));
  rig.answers.use({ ...source, isPlain: false });
  assert.equal(rig.ask(web), undefined, 'an access list, rewriting, hosts or a log');
  rig.answers.use(source);
  assert.ok(rig.ask(web));
  held = new Set([`web.default.${local}`]);
  rig.answers.heldChanged();
  await rig.answers.settled();
  assert.equal(rig.ask(web), undefined, 'a policy waits for its addresses');
  assert.ok(rig.ask(questionFor(`old.default.${local}`, 'A')));
  held = new Set();
  rig.answers.heldChanged();
  await rig.answers.settled();
  assert.ok(rig.ask(web));
  const other = cluster({ ttl: 60 });
  rig.answers.use({ ...source, names: other });
  assert.equal(rig.ask(web), undefined, 'other names count once all of them are there');
  await rig.answers.settled();
  assert.ok(compare(rig, other, web, 4));
  rig.answers.close();
  assert.ok(rig.ask(web), 'the kernel goes on without the server');
});

test('without a server the kernel goes on for an hour, and no longer', async context => {
  const names = cluster();
  const now = Number(process.hrtime.bigint() / 1_000_000_000n);
  const web = questionFor(`web.default.${local}`, 'A');
  // A server that was last here so many seconds ago.
  const isAnsweredAfter = async (seconds: number) => {
    const rig = await kernelRig(context, names, { seconds: () => now - seconds });
    return rig.ask(web) !== undefined;
  };
  assert.equal(await isAnsweredAfter(3000), true);
  assert.equal(await isAnsweredAfter(3700), false, 'what was deleted since is not answered for ever');
  let ago = 3700;
  const rig = await kernelRig(context, names, { seconds: () => now - ago });
  ago = 0;
  const deadline = performance.now() + 20_000;
  while (rig.ask(web) === undefined) {
    assert.ok(performance.now() < deadline, 'a server that lives puts the end off');
    await new Promise(resolve => setTimeout(resolve, 20));
  }
});

test('a question that meets addresses of another count than its name says is the server’s', async context => {
  const names = cluster();
  const rig = await kernelRig(context, names);
  const few = questionFor(`few.default.${local}`, 'A');
  assert.equal(decodeMessage(rig.ask(few) ?? Buffer.alloc(0)).answers.length, 3);
  // As it is between the two writes of an endpoint that goes.
  put(names, slice('few-4', 'few', { addressType: 'IPv4', endpoints: endpoints(2, '10.244.1.'), ports: [] }));
  using settings = BpfMap.openPinned(join(rig.directory, 'settings'));
  const secret = settings.lookup(new Uint8Array(4))?.slice(8, 24) ?? assert.fail('no settings');
  const key = keyOfName(`few.default.${local}`);
  const next = compileKernelName(names, key, secret, false);
  assert.ok(next?.many);
  using many = BpfMap.openPinned(join(rig.directory, 'many'));
  using inner = openNested(many, 0);
  inner?.update(next.hash, next.many);
  assert.equal(rig.ask(few), undefined, 'no address of zeros');
  assert.ok((rig.answers.counts()?.[0].passed.changing ?? 0) > 0);
  await rig.answers.settled();
  assert.equal(decodeMessage(rig.ask(few) ?? Buffer.alloc(0)).answers.length, 2);
});

test('a name that a policy begins to wait for while names go into the kernel is the server’s', async context => {
  const names = cluster();
  put(
    names,
    ...Array.from({ length: 500 }, (_, index) =>
      service(`more-${index}`, { clusterIP: '10.96.3.1', clusterIPs: ['10.96.3.1'] }),
    ),
  );
  const rig = await kernelRig(context, names);
  rig.answers.close();
  const held = new Set<string>();
  const next = new KernelAnswers({
    directory: rig.directory,
    addresses: dnsAddresses,
    isHeld: asked => held.has(asked),
    confirmedAt: () => 1000,
    log: silentLog,
  });
  context.after(() => next.close());
  next.use({ names, isPlain: true, isSynced: true, autopath: false, largest: 1232 });
  // The first names were read within `use`.
  held.add(`web.default.${local}`);
  next.heldChanged();
  await next.settled();
  assert.equal(rig.ask(questionFor(`web.default.${local}`, 'A')), undefined);
  assert.ok(rig.ask(questionFor(`more-499.default.${local}`, 'A')));
});

test('a server that starts from its last state takes nothing from the kernel that is newer', async context => {
  const names = cluster();
  const rig = await kernelRig(context, names);
  put(names, service('new', { clusterIP: '10.96.2.1', clusterIPs: ['10.96.2.1'] }));
  await rig.answers.settled();
  rig.answers.close();
  const restored = cluster();
  const next = new KernelAnswers({
    directory: rig.directory,
    addresses: dnsAddresses,
    isHeld: () => false,
    confirmedAt: () => 1000,
    log: silentLog,
  });
  context.after(() => next.close());
  const source = { names: restored, isPlain: true, isSynced: false, autopath: false, largest: 1232 };
  const rcodeOf = (name: string) => {
    const answer = rig.ask(questionFor(`${name}.default.${local}`, 'A'));
    return answer === undefined ? 'the server' : decodeMessage(answer).rcode;
  };
  next.use(source);
  await next.settled();
  assert.deepEqual([rcodeOf('web'), rcodeOf('new')], ['NOERROR', 'NOERROR']);
  next.use({ ...source, isPlain: false });
  assert.equal(rcodeOf('web'), 'the server', 'a new configuration counts at once');
  next.use({ ...source, isSynced: true });
  await next.settled();
  assert.deepEqual([rcodeOf('web'), rcodeOf('new')], ['NOERROR', 'NXDOMAIN'], 'as the API server says');
});

test('what the first entry of a pod’s search list makes of a name goes to the server, where that completes lists', async context => {
  const rig = await kernelRig(context, cluster(), { autopath: true });
  const isAnswered = (name: string) => rig.ask(questionFor(name, 'A')) !== undefined;
  assert.ok(!isAnswered(`www.example.com.default.${local}`));
  assert.ok(!isAnswered(`www.example.com.DEFAULT.${local}`));
  assert.ok(!isAnswered(`nobody.default.${local}`));
  assert.ok(isAnswered(`www.example.com.other.${local}`), 'another namespace is no entry of its list');
  assert.ok(isAnswered(`www.example.com.defaul.${local}`));
  assert.ok(isAnswered(`www.example.com.${local}`), 'nor is a later entry the first');
  assert.ok(isAnswered(`web.default.${local}`), 'a name that is there');
  rig.allow(3, 'other');
  assert.ok(isAnswered(`www.example.com.default.${local}`));
});

test('random octets, broken questions and broken packets are let pass, or answered as by the server', async context => {
  const names = cluster();
  const rig = await kernelRig(context, names);
  const change = fc.record({ at: fc.nat(1000), to: fc.nat(255) });
  const broken = fc
    .tuple(question, fc.array(change, { minLength: 1, maxLength: 4 }), fc.nat(60))
    .map(([message, changes, cut]) => {
      const bytes = Buffer.from(message.subarray(0, Math.max(0, message.length - (cut > 20 ? 0 : cut))));
      for (const { at, to } of changes) if (bytes.length > 0) bytes[at % bytes.length] = to;
      return bytes;
    });
  const octets = fc.uint8Array({ maxLength: 600 }).map(each => Buffer.from(each));
  fc.assert(
    fc.property(
      fc.oneof({ weight: 3, arbitrary: broken }, { weight: 1, arbitrary: octets }),
      family,
      (message, by) => {
        compare(rig, names, message, by);
      },
    ),
    { numRuns: 4000 },
  );
  const web = frameOf(questionFor(`web.default.${local}`, 'A'), 4);
  const heads = fc.array(fc.record({ at: fc.nat(41), to: fc.nat(255) }), { minLength: 1, maxLength: 3 });
  fc.assert(
    fc.property(heads, fc.nat(web.length - 42), fc.boolean(), (changes, cut, isCut) => {
      const frame = Buffer.from(isCut ? web.subarray(0, web.length - cut) : web);
      // Sums and addresses of a sender are not looked at; what else is changed makes it no question for the server.
      const seen = changes.filter(({ at, to }) => at < frame.length && isSeen(at, to, web[at]));
      for (const { at, to } of changes) if (at < frame.length) frame[at] = to;
      const isBroken = (isCut && cut > 0) || seen.some(({ at }) => frame[at] !== web[at]);
      const verdict = verdictOf(rig, frame);
      assert.ok(
        verdict === 0 || (verdict === 7 && !isBroken),
        `verdict ${verdict} for ${frame.toString('hex')}`,
      );
    }),
    { numRuns: 3000 },
  );
});

test('packets of any other kind go on to the rules and the server', async context => {
  const rig = await kernelRig(context, cluster());
  const message = questionFor(`web.default.${local}`, 'A');
  const changed = (family: 4 | 6, change: (frame: Buffer) => Buffer | void) => {
    const frame = frameOf(message, family);
    return change(frame) ?? frame;
  };
  const inserted = (frame: Buffer, at: number, octets: readonly number[]) =>
    Buffer.concat([frame.subarray(0, at), Buffer.from(octets), frame.subarray(at)]);
  const vlan = [0x81, 0, 0, 5];
  const [ipv4, ipv6] = [14, 14];
  const rows: readonly (readonly [string, Buffer])[] = [
    ['VLAN', changed(4, frame => inserted(frame, 12, vlan))],
    ['VLAN, IPv6', changed(6, frame => inserted(frame, 12, vlan))],
    ['a first fragment', changed(4, frame => void frame.writeUInt16BE(0x2000, ipv4 + 6))],
    ['a later fragment', changed(4, frame => void frame.writeUInt16BE(0x0001, ipv4 + 6))],
    [
      'an IP option',
      changed(4, frame => {
        const longer = inserted(frame, ipv4 + 20, [1, 1, 1, 0]);
        longer[ipv4] = 0x46;
        longer.writeUInt16BE(longer.length - ipv4, ipv4 + 2);
        return longer;
      }),
    ],
    [
      'an extension header',
      changed(6, frame => {
        const longer = inserted(frame, ipv6 + 40, [17, 0, 1, 4, 0, 0, 0, 0]);
        longer[ipv6 + 6] = 0;
        longer.writeUInt16BE(longer.length - ipv6 - 40, ipv6 + 4);
        return longer;
      }),
    ],
    ['another address', changed(4, frame => void frame.writeUInt8(11, ipv4 + 19))],
    ['another address, IPv6', changed(6, frame => void frame.writeUInt8(11, ipv6 + 39))],
    ['another port', changed(4, frame => void frame.writeUInt16BE(5353, ipv4 + 22))],
    ['another port, IPv6', changed(6, frame => void frame.writeUInt16BE(5353, ipv6 + 42))],
    ['TCP', changed(4, frame => void frame.writeUInt8(6, ipv4 + 9))],
    ['IPv6 without a checksum', changed(6, frame => void frame.writeUInt16BE(0, ipv6 + 46))],
    ['octets behind the packet', changed(4, frame => Buffer.concat([frame, Buffer.alloc(4)]))],
    ['another host’s', changed(4, frame => void frame.writeUInt8(2, 0))],
  ];
  for (const family of [4, 6] as const) assert.equal(rig.run(frameOf(message, family)).verdict, 7);
  for (const [what, frame] of rows) {
    const { verdict, frame: out } = rig.run(frame);
    assert.equal(verdict, 0, what);
    assert.deepEqual(Buffer.from(out), frame, `${what} is left as it is`);
  }
});

/** 0, too, for what the kernel does not take for a frame at all. */
function verdictOf(rig: KernelRig, frame: Buffer): number {
  try {
    return rig.run(frame).verdict;
  } catch (error) {
    assert.equal((error as { readonly errno?: unknown }).errno, 'EINVAL');
    return 0;
  }
}

/** Octets of Ethernet, IPv4 and UDP that say what the packet is, and whether this value of one makes it another. */
function isSeen(at: number, to: number, before: number | undefined): boolean {
  if (to === before) return false;
  const [version, protocol] = [14, 23];
  const isDestination = at >= 30 && at < 34;
  const isPort = at === 36 || at === 37;
  const isLength = at === 16 || at === 17 || at === 38 || at === 39;
  return isLength || at === version || at === protocol || at === 12 || at === 13 || isDestination || isPort;
}
