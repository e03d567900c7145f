import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readPrometheusText } from './prometheus-text.ts';

test('metrics are read with their labels, whatever stands in them', () => {
  const text = `# HELP x y
# TYPE x counter
x_total{zone="a\\"b,c}",le="+Inf"} 12 1700000000000
y 1e3
z +Inf
broken{ 1
`;
  assert.deepEqual(readPrometheusText('node-1', text), [
    { source: 'node-1', name: 'x_total', labels: { zone: 'a"b,c}', le: '+Inf' }, value: 12 },
    { source: 'node-1', name: 'y', labels: {}, value: 1000 },
    { source: 'node-1', name: 'z', labels: {}, value: Infinity },
  ]);
});

test('a line longer than any exporter writes is passed over', () => {
  assert.deepEqual(readPrometheusText('x', `x{${'a="\\'.repeat(50_000)} 1\ny 1`), [
    { source: 'x', name: 'y', labels: {}, value: 1 },
  ]);
});
