import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FairleadError } from '../base/errors.ts';
import { silentLog } from '../base/log.ts';
import { ApiError } from '../kube/api-error.ts';
import { ManualClock } from '../kube/manual-clock.ts';
import { SECRETS } from '../kube/resources.ts';
import { FollowedObjects } from './follow-objects.ts';

const key = 'shop/certificate';
const unreachable = new FairleadError('kube/unreachable', 'The API server cannot be reached.');
const forbidden = new ApiError(403, { kind: 'Status', apiVersion: 'v1', reason: 'Forbidden' }, {});

/** A client whose every call fails with what `failure` holds at the time. */
function following(failure: { now: Error }) {
  const fail = () => Promise.reject(failure.now);
  const clock = new ManualClock();
  const changes: string[] = [];
  const stop = new AbortController();
  const secrets = new FollowedObjects({
    resource: SECRETS,
    client: {
      get: fail,
      list: fail,
      // eslint-disable-next-line require-yield
      async *watch() {
        await fail();
      },
    },
    clock,
    log: silentLog,
    onChange: changed => changes.push(changed),
    signal: stop.signal,
  });
  return { secrets, clock, changes, stop };
}

async function pass(clock: ManualClock, seconds: number): Promise<void> {
  for (let second = 0; second < seconds; second++) {
    clock.advance(1000);
    await new Promise(resolve => setImmediate(resolve));
  }
}

test('an API that cannot be reached says nothing of a Secret: listeners keep what they have', async () => {
  const { secrets, clock, changes, stop } = following({ now: unreachable });
  secrets.want(new Set([key]));
  await pass(clock, 60);
  assert.equal(secrets.areKnown([key]), false);
  assert.deepEqual(changes, []);
  stop.abort(new Error('the test has ended'));
});

test('a Secret that may not be read counts as absent, also when the API came back later', async () => {
  const failure: { now: Error } = { now: unreachable };
  const { secrets, clock, changes, stop } = following(failure);
  secrets.want(new Set([key]));
  await pass(clock, 20);
  failure.now = forbidden;
  await pass(clock, 20);
  assert.equal(secrets.areKnown([key]), true);
  assert.equal(secrets.get(key), undefined);
  assert.deepEqual(changes, [key]);
  stop.abort(new Error('the test has ended'));
});
