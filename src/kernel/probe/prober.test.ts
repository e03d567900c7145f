import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NetlinkError } from '../netlink/index.ts';
import { outcomeOf, supported, unknown, unsupported } from './outcome.ts';
import type { Outcome } from './outcome.ts';
import { Prober } from './prober.ts';

test('only conclusive answers are kept: what could not be told is asked again', () => {
  const answers: Outcome[] = [unknown('no rights'), unsupported('too old'), supported];
  let asked = 0;
  const run = () => answers[asked++] ?? supported;
  const prober = new Prober([{ name: 'x', since: '1.0', purpose: 'tests', run }]);
  const outcome = () => prober.all()[0]?.outcome.is;
  assert.deepEqual([outcome(), outcome(), outcome()], ['unknown', 'unsupported', 'unsupported']);
  assert.equal(asked, 2);
});

test('an error is a lack only when the kernel says so', () => {
  const of = (errno: number) => outcomeOf(new NetlinkError('add a link', { errno, message: undefined })).is;
  assert.equal(of(95 /* EOPNOTSUPP */), 'unsupported');
  assert.equal(of(1 /* EPERM */), 'unknown');
  assert.equal(of(12 /* ENOMEM */), 'unknown');
  assert.equal(outcomeOf(new Error('something else')).is, 'unknown');
});
