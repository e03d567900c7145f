import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Metrics } from './metrics.ts';

test('counters and gauges are written with their help, type and labels', () => {
  const metrics = new Metrics();
  metrics.counter('drops_total', 'Packets dropped.', ['direction']).with('ingress').add(3);
  metrics.gauge('age_seconds', 'Age of the snapshot.').with().set(1.5);
  assert.equal(
    metrics.text(),
    [
      '# HELP drops_total Packets dropped.',
      '# TYPE drops_total counter',
      'drops_total{direction="ingress"} 3',
      '# HELP age_seconds Age of the snapshot.',
      '# TYPE age_seconds gauge',
      'age_seconds 1.5',
      '',
    ].join('\n'),
  );
});

test('buckets are cumulative and a value on a bound is in its bucket', () => {
  const metrics = new Metrics();
  const series = metrics.histogram('sync_seconds', 'Time of a sync.', [0.1, 1]).with();
  series.observe(0.1);
  series.observe(0.5, 2);
  series.observe(7);
  assert.deepEqual(metrics.text().split('\n').slice(2, -1), [
    'sync_seconds_bucket{le="0.1"} 1',
    'sync_seconds_bucket{le="1"} 3',
    'sync_seconds_bucket{le="+Inf"} 4',
    'sync_seconds_sum 8.1',
    'sync_seconds_count 4',
  ]);
});

test('label values from outside cannot break a line', () => {
  const metrics = new Metrics();
  metrics.counter('asked_total', 'Names.', ['name']).with('a"b\\c\nd').add();
  assert.match(metrics.text(), /asked_total\{name="a\\"b\\\\c\\nd"\} 1\n/);
});

test('past the bound of series, further ones are counted together', () => {
  const metrics = new Metrics({ maxSeries: 2 });
  const asked = metrics.counter('asked_total', 'Names.', ['name']);
  for (const name of ['a', 'b', 'c', 'd', 'a']) asked.with(name).add();
  const lines = metrics.text().split('\n').slice(2, -1);
  assert.deepEqual(lines, [
    'asked_total{name="a"} 2',
    'asked_total{name="b"} 1',
    'asked_total{name="other"} 2',
  ]);
});

test('what is known elsewhere is copied before each scrape', () => {
  const metrics = new Metrics();
  const pods = metrics.gauge('pods', 'Pods here.', ['phase']);
  let running = 1;
  metrics.onCollect(() => {
    pods.clear();
    pods.with('Running').set(running);
  });
  assert.match(metrics.text(), /pods\{phase="Running"\} 1/);
  running = 2;
  assert.match(metrics.text(), /pods\{phase="Running"\} 2/);
});

test('a name is one metric: the same form gives the same one, another form is refused', () => {
  const metrics = new Metrics();
  metrics.counter('a_total', 'A.', ['x']).with('1').add();
  metrics.counter('a_total', 'A.', ['x']).with('1').add();
  assert.match(metrics.text(), /a_total\{x="1"\} 2/);
  assert.throws(() => metrics.gauge('a_total', 'A.', ['x']), /another form/);
  assert.throws(() => metrics.counter('a_total', 'A.', ['y']), /another form/);
});

test('names, labels and bounds that the format does not know are refused', () => {
  const metrics = new Metrics();
  assert.throws(() => metrics.counter('a-b', 'A.'), /no name/);
  assert.throws(() => metrics.histogram('h', 'H.', [1], ['le']), /no label/);
  assert.throws(() => metrics.histogram('h', 'H.', [1, 1]), /ascend/);
  assert.throws(() => metrics.counter('c_total', 'C.', ['x']).with(), /labels x/);
});
