import assert from 'node:assert/strict';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { FairleadError } from '../../src/base/errors.ts';
import { silentLog } from '../../src/base/log.ts';
import { defaultConfig, defaultForward } from '../../src/dns/config/config.ts';
import { loadConfig, watchConfig } from '../../src/dns/config/load-config.ts';
import { parseYaml } from '../../src/dns/config/parse-yaml.ts';
import { readConfig } from '../../src/dns/config/read-config.ts';

const read = (text: string, files: Readonly<Record<string, string>> = {}) =>
  readConfig(parseYaml(text), path => files[path]);

/** What is refused, and where: text, line, column, field, words of the sentence. */
const refused: readonly (readonly [string, number, number, string, RegExp])[] = [
  ['forwards: []', 1, 1, 'forwards', /no key "forwards".*kubernetes/],
  ['cache:\n  entires: 5', 2, 3, 'cache.entires', /no key "entires"/],
  ['cache:\n  entries: 5\n  entries: 6', 3, 3, 'cache.entries', /twice/],
  ['cache: {entries: many}', 1, 18, 'cache.entries', /whole number/],
  ['cache: {entries: -1}', 1, 18, 'cache.entries', /from 1 to/],
  ['kubernetes:\n  ttl: 3601', 2, 8, 'kubernetes.ttl', /from 0 to 3600/],
  ['kubernetes:\n  pods: maybe', 2, 9, 'kubernetes.pods', /disabled, insecure, verified/],
  ['kubernetes: {labels: "a in"}', 1, 22, 'kubernetes.labels', /label selector/],
  ['forward: [{to: [resolver.test]}]', 1, 17, 'forward[0].to[0]', /address/],
  ['forward: [{to: ["1.1.1.1:70000"]}]', 1, 17, 'forward[0].to[0]', /address/],
  ['forward: [{to: [/none]}]', 1, 17, 'forward[0].to[0]', /cannot be read/],
  ['forward: [{to: []}]', 1, 11, 'forward[0]', /1 to 15/],
  ['forward: [{zones: [a..b], to: [1.1.1.1]}]', 1, 20, 'forward[0].zones[0]', /domain name/],
  ['forward: {to: [1.1.1.1]}', 1, 10, 'forward', /list/],
  ['rewrite: [{match: regex, from: "(", to: a}]', 1, 11, 'rewrite[0]', /pattern/],
  ['rewrite: [{to: a}]', 1, 11, 'rewrite[0]', /what is rewritten/],
  ['acl: [{action: allow, from: [10.0.0.1/8]}]', 1, 30, 'acl[0].from[0]', /prefix/],
  ['acl: [{action: forbid}]', 1, 16, 'acl[0].action', /allow, block/],
  ['log: yes please', 1, 6, 'log', /none, all/],
  ['limits: 5', 1, 9, 'limits', /map/],
  ['a: &x 1\nb: *x', 1, 1, '', /references/],
  ['- 1', 1, 1, '', /map/],
  ['a: [', 1, 5, '', /./],
  ['x: {'.repeat(40) + '}'.repeat(40), 1, 0, '', /nested|map/],
];

for (const [text, line, column, field, sentence] of refused) {
  test(`"${text.slice(0, 40).replaceAll('\n', '↵')}" is refused, with its place`, () => {
    assert.throws(
      () => read(text),
      error => {
        assert.ok(error instanceof FairleadError && error.code === 'dns/bad-config');
        assert.match(error.message, sentence);
        const place = column === 0 ? `line ${line}, column ` : `line ${line}, column ${column}:`;
        if (field !== '') assert.ok(error.message.startsWith(place), error.message);
        if (field !== '') assert.equal(error.field, field);
        return true;
      },
    );
  });
}

test('an empty file is the default, and false takes a part out', () => {
  for (const text of ['', '---', '# nothing', 'kubernetes:', '{}'])
    assert.deepEqual(read(text), defaultConfig);
  assert.equal(read('cache: false').cache, undefined);
});

test('everything that can be said is taken', () => {
  const config = read(
    `kubernetes: {ttl: 30, negativeTtl: 3, pods: verified, endpointPodNames: true, endpoints: true, clusterEndpoints: false,
  ignoreEmptyServices: true, zonal: true, namespaces: [default], labels: "app=web", namespaceLabels: "team in (a, b)",
  fallthrough: [In-Addr.arpa., ip6.arpa], transferTo: [10.0.0.0/8, "fd00::1"]}
forward:
  - {to: [/etc/resolv.conf, "[2001:db8::1]:5353"], policy: round_robin, except: [internal.test]}
  - {zones: [corp.test], to: [192.0.2.9], forceTcp: true, maxFails: 0, healthCheckSeconds: 1, timeoutSeconds: 2, maxConcurrent: 7, randomCase: true}
cache: {entries: 10, bytes: 100000, maxTtl: 60, maxNegativeTtl: 30, minTtl: 0, failureTtl: 0, serveStale: 0, prefetchHits: 5, prefetchPercent: 20, except: [a.test]}
hosts: {file: /etc/hosts, ttl: 5, reverse: false, entries: [{name: a.test, addresses: [192.0.2.1]}]}
rewrite: [{match: regex, from: 'a(.)', to: 'b{1}', continue: true}]
acl: [{action: block, zones: [x.test], types: [aaaa, TYPE65], from: [10.1.2.3]}]
log: denial
loopDetection: false
lameduckSeconds: 5
limits: {tcpConnections: 5, tcpConnectionsPerClient: 2, tcpIdleSeconds: 3, udpSize: 512}
`,
    { '/etc/resolv.conf': '# x\nnameserver 192.0.2.53\nsearch a\nnameserver 2001:db8::53\n' },
  );
  assert.deepEqual(config.forward[0], {
    ...defaultForward,
    policy: 'round_robin',
    except: ['internal.test'],
    to: [
      { host: '192.0.2.53', port: 53 },
      { host: '2001:db8::53', port: 53 },
      { host: '2001:db8::1', port: 5353 },
    ],
  });
  assert.deepEqual(config.rules.fallthrough, ['in-addr.arpa', 'ip6.arpa']);
  assert.equal(config.transferTo.length, 2);
  assert.deepEqual(config.acl[0]?.types, ['AAAA', 'TYPE65']);
  assert.equal(config.limits.udpSize, 512);
});

test('a file that is there and cannot be read is refused, and no default in its place', async context => {
  const directory = mkdtempSync(join(tmpdir(), 'fairlead-dns-config-'));
  context.after(() => rmSync(directory, { recursive: true }));
  await assert.rejects(loadConfig(directory, false), { code: 'dns/bad-config' });
  const file = join(directory, 'dns.yaml');
  writeFileSync(file, '#'.repeat(5 * 1024 * 1024));
  await assert.rejects(loadConfig(file, false), { code: 'dns/bad-config' });
  assert.equal((await loadConfig(join(directory, 'none.yaml'), false)).config, defaultConfig);
});

test('a file that changes before it is watched, or while it is read, is taken', async context => {
  const directory = mkdtempSync(join(tmpdir(), 'fairlead-dns-config-'));
  const file = join(directory, 'dns.yaml');
  writeFileSync(file, 'log: all\n');
  const reading = loadConfig(file, true);
  writeFileSync(`${file}.new`, 'log: error\n');
  renameSync(`${file}.new`, file);
  const current = await reading;
  assert.equal(current.config.log, 'all');
  const taken = Promise.withResolvers<string>();
  const unwatch = watchConfig({
    file,
    isNeeded: true,
    current,
    take: ({ config }) => taken.resolve(config.log),
    onFailure: () => taken.reject(new Error('it is refused')),
    log: silentLog,
  });
  context.after(() => {
    unwatch();
    rmSync(directory, { recursive: true });
  });
  assert.equal(await taken.promise, 'error');
});
