import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, test } from 'node:test';
import { Door } from './door.ts';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

/** A server on loopback; returns its port. */
async function serve(handle: (socket: Socket) => void): Promise<number> {
  const server: Server = createServer({ allowHalfOpen: true }, handle);
  const sockets = new Set<Socket>();
  server.on('connection', socket => sockets.add(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

async function dial(host: string, port: number): Promise<Socket> {
  const socket = connect({ host, port });
  await once(socket, 'connect');
  return socket;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise(resolve => server.close(resolve));
  return port;
}

async function doorTo(port: number): Promise<{ door: Door; local: number }> {
  const local = await freePort();
  const door = await Door.open(local, { address: '127.0.0.1', port }, dial);
  closers.push(() => door.close());
  return { door, local };
}

function enter(local: number): Socket {
  const socket = connect({ host: '127.0.0.1', port: local, allowHalfOpen: true });
  closers.push(() => socket.destroy());
  return socket;
}

test('what a client ends is ended for the server, which may still answer', async () => {
  const port = await serve(socket => {
    void text(socket).then(said => socket.end(`you said ${said}`));
  });
  const { local } = await doorTo(port);
  const client = enter(local);
  client.end('hello');
  assert.equal(await text(client), 'you said hello');
});

test('a server that ends first still hears the client out', async () => {
  const heard = Promise.withResolvers<string>();
  const port = await serve(socket => {
    socket.end('goodbye');
    void text(socket).then(heard.resolve, heard.reject);
  });
  const { local } = await doorTo(port);
  const client = enter(local);
  assert.equal(await text(client), 'goodbye');
  client.end('wait');
  assert.equal(await heard.promise, 'wait');
});

test('a client that does not read holds the server back', async () => {
  const mebibytes = 64;
  let sent = 0;
  const port = await serve(socket => {
    const part = Buffer.alloc(2 ** 20);
    const more = () => {
      while (sent < mebibytes) {
        sent++;
        if (!socket.write(part)) return;
      }
      socket.end();
    };
    socket.on('drain', more);
    more();
  });
  const { local } = await doorTo(port);
  const client = enter(local);
  client.pause();
  await once(client, 'connect');
  let before = -1;
  while (before !== sent) {
    before = sent;
    await new Promise(resolve => setTimeout(resolve, 100));
  }
  assert.ok(sent < mebibytes, `${sent} MiB went out before the client read anything`);
  let received = 0;
  for await (const part of client) received += (part as Buffer).length;
  assert.equal(received, mebibytes * 2 ** 20);
});

test('behind a door where nobody answers, a connection is reset', async () => {
  const { local } = await doorTo(await freePort());
  const client = enter(local);
  const [error] = (await once(client, 'error')) as [NodeJS.ErrnoException];
  assert.equal(error.code, 'ECONNRESET');
});

test('a door that leads elsewhere leads the next client there', async () => {
  const first = await serve(socket => void socket.end('first'));
  const second = await serve(socket => void socket.end('second'));
  const { door, local } = await doorTo(first);
  assert.equal(await text(enter(local)), 'first');
  door.retarget({ address: '127.0.0.1', port: second });
  assert.equal(await text(enter(local)), 'second');
});

test('a door that closes ends who is inside, and its port is free', async () => {
  const port = await serve(() => undefined);
  const { door, local } = await doorTo(port);
  const client = enter(local);
  await once(client, 'connect');
  const ended = once(client.resume(), 'end');
  await door.close();
  await ended;
  const again = await Door.open(local, { address: '127.0.0.1', port }, dial);
  await again.close();
});

test('a port in use is said to be', async () => {
  const port = await serve(() => undefined);
  await assert.rejects(Door.open(port, { address: '127.0.0.1', port }, dial), { code: 'EADDRINUSE' });
});
