import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { systemClock } from '../base/clock.ts';
import { silentLog } from '../base/log.ts';
import type { HeldName, NameAnswer } from '../policy/index.ts';
import { followNames, readHeldNames } from './policy-names.ts';

/** Policies that wait for names, and a DNS server that dialled. */
async function world(context: TestContext) {
  const directory = mkdtempSync(join(tmpdir(), 'names-'));
  context.after(() => rmSync(directory, { recursive: true }));
  const [socket, file] = [join(directory, 'names.sock'), join(directory, 'names.json')];
  const learnt: NameAnswer[] = [];
  const state = {
    wanted: ['*.example.org', 'example.com'] as readonly string[],
    held: [] as readonly HeldName[],
    learn: (): Promise<void> => Promise.resolve(),
    failures: 0,
  };
  const names = await followNames({
    socket,
    file,
    policies: {
      waitedForNames: () => state.wanted,
      heldNames: () => state.held,
      learn: answer => {
        learnt.push(answer);
        return state.learn();
      },
      expireNames: () => Promise.resolve(),
    },
    onFailure: () => state.failures++,
    clock: systemClock,
    log: silentLog,
  });
  context.after(() => names.close());
  const dial = async () => {
    const connection: Socket = connect(socket);
    context.after(() => connection.destroy());
    const lines = createInterface(connection)[Symbol.asyncIterator]();
    await once(connection, 'connect');
    return { connection, next: async () => (await lines.next()).value };
  };
  return { names, file, learnt, state, dial };
}

test('the DNS server hears what policies wait for, at first and at each change', async context => {
  const { names, state, dial } = await world(context);
  const early = await dial();
  names.refresh();
  assert.equal(await early.next(), '{"patterns":["*.example.org","example.com"]}');
  const late = await dial();
  assert.equal(await late.next(), '{"patterns":["*.example.org","example.com"]}');
  names.refresh();
  state.wanted = ['example.com'];
  names.refresh();
  assert.equal(await early.next(), '{"patterns":["example.com"]}');
});

test('an answer is done when its addresses are in force, and also when they cannot be', async context => {
  const { names, learnt, state, dial } = await world(context);
  const { connection, next } = await dial();
  const inForce = Promise.withResolvers<void>();
  state.learn = () => inForce.promise;
  const addresses = [{ address: '192.0.2.7', ttl: 60 }];
  connection.write(`${JSON.stringify({ id: 7, client: '10.244.0.1', chain: ['example.com'], addresses })}\n`);
  const said = next();
  const first = await Promise.race([said, systemClock.sleep(50).then(() => 'nothing yet')]);
  assert.equal(first, 'nothing yet', 'policies are not known');
  assert.deepEqual(learnt, []);
  names.refresh();
  assert.equal(await said, '{"patterns":["*.example.org","example.com"]}');
  const answered = next();
  const second = await Promise.race([answered, systemClock.sleep(50).then(() => 'nothing yet')]);
  assert.equal(second, 'nothing yet', 'the kernel does not have it');
  inForce.resolve();
  assert.equal(await answered, '{"done":7}');
  assert.deepEqual(learnt, [{ id: 7, names: ['example.com'], addresses }]);
  state.learn = () => Promise.reject(new Error('the kernel is full'));
  connection.write(`${JSON.stringify({ id: 8, chain: [], addresses })}\n`);
  assert.equal(await next(), '{"done":8}');
  assert.equal(state.failures, 1);
});

test('a connection that sends what is no question is ended, and others go on', async context => {
  const { dial, names } = await world(context);
  names.refresh();
  for (const nonsense of ['nonsense\n', '{"id":"7"}\n', '[]\n', 'null\n', 'x'.repeat(70_000)]) {
    const { connection } = await dial();
    connection.on('error', () => undefined); // reset while it still sends
    const closed = once(connection, 'close');
    connection.write(nonsense);
    connection.resume();
    await closed;
  }
  const { next } = await dial();
  assert.equal(await next(), '{"patterns":["*.example.org","example.com"]}');
});

test('what was learnt is on disk soon, so that a process that is killed has it again', async context => {
  const { dial, file, names, state } = await world(context);
  names.refresh();
  state.held = [{ name: 'example.com', address: '192.0.2.7', until: 1000 }];
  const { connection, next } = await dial();
  await next();
  connection.write(`${JSON.stringify({ id: 1, chain: ['example.com'], addresses: [] })}\n`);
  assert.equal(await next(), '{"done":1}');
  const deadline = systemClock.now() + 20_000;
  while (readHeldNames(file, silentLog).length === 0) {
    assert.ok(systemClock.now() < deadline, 'it is written');
    await systemClock.sleep(20);
  }
  assert.deepEqual(readHeldNames(file, silentLog), state.held);
});

test('what is held is there after a restart; a file that is broken is none', async context => {
  const { names, file, state } = await world(context);
  state.held = [{ name: 'example.com', address: '192.0.2.7', until: 1000 }];
  names.close();
  assert.deepEqual(readHeldNames(file, silentLog), state.held);
  writeFileSync(file, '[{"name":"example.com"},null,{"name":"a","address":"b","until":1}]');
  assert.deepEqual(readHeldNames(file, silentLog), [{ name: 'a', address: 'b', until: 1 }]);
  writeFileSync(file, '[{"name":');
  assert.deepEqual(readHeldNames(file, silentLog), []);
  assert.deepEqual(readHeldNames(`${file}.absent`, silentLog), []);
});
