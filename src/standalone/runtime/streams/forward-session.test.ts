import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { test, type TestContext } from 'node:test';
import { ForwardSession, type ForwardTarget } from './forward-session.ts';

const MEBIBYTE = Buffer.alloc(1 << 20, 'x');

/** A program that takes nothing until it is told to. */
async function stalled(context: TestContext): Promise<{ socket: Socket; read: () => void }> {
  const accepted = Promise.withResolvers<Socket>();
  const server = createServer({ pauseOnConnect: true }, peer => {
    peer.on('error', () => peer.destroy());
    accepted.resolve(peer);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  const peer = await accepted.promise;
  context.after(() => {
    socket.destroy();
    peer.destroy();
    server.close();
  });
  return { socket, read: () => void peer.resume() };
}

/** A client that waits while it is told to. */
function client(patienceMilliseconds: number) {
  const state = { isPaused: false, changed: Promise.withResolvers<void>() };
  const set = (isPaused: boolean) => {
    state.isPaused = isPaused;
    state.changed.resolve();
    state.changed = Promise.withResolvers<void>();
  };
  const session = new ForwardSession({
    pause: () => set(true),
    resume: () => set(false),
    patienceMilliseconds,
  });
  return { session, state };
}

/** Sends whenever it may; what the kernel holds back on the way is several megabytes. */
function pump(
  context: TestContext,
  target: ForwardTarget,
  state: { readonly isPaused: boolean },
): () => void {
  const timer = setInterval(() => {
    if (!state.isPaused) target.write(MEBIBYTE);
  }, 1);
  const stop = () => clearInterval(timer);
  context.after(stop);
  return stop;
}

test('what a stalled port does not take waits for it, and then the client does, until the port reads', async context => {
  const { session, state } = client(20);
  const { socket, read } = await stalled(context);
  const target = session.open(() => assert.fail('nobody else is held up'));
  target.connect(socket);
  const stop = pump(context, target, state);
  // Much longer than its patience with others.
  for (let turns = 0; turns < 20;) {
    await new Promise(resolve => setTimeout(resolve, 10));
    turns = state.isPaused ? turns + 1 : 0;
  }
  assert.equal(socket.destroyed, false);
  stop();
  read();
  while (state.isPaused) await state.changed.promise;
});

test('a port that takes nothing while others are held up loses its own connection alone', async context => {
  const { session, state } = client(50);
  const { socket } = await stalled(context);
  const givenUp = Promise.withResolvers<void>();
  const target = session.open(() => givenUp.resolve());
  const other = session.open(() => assert.fail('it does nothing wrong'));
  target.connect(socket);
  pump(context, target, state);
  other.write(Buffer.from('it waits for its port, too'));
  await givenUp.promise;
  assert.deepEqual([state.isPaused, socket.destroyed], [false, true]);
  target.write(MEBIBYTE);
  assert.equal(state.isPaused, false, 'what still comes for it is nothing');
});

test('two stalled ports hold the client until both have gone', () => {
  const { session, state } = client(60_000);
  const [one, two] = [session.open(() => undefined), session.open(() => undefined)];
  for (const target of [one, two]) for (let sent = 0; sent < 5; sent++) target.write(MEBIBYTE);
  one.close();
  assert.equal(state.isPaused, true);
  two.close();
  assert.equal(state.isPaused, false);
});

test('what came before the port answered reaches it in order, with the end', async context => {
  const { session } = client(1000);
  const received = Promise.withResolvers<string>();
  const server = createServer(peer => {
    let text = '';
    peer.setEncoding('utf8').on('data', (part: string) => (text += part));
    peer.on('end', () => {
      received.resolve(text);
      peer.end();
    });
  }).listen(0, '127.0.0.1');
  context.after(() => server.close());
  await once(server, 'listening');
  const target = session.open(() => assert.fail('it takes all'));
  for (const word of ['one ', 'two ', 'three']) target.write(Buffer.from(word));
  target.end();
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  socket.resume();
  target.connect(socket);
  assert.equal(await received.promise, 'one two three');
});
