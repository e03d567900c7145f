import assert from 'node:assert/strict';
import { test } from 'node:test';
import { allChecks } from './catalogue.ts';
import { ask } from './check.ts';
import type { AuditFacts } from './facts.ts';
import { factsOfManifests } from './manifest-facts.ts';
import { openFindings, runAudit } from './run-audit.ts';
import { cases, factsOf, now, service } from './testing/cases.ts';

for (const { code, evidence, right, source, wrong } of cases)
  test(`${code}: ${allChecks.find(check => check.code === code)?.title ?? 'no such check'}`, () => {
    const check = allChecks.find(one => one.code === code);
    assert.ok(check !== undefined);
    const bad = ask(check, factsOf(wrong, source));
    assert.ok('found' in bad, JSON.stringify(bad));
    assert.ok(
      bad.found.some(found => evidence.test(found.evidence)),
      JSON.stringify(bad.found),
    );
    const good = ask(check, factsOf(right, source));
    assert.ok('found' in good, JSON.stringify(good));
    assert.deepEqual(good.found, []);
    assert.ok(good.looked > 0, 'it was looked at');
  });

test('every check has a case that it finds, and one that it does not', () => {
  assert.deepEqual(
    allChecks.filter(check => !cases.some(({ code }) => code === check.code)),
    [],
  );
  assert.equal(new Set(allChecks.map(({ code }) => code)).size, allChecks.length);
  for (const { code, item } of allChecks) assert.ok(code.startsWith(`${item}-`), code);
});

test('having nothing does not raise a score', () => {
  const { scores } = runAudit(factsOf({}), { only: [], skip: [] });
  for (const { item, right, score } of scores) {
    if (item === 'dns') continue; // a cluster without a DNS Service is a finding
    assert.equal(right, 0, item);
    assert.equal(score, null, item);
  }
});

test('what the account may not list is named, and the rest is checked', () => {
  const facts = factsOf({ services: [service('web', { externalIPs: ['203.0.113.9'] })] });
  const blind: AuditFacts = {
    ...facts,
    objects: { ...facts.objects, pods: { why: 'forbidden' } },
  };
  const { checks } = runAudit(blind, { only: [], skip: [] });
  const ofCode = (code: string) => checks.find(check => check.code === code);
  assert.equal(ofCode('default-deny-ingress')?.unchecked, 'Pods: forbidden');
  assert.equal(ofCode('services-external-ips')?.findings.length, 1);
});

test('an annotation with a reason leaves a finding as it is; one without does not', () => {
  const silenced = (reason: string) => ({
    ...service('web', { externalIPs: ['203.0.113.9'] }),
    metadata: { name: 'web', annotations: { 'audit.fairlead.dev/services-external-ips': reason } },
  });
  const run = (reason: string) =>
    runAudit(factsOf({ services: [silenced(reason)] }), { only: ['services-external-ips'], skip: [] });
  assert.equal(openFindings(run(' ')).length, 1);
  assert.equal(openFindings(run('the old mail relay, until March')).length, 0);
  assert.equal(run('the old mail relay, until March').checks[0]?.findings.length, 1);
});

test('items and checks can be chosen and left out; what there is not is refused', () => {
  const codes = (only: readonly string[], skip: readonly string[]) =>
    runAudit(factsOf({}), { only, skip }).checks.map(({ code }) => code);
  assert.deepEqual(codes(['dns-cache'], []), ['dns-cache']);
  assert.ok(codes(['dns'], ['dns-cache']).every(code => code.startsWith('dns-') && code !== 'dns-cache'));
  assert.throws(() => codes(['dns-cahce'], []), /dns-cahce/);
});

test('objects that have not the form of their kind cost answers, not the audit', () => {
  const nonsense = [null, 5, 'x', [], {}].map((spec, at) => ({
    apiVersion: 'v1',
    kind: [
      'Service',
      'Ingress',
      'NetworkPolicy',
      'Deployment',
      'Gateway',
      'HTTPRoute',
      'Pod',
      'ReferenceGrant',
    ][at % 8],
    metadata: { name: `x${at}`, namespace: 'shop' },
    spec,
  }));
  const kindsOf = [
    'Service',
    'Ingress',
    'NetworkPolicy',
    'Deployment',
    'Gateway',
    'HTTPRoute',
    'Pod',
    'Node',
  ];
  const objects = kindsOf.flatMap(kind => nonsense.map(object => ({ ...object, kind })));
  const facts = factsOfManifests(objects, [], { why: 'none' }, now);
  const { checks } = runAudit(facts, { only: [], skip: [] });
  assert.ok(checks.some(({ unchecked }) => unchecked?.includes('form of its kind') === true));
});
