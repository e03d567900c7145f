import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startTestServer } from '../../testing/in-process.ts';
import { builtInKinds } from '../index.ts';
import { cronProblem } from '../text/cron.ts';

const JOBS = '/apis/batch/v1/namespaces/default/jobs';
const template = (restartPolicy?: string) => ({
  metadata: { labels: { app: 'once' } },
  spec: {
    ...(restartPolicy === undefined ? {} : { restartPolicy }),
    containers: [{ name: 'a', image: 'shell' }],
  },
});

test('a Job is given a selector that no other Job has, and the defaults of a real server', async () => {
  await using server = await startTestServer({ kinds: builtInKinds() });
  const made = await server.call('POST', JOBS, {
    body: { metadata: { name: 'once' }, spec: { template: template('Never') } },
  });
  assert.equal(made.status, 201, made.text);
  const { spec, metadata } = made.json;
  const uid = metadata?.['uid'];
  assert.deepEqual(spec?.['selector'], { matchLabels: { 'batch.kubernetes.io/controller-uid': uid } });
  assert.deepEqual(
    [spec?.['completions'], spec?.['parallelism'], spec?.['backoffLimit'], spec?.['completionMode']],
    [1, 1, 6, 'NonIndexed'],
  );
  assert.equal(spec?.['template']?.['metadata']?.['labels']?.['job-name'], 'once');
  assert.deepEqual(metadata?.['labels'], { app: 'once' });
});

test('pods of a Job must be able to end', async () => {
  await using server = await startTestServer({ kinds: builtInKinds() });
  const refused = await server.call('POST', JOBS, {
    body: { metadata: { name: 'a' }, spec: { template: template() } },
  });
  assert.equal(refused.status, 422);
  assert.match(
    refused.text,
    /spec\.template\.spec\.restartPolicy: Required value: valid values: \\"OnFailure\\", \\"Never\\"/,
  );
});

test('a schedule is refused where cron would not read it', () => {
  for (const good of ['*/5 * * * *', '0 0 1 jan mon-fri', '@hourly', '@every 1h30m', '0,30 8-18/2 ? * 0']) {
    assert.equal(cronProblem(good), undefined, good);
  }
  for (const bad of [
    '',
    '* * * *',
    '60 * * * *',
    '*/0 * * * *',
    '@fortnightly',
    'TZ=UTC * * * * *',
    '5-1 * * * *',
  ]) {
    assert.notEqual(cronProblem(bad), undefined, bad);
  }
});
