/** The agnhost image's subcommands, each by a client that would be used on the original. */
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { readFileSync } from 'node:fs';
import { createConnection, createServer, type AddressInfo } from 'node:net';
import { hostname } from 'node:os';
import { after, before, suite, test } from 'node:test';
import { startProgram, type RunningProgram } from './testing/program.ts';

async function run(
  ...words: readonly string[]
): Promise<{ readonly code: number | null; readonly output: string }> {
  await using program = startProgram('agnhost', words);
  const code = await program.ended;
  return { code, output: program.output() };
}

async function askUdp(port: number, text: string, address = '127.0.0.1'): Promise<string> {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  const answered = new Promise<Buffer>(resolve => socket.once('message', resolve));
  socket.send(text, port, address);
  const answer = (await answered).toString();
  socket.close();
  return answer;
}

suite('netexec', () => {
  let program: RunningProgram;
  let url: string;
  let udp: number;
  before(async () => {
    program = startProgram('agnhost', ['netexec', '--http-port=0', '--udp-port=0']);
    url = `http://127.0.0.1:${await program.port(/Started HTTP server on port (\d+)/)}`;
    udp = await program.port(/Started UDP server on port {2}(\d+)/);
  });
  after(() => program[Symbol.asyncDispose]());

  const text = async (path: string, init: RequestInit = {}) => (await fetch(`${url}${path}`, init)).text();
  const json = async (path: string) => JSON.parse(await text(path)) as Record<string, unknown>;

  test('says who it is and who asks', async () => {
    assert.equal(await text('/hostname'), hostname());
    assert.equal(await text('/hostName'), hostname());
    assert.match(await text('/clientip'), /^127\.0\.0\.1:\d+$/);
    assert.equal(await text('/serverport'), new URL(url).port);
    assert.match(await text('/'), /^NOW: \d/);
    assert.match(await text('/anything'), /^NOW: /);
    assert.equal((await fetch(`${url}/healthz`)).status, 200);
    assert.equal(await text('/header?key=X-Seen', { headers: { 'x-seen': 'yes' } }), 'yes');
  });

  test('echoes messages and statuses, and redirects', async () => {
    const echoed = await fetch(`${url}/echo?msg=hello%20there&code=418`);
    assert.deepEqual([echoed.status, await echoed.text()], [418, 'hello there']);
    const posted = { method: 'POST', body: new URLSearchParams({ msg: 'posted' }) };
    assert.equal(await text('/echo', posted), 'posted');
    assert.match(await text('/echo?code=x'), /must be an integer/);
    const redirect = await fetch(`${url}/redirect?location=/echo%3Fmsg=foobar&code=307`, {
      redirect: 'manual',
    });
    assert.deepEqual([redirect.status, redirect.headers.get('location')], [307, '/echo?msg=foobar']);
  });

  test('runs a command of a shell, and says how it ended', async () => {
    assert.deepEqual(await json('/shell?cmd=echo%20out%3B%20echo%20err%201%3E%262'), {
      output: 'out\nerr\n',
    });
    assert.deepEqual(await json('/shell?shellCommand=exit%203'), { error: 'exit status 3' });
  });

  test('dials others over HTTP and UDP, as often as it is told', async () => {
    const { port } = new URL(url);
    const to = (more: string) => `/dial?host=127.0.0.1&tries=2&${more}`;
    assert.deepEqual(await json(to(`port=${port}&request=hostname`)), {
      responses: [hostname(), hostname()],
    });
    assert.deepEqual(await json(to(`port=${udp}&request=echo%20Hi&protocol=udp`)), {
      responses: ['hi', 'hi'],
    });
    const failed = await json(`/dial?host=127.0.0.1&port=${await freePort()}&request=hostname`);
    assert.match(String((failed.errors as readonly string[])[0]), /ECONNREFUSED/);
    for (const wrong of [
      'port=80',
      'port=x&request=y',
      'port=80&request=y&tries=z',
      'port=1&request=y&protocol=sctp',
    ])
      assert.equal((await fetch(`${url}/dial?host=127.0.0.1&${wrong}`)).status, 400, wrong);
  });

  test('answers UDP in both families', async () => {
    assert.equal(await askUdp(udp, 'hostname\n'), hostname());
    assert.equal(await askUdp(udp, 'echo Some Words'), 'some words');
    assert.match(await askUdp(udp, 'clientip'), /^127\.0\.0\.1:\d+$/);
    assert.match(await askUdp(udp, 'clientip', '::1'), /^\[::1\]:\d+$/);
  });

  test('exits as it is told', async () => {
    await using other = startProgram('agnhost', ['netexec', '--http-port=0', '--udp-port=-1']);
    const port = await other.port(/Started HTTP server on port (\d+)/);
    assert.equal((await fetch(`http://127.0.0.1:${port}/healthz`)).status, 412, 'there is no UDP server');
    assert.match(
      await (await fetch(`http://127.0.0.1:${port}/exit?wait=soon`)).text(),
      /valid golang duration/,
    );
    await fetch(`http://127.0.0.1:${port}/exit?code=7&timeout=1ms`);
    assert.equal(await other.ended, 7);
  });
});

test('connect tells in one word how a connection went', async () => {
  await using server = startProgram('agnhost', ['netexec', '--http-port=0', '--udp-port=0']);
  const port = await server.port(/Started HTTP server on port (\d+)/);
  const udp = await server.port(/Started UDP server on port {2}(\d+)/);
  assert.deepEqual(await run('connect', `127.0.0.1:${port}`), { code: 0, output: '' });
  assert.deepEqual(await run('connect', `[::1]:${port}`, '--timeout=5s'), { code: 0, output: '' });
  assert.deepEqual(await run('connect', '--protocol=udp', `127.0.0.1:${udp}`), { code: 0, output: '' });
  const closed = await freePort();
  assert.deepEqual(await run('connect', `127.0.0.1:${closed}`), { code: 1, output: 'REFUSED\n' });
  const refused = await run('connect', '--protocol=udp', '--timeout=5s', `127.0.0.1:${closed}`);
  assert.deepEqual(refused, { code: 1, output: 'REFUSED\n' });
  assert.match((await run('connect', 'no-port')).output, /^UNKNOWN: /);
  assert.match((await run('connect', 'name.invalid:80')).output, /^DNS: /);
  const silent = createSocket('udp4').bind(0, '127.0.0.1');
  await new Promise(bound => silent.once('listening', bound));
  const late = await run(
    'connect',
    '--protocol=udp',
    '--timeout=100ms',
    `127.0.0.1:${silent.address().port}`,
  );
  assert.match(late.output, /^TIMEOUT/);
  silent.close();
});

test('serve-hostname serves HTTP, or TCP and UDP, and lingers after SIGTERM', async () => {
  await using http = startProgram('agnhost', ['serve-hostname', '--port=0', '--close']);
  const answer = await fetch(`http://127.0.0.1:${await http.port(/Serving on port (\d+)/)}/x`);
  assert.equal(await answer.text(), hostname());
  assert.equal(answer.headers.get('connection'), 'close');
  await using raw = startProgram('agnhost', [
    'serve-hostname',
    '--tcp',
    '--udp',
    '--http=false',
    '--port',
    '0',
  ]);
  const tcp = createConnection(await raw.port(/Serving TCP on port (\d+)/), '127.0.0.1');
  let said = '';
  for await (const part of tcp) said += String(part);
  assert.equal(said, hostname());
  assert.equal(await askUdp(await raw.port(/Serving UDP on port (\d+)/), 'x'), hostname());
  raw.kill('SIGTERM');
  const ended = await Promise.race([raw.ended.then(() => true), lingered(raw)]);
  assert.equal(ended, false, 'the pod has not ended');
});

test('porter serves what the environment says, on its ports', async () => {
  const [web, udp] = [await freePort(), await freePort()];
  await using program = startProgram('agnhost', ['porter', '--json-response'], {
    [`SERVE_PORT_${web}`]: 'foo',
    [`SERVE_UDP_PORT_${udp}`]: 'bar',
  });
  await program.port(new RegExp(`TCP server on port (${web})`));
  await program.port(new RegExp(`UDP server on port (${udp})`));
  const answer = await fetch(`http://127.0.0.1:${web}`, { method: 'POST' });
  assert.deepEqual(await answer.json(), { Method: 'POST', Body: 'foo' });
  assert.equal(await askUdp(udp, 'x'), 'bar');
  await using sctp = startProgram('agnhost', ['porter'], { SERVE_SCTP_PORT_80: 'x' });
  assert.equal(await sctp.ended, 1);
  assert.match(sctp.output(), /SCTP is not offered/);
});

test('what the pod knows about names is printed', async () => {
  const resolver = readFileSync('/etc/resolv.conf', 'utf8');
  const first = /^nameserver\s+(\S+)/m.exec(resolver)?.[1] ?? '';
  assert.equal((await run('dns-server-list')).output.split(',')[0]?.trim(), first);
  assert.equal((await run('dns-suffix')).code, 0);
  assert.equal((await run('etc-hosts')).output.trimEnd(), readFileSync('/etc/hosts', 'utf8').trimEnd());
  assert.deepEqual(await run('entrypoint-tester', 'foo', '--bar'), { code: 0, output: 'foo --bar\n' });
});

test('test-webserver serves files by their path', async () => {
  await using program = startProgram('agnhost', ['test-webserver', '--port=0']);
  const url = `http://127.0.0.1:${await program.port(/Serving files on port (\d+)/)}`;
  assert.equal(await (await fetch(`${url}/etc/hosts`)).text(), readFileSync('/etc/hosts', 'utf8'));
  assert.match(await (await fetch(`${url}/etc/`)).text(), /<a href="hosts">hosts<\/a>/);
  assert.equal((await fetch(`${url}/no/such/file`)).status, 404);
});

test('tcp-reset resets whoever sent more than it read', async () => {
  await using program = startProgram('agnhost', ['tcp-reset', '--port=0']);
  const port = await program.port(/Started TCP server on port (\d+)/);
  const outcome = (bytes: string) =>
    new Promise<string>(resolve => {
      const socket = createConnection(port, '127.0.0.1', () => socket.write(bytes));
      socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? ''));
      socket.once('end', () => resolve('end'));
      socket.resume();
    });
  assert.equal(await outcome('1'), 'end');
  assert.equal(await outcome('12'), 'ECONNRESET');
});

test('no-snat-test sees the address that it is asked from', async () => {
  await using program = startProgram('agnhost', ['no-snat-test', '--port=0'], {
    POD_IP: '127.0.0.1',
    NODE_IP: '192.0.2.1',
  });
  const place = `127.0.0.1:${await program.port(/Serving on port (\d+)/)}`;
  assert.equal((await fetch(`http://${place}/checknosnat?ips=${place}`)).status, 200);
  await using proxy = startProgram('agnhost', ['no-snat-test-proxy', '--port=0']);
  const front = `127.0.0.1:${await proxy.port(/Serving on port (\d+)/)}`;
  assert.equal((await fetch(`http://${front}/checknosnat?target=${place}&ips=${place}`)).status, 200);
});

test('port-forward-tester sends its chunks after the right words', async () => {
  const port = await freePort();
  await using program = startProgram('agnhost', ['port-forward-tester'], {
    BIND_ADDRESS: '127.0.0.1',
    BIND_PORT: String(port),
    EXPECTED_CLIENT_DATA: 'abc',
    CHUNKS: '3',
    CHUNK_SIZE: '5',
    CHUNK_INTERVAL: '1',
  });
  await program.port(/(Listening) for client connections/);
  const socket = createConnection(port, '127.0.0.1', () => socket.write('abc'));
  let said = '';
  for await (const part of socket) said += String(part);
  assert.equal(said, 'x'.repeat(15));
  assert.equal(await program.ended, 0);
});

test('what it does not know ends it with a sentence', async () => {
  const { code, output } = await run('nettest');
  assert.equal(code, 1);
  assert.match(output, /no subcommand "nettest"/);
});

/** False once the program has said that it lingers. */
async function lingered(program: RunningProgram): Promise<boolean> {
  await program.port(/(Awaiting) pod deletion/);
  return false;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise(listening => server.once('listening', listening));
  const { port } = server.address() as AddressInfo;
  await new Promise(closed => server.close(closed));
  return port;
}
