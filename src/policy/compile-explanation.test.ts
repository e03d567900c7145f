import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ask, denyIn, fromWeb, places, toApi } from './testing/shop.ts';
import type { Spec } from './testing/shop.ts';

describe('explanation', () => {
  test('an allow names the rule and the entries that matched', () => {
    const { ingress } = ask(
      [denyIn, { ...toApi, ingress: [{ ports: [{ port: 1 }] }, fromWeb] }],
      'web',
      'api',
    );
    assert.equal(ingress.reason, 'rule');
    assert.equal(ingress.allowedBy?.rule.provenance.name, 'p1');
    assert.equal(ingress.allowedBy?.rule.provenance.generation, 3);
    assert.equal(ingress.allowedBy?.peerField, 'spec.ingress[1].from[0]');
    assert.deepEqual(
      ingress.isolatedBy.map(policy => policy.name),
      ['p0', 'p1'],
    );
  });

  test('a deny names the port that is missing, and the change', () => {
    const { ingress } = ask([{ ...toApi, ingress: [{ ...fromWeb, ports: [{ port: 80 }] }] }], 'web', 'api', {
      port: 8080,
    });
    assert.deepEqual(
      ingress.misses.map(miss => miss.sentence),
      ['port 8080, allowed is 80'],
    );
    assert.deepEqual(ingress.change?.add, { protocol: 'TCP', port: 8080 });
    assert.equal(ingress.change?.field, 'spec.ingress[0].ports');
  });

  test('ports of several protocols are each named with theirs', () => {
    const ports = [{ port: 53, protocol: 'UDP' as const }, { port: 53 }, { port: 80, endPort: 81 }];
    const verdict = ask([{ ...toApi, ingress: [{ ports }] }], 'web', 'api', { port: 8080 });
    assert.equal(verdict.ingress.misses[0]?.sentence, 'TCP port 8080, allowed is UDP 53, TCP 53, TCP 80-81');
  });

  test('a deny names the label that is missing', () => {
    const policy = { ...toApi, ingress: [{ from: [{ podSelector: { matchLabels: { role: 'client' } } }] }] };
    const { ingress } = ask([policy], 'web', 'api');
    assert.deepEqual(
      ingress.misses.map(miss => miss.sentence),
      ['label role=client missing'],
    );
    assert.deepEqual(ingress.change?.add, { podSelector: { matchLabels: { app: 'web', tier: 'front' } } });
  });

  test('the change leaves out labels that the next pod of a Deployment or Job does not have', () => {
    const place = places.web ?? assert.fail();
    const labels = { app: 'web', 'pod-template-hash': '5d9c', 'batch.kubernetes.io/job-name': 'x' };
    const pods = { web: { ...place, labels } };
    const { ingress } = ask([denyIn], 'web', 'api', { pods });
    assert.deepEqual(ingress.change?.add, {
      from: [{ podSelector: { matchLabels: { app: 'web' } } }],
      ports: [{ protocol: 'TCP', port: 80 }],
    });
  });

  test('a deny from another namespace, from an exception and from outside says so', () => {
    const missOf = (spec: Spec, from: string) => ask([spec], from, 'api').ingress.misses[0]?.sentence;
    assert.equal(
      missOf({ ...toApi, ingress: [fromWeb] }, 'other'),
      'data/other is not in the namespace shop',
    );
    const block = { ipBlock: { cidr: '8.0.0.0/8', except: ['8.8.0.0/16'] } };
    assert.equal(
      missOf({ ...toApi, ingress: [{ from: [block] }] }, '8.8.8.8'),
      '8.8.8.8 is in the exception 8.8.0.0/16',
    );
    assert.equal(
      missOf({ ...toApi, ingress: [fromWeb] }, '8.8.8.8'),
      "8.8.8.8 is no pod's address, and selectors match pods alone",
    );
  });

  test('the nearest rule comes first, and a default deny names who isolates', () => {
    const ingress = [
      { from: [{ ipBlock: { cidr: '9.9.9.9/32' } }], ports: [{ port: 1 }] },
      { ...fromWeb, ports: [{ port: 443 }] },
    ];
    const verdict = ask([{ ...toApi, ingress }], 'web', 'api').ingress;
    assert.equal(verdict.misses[0]?.sentence, 'port 80, allowed is 443');
    assert.equal(verdict.considered.length, 2);
    const none = ask([denyIn], 'web', 'api').ingress;
    assert.deepEqual(none.misses, []);
    assert.equal(none.change?.field, 'spec.ingress');
    assert.equal(none.isolatedBy[0]?.name, 'p0');
  });
});
