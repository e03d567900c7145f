import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runAudit } from '../../insight/audit/index.ts';
import type { AuditFacts } from '../../insight/audit/index.ts';
import { htmlText } from './html.ts';
import { junitText } from './junit.ts';
import { reportText } from './report-text.ts';
import { sarifText } from './sarif.ts';

const hostile = '<script>alert(1)</script>&"\'\u0000';
const none = { why: 'not asked for' } as const;
const facts: AuditFacts = {
  source: 'cluster',
  now: 0,
  objects: {
    nodes: none,
    pods: none,
    namespaces: none,
    endpointSlices: none,
    configMaps: none,
    daemonSets: none,
    deployments: none,
    disruptionBudgets: none,
    networkPolicies: none,
    clusterNetworkPolicies: none,
    ingresses: none,
    ingressClasses: none,
    definitions: none,
    gatewayClasses: none,
    gateways: none,
    httpRoutes: none,
    grpcRoutes: none,
    tlsRoutes: none,
    tcpRoutes: none,
    udpRoutes: none,
    referenceGrants: none,
    certificates: none,
    metrics: none,
    services: {
      items: [
        {
          apiVersion: 'v1',
          kind: 'Service',
          metadata: { name: 'web', namespace: 'shop' },
          spec: { externalIPs: [hostile] },
        },
        {
          apiVersion: 'v1',
          kind: 'Service',
          metadata: {
            name: 'old',
            namespace: 'shop',
            annotations: { 'audit.fairlead.dev/services-external-ips': 'until March' },
          },
          spec: { externalIPs: ['203.0.113.9'] },
        },
      ],
    },
  },
};
const report = runAudit(facts, { only: ['services'], skip: [] });

test('people read what is wrong, why, what next, what was not checked, and the counts', () => {
  const text = reportText(report, ['b.yaml: it is not YAML']);
  assert.match(text, /HIGH {2}services-external-ips: a Service claims external addresses/);
  assert.match(text, /Service\/shop\/web spec\.externalIPs: /);
  assert.match(text, /services-kernel-too-old: Nodes: not asked for/);
  assert.match(text, /NOT READ\n {2}b\.yaml/);
  assert.match(
    text,
    /1 problems in 2 objects looked at by 1 of 9 checks; 1 left as they are by annotation\./,
  );
});

test('a page and a JUnit file take hostile text as text', () => {
  for (const text of [htmlText(report, [], new Date(0)), junitText(report, [])]) {
    assert.doesNotMatch(text, /<script>/);
    assert.match(text, /&lt;script&gt;/);
    assert.ok(!text.includes('\u0000'));
  }
});

test('the page takes nothing from outside', () => {
  assert.doesNotMatch(htmlText(report, [], new Date(0)), /(src|href)=|url\(/);
});

test('JUnit counts failures and what was not checked', () => {
  assert.match(junitText(report, []), /<testsuite name="services" tests="9" failures="1" skipped="8">/);
});

test('SARIF says level, place, rule and what is left as it is', () => {
  const { runs } = JSON.parse(sarifText(report, [], () => ({ file: 'shop/web.yaml', line: 7 }))) as {
    readonly runs: readonly {
      readonly results: readonly {
        readonly ruleId: string;
        readonly level: string;
        readonly suppressions?: readonly unknown[];
        readonly locations: readonly { readonly physicalLocation: unknown }[];
      }[];
      readonly invocations: readonly { readonly toolExecutionNotifications: readonly unknown[] }[];
    }[];
  };
  const [run] = runs;
  assert.deepEqual(
    run?.results.map(({ level, ruleId, suppressions }) => [ruleId, level, suppressions?.length]),
    [
      ['services-external-ips', 'error', undefined],
      ['services-external-ips', 'error', 1],
    ],
  );
  assert.deepEqual(run?.results[0]?.locations[0]?.physicalLocation, {
    artifactLocation: { uri: 'shop/web.yaml' },
    region: { startLine: 7 },
  });
  assert.equal(run?.invocations[0]?.toolExecutionNotifications.length, 8);
});

test('what could not be read is an error in the forms that machines read, never "all good"', () => {
  const unread = ['shop/web.yaml: bad indentation'];
  assert.match(junitText(report, unread), /errors="1">\s*<testcase[^>]*><error message="shop\/web.yaml: bad/);
  const { runs } = JSON.parse(sarifText(report, unread, () => undefined)) as {
    runs: [{ invocations: [{ executionSuccessful: boolean; toolExecutionNotifications: unknown[] }] }];
  };
  const [{ executionSuccessful, toolExecutionNotifications }] = runs[0].invocations;
  assert.equal(executionSuccessful, false);
  assert.deepEqual(toolExecutionNotifications[0], {
    level: 'error',
    message: { text: 'not read: shop/web.yaml: bad indentation' },
  });
});
