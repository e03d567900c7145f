import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { Metrics } from '../../src/base/metrics.ts';
import { DnsMetrics } from '../../src/dns/index.ts';

/** What operators are given to watch DNS with refers to what there is. */
const root = resolve(import.meta.dirname, '..', '..');
const registry = new Metrics();
const metrics = new DnsMetrics(registry, 'test', 'dns://127.0.0.1:53');
metrics.lane('dns://127.0.0.1:53', 'udp', 4).request(1, true, 40);
const described = [...registry.text().matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = '', type = '']) => ({
  name,
  type,
}));
const known = new Set(
  described.flatMap(({ name, type }) =>
    type === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name],
  ),
);

interface Rules {
  readonly groups: readonly {
    readonly rules: readonly {
      readonly record?: string;
      readonly alert?: string;
      readonly expr: string;
      readonly annotations?: Readonly<Record<string, string>>;
    }[];
  }[];
}

const read = (file: string) => readFileSync(join(root, 'deploy', 'dns', file), 'utf8');
const rules = (parse(read('alerts.yaml')) as Rules).groups.flatMap(group => group.rules);
const dashboard = JSON.parse(read('dashboard.json')) as {
  readonly panels: readonly {
    readonly title: string;
    readonly targets: readonly { readonly expr: string }[];
  }[];
};

const metricsIn = (expression: string): readonly string[] =>
  expression.match(/\b(coredns|fairlead)_[a-z0-9_]+\b/g) ?? [];

test('every alert and recording rule reads metrics that there are, and every alert says what to do', () => {
  const recorded = new Set(rules.flatMap(({ record }) => record ?? []));
  for (const { record, alert, expr, annotations } of rules) {
    const name = record ?? alert ?? '';
    const found = metricsIn(expr);
    for (const metric of found) assert.ok(known.has(metric), `${name} reads ${metric}, which there is not`);
    const ours = expr.match(/\binstance:[a-z0-9_:]+/g) ?? [];
    for (const each of ours) assert.ok(recorded.has(each), `${name} reads ${each}, which nobody records`);
    assert.ok(found.length + ours.length > 0, name);
    assert.equal(expr.split('(').length, expr.split(')').length, `brackets of ${name}`);
    if (alert !== undefined) assert.ok(annotations?.['summary'] && annotations['action'], alert);
  }
});

test('every panel of the dashboard reads metrics that there are', () => {
  for (const { title, targets } of dashboard.panels)
    for (const { expr } of targets) {
      assert.ok(metricsIn(expr).length > 0, title);
      for (const metric of metricsIn(expr))
        assert.ok(known.has(metric), `${title} reads ${metric}, which there is not`);
    }
});

test('the thresholds of the objectives are bounds of the histogram', () => {
  const text = registry.text();
  for (const { expr } of rules)
    for (const [, bound] of expr.matchAll(/le="([^"]+)"/g)) assert.ok(text.includes(`le="${bound}"`), bound);
});

test('the reference names every metric', () => {
  const page = readFileSync(join(root, 'docs/reference/dns.md'), 'utf8');
  for (const { name } of described)
    assert.ok(page.includes(name), `docs/reference/dns.md does not name ${name}`);
});
