import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLog } from '../../base/log.ts';
import { ManualClock } from '../../kube/manual-clock.ts';
import { Definitions } from './definitions.ts';

/** An API whose definitions have these annotations; with undefined it answers 404. */
function api(state: { now: Readonly<Record<string, string>> | undefined }) {
  const asked: string[] = [];
  const request = (_: string, path: string) => {
    asked.push(path);
    const items = state.now === undefined ? [] : [{ metadata: { annotations: state.now } }];
    const answer = { status: state.now === undefined ? 404 : 200, headers: {} };
    return Promise.resolve({ ...answer, body: Buffer.from(JSON.stringify({ items })) });
  };
  return { request, asked };
}

const annotations = (channel: string) => ({
  'gateway.networking.k8s.io/channel': channel,
  'gateway.networking.k8s.io/bundle-version': 'v1.6.1',
});

test('what is installed is known before anything is said, and what changes is told', async () => {
  const state = { now: annotations('standard') as Readonly<Record<string, string>> | undefined };
  const clock = new ManualClock();
  const stop = new AbortController();
  let told = 0;
  const client = api(state);
  const definitions = new Definitions({ client, clock, log: silentLog, onChange: () => told++ });
  await definitions.start(stop.signal);
  assert.deepEqual(definitions.installed, { channels: ['standard'], versions: ['v1.6.1'] });
  assert.ok(
    client.asked.every(path => path.includes('fieldSelector=metadata.name%3D')),
    'nothing else is read',
  );
  const until = async (holds: () => boolean) => {
    const deadline = Date.now() + 20_000;
    while (!holds()) {
      assert.ok(Date.now() < deadline, 'not in time');
      clock.advance(1000);
      await new Promise(resolve => setImmediate(resolve));
    }
  };
  await until(() => client.asked.length >= 9);
  assert.equal(told, 0, 'nothing has changed');
  state.now = annotations('experimental');
  await until(() => told === 1);
  assert.deepEqual(definitions.installed?.channels, ['experimental']);
  state.now = undefined;
  await until(() => told === 2);
  assert.equal(definitions.installed, undefined, 'the API does not say');
  stop.abort(new Error('the test has ended'));
});
