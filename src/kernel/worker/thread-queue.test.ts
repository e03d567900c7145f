import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FairleadError } from '../../base/errors.ts';
import { failureOf, KernelCallError } from './messages.ts';
import { NftError } from '../nft/error.ts';
import { NetlinkError } from '../netlink/index.ts';
import { ThreadQueue } from './thread-queue.ts';

/** A thread that answers with its parameters, fails, ends, or never answers, by the call's name. */
const program = `
  import { parentPort, threadId } from 'node:worker_threads';
  parentPort.on('message', ({ id, name, parameters }) => {
    if (name === 'echo') parentPort.postMessage({ id, result: parameters });
    if (name === 'thread') parentPort.postMessage({ id, result: threadId });
    if (name === 'crash') process.exit(3);
    if (name === 'throw') throw new Error('a bug');
  });`;
const entry = new URL(`data:text/javascript,${encodeURIComponent(program)}`);

function open(limit = 100): { queue: ThreadQueue; crashes: unknown[] } {
  const crashes: unknown[] = [];
  return { queue: new ThreadQueue({ entry, limit, onCrash: error => crashes.push(error) }), crashes };
}

test('calls are answered, each with its own result', async () => {
  const { queue } = open();
  const answers = await Promise.all([1, 2, 3].map(number => queue.call('echo', [number])));
  assert.deepEqual(answers, [[1], [2], [3]]);
  await queue.close();
});

test('a crash fails the call that was in the thread; those that wait are done by the next thread', async () => {
  for (const name of ['crash', 'throw']) {
    const { queue, crashes } = open();
    const before = await queue.call('thread', []);
    const [crashed, after] = await Promise.allSettled([queue.call(name, []), queue.call('thread', [])]);
    assert.equal(crashed.status, 'rejected');
    assert.equal((crashed.reason as FairleadError).code, 'kernel/worker-crashed');
    assert.equal(after.status, 'fulfilled');
    assert.notEqual(after.value, before);
    assert.equal(crashes.length, 1, 'the crash is told once');
    await queue.close();
  }
});

test('a thread that cannot live fails the calls instead of starting for ever', async () => {
  const broken = new URL('data:text/javascript,throw new Error("broken")');
  let crashes = 0;
  const queue = new ThreadQueue({ entry: broken, limit: 100, onCrash: () => crashes++ });
  const results = await Promise.allSettled(Array.from({ length: 10 }, () => queue.call('echo', [])));
  assert.ok(results.every(result => result.status === 'rejected'));
  assert.equal(crashes, 3);
  await queue.close();
});

test('more calls than the limit are refused with a hint', async () => {
  const { queue } = open(2);
  const waiting = [queue.call('echo', [1]), queue.call('echo', [2])];
  await assert.rejects(queue.call('echo', [3]), { code: 'kernel/worker-busy' });
  assert.deepEqual(await Promise.all(waiting), [[1], [2]]);
  assert.deepEqual(await queue.call('echo', [4]), [4]);
  await queue.close();
});

test('a closed worker refuses what waits and what comes', async () => {
  const { queue } = open();
  const calls = [queue.call('never', []), queue.call('echo', [])].map(call =>
    assert.rejects(call, { code: 'kernel/worker-closed' }),
  );
  await queue.close();
  await Promise.all(calls);
  await assert.rejects(queue.call('echo', []), { code: 'kernel/worker-closed' });
});

test('a parameter that cannot be sent fails its own call only', async () => {
  const { queue } = open();
  const [bad, good] = await Promise.allSettled([queue.call('echo', [() => 1]), queue.call('echo', [2])]);
  assert.equal(bad.status, 'rejected');
  assert.deepEqual(good, { status: 'fulfilled', value: [2] });
  await queue.close();
});

test('errors keep their code, hint and the kernel’s words on the way from the thread', () => {
  const travel = (error: unknown) => new KernelCallError(structuredClone(failureOf(error)));
  const detail = { object: 'Pod/shop/web', field: 'spec', hint: 'Try again', cause: new Error('inner') };
  const plain = travel(new FairleadError('area/what', 'A sentence', detail));
  assert.deepEqual(
    [plain.code, plain.message, plain.object, plain.field, plain.hint],
    ['area/what', 'A sentence', 'Pod/shop/web', 'spec', 'Try again'],
  );
  assert.equal((plain.cause as Error).message, 'inner');
  const netlink = travel(new NetlinkError('add a link', { errno: 17, message: 'taken' }, 4));
  assert.deepEqual(netlink.facts, { errno: 'EEXIST', words: 'taken', operationIndex: 4 });
  const nft = travel(new NftError('Error: syntax error\nadd foo\n    ^^^\n'));
  assert.deepEqual(nft.facts, { words: 'syntax error', command: 'add foo' });
  assert.equal(travel('text').code, 'kernel/worker-call');
});
