/** The stand-in for CoreDNS, by questions as they are on the wire. */
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseCorefile } from './builtin/corefile.ts';
import { startProgram } from './testing/program.ts';

/** A question for an A record, with an identity. */
function question(name: string): Buffer {
  const labels = name
    .split('.')
    .map(label => Buffer.concat([Buffer.from([label.length]), Buffer.from(label)]));
  const head = Buffer.from([0xab, 0xcd, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
  return Buffer.concat([head, ...labels, Buffer.from([0, 0, 1, 0, 1])]);
}

function ask(port: number, name: string): Promise<Buffer> {
  const socket = createSocket('udp4');
  return new Promise<Buffer>((resolve, reject) => {
    socket.once('error', reject);
    socket.once('message', resolve);
    socket.send(question(name), port, '127.0.0.1');
  }).finally(() => socket.close());
}

test('a zone of whoami tells who asks, and other names are refused', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'fairlead-coredns-'));
  try {
    const file = join(directory, 'Corefile');
    // Any free port; the kernel chooses it.
    writeFileSync(file, 'foo.bar.com:0 {\n  whoami # who\n  log\n}\n');
    await using program = startProgram('coredns', ['-conf', file]);
    const port = await program.port(/on :(\d+)/);
    const answer = await ask(port, 'a.FOO.bar.com');
    assert.equal(answer.toString('hex', 0, 4), 'abcd8500', 'the question’s identity, and no error');
    assert.deepEqual([answer.readUInt16BE(4), answer.readUInt16BE(6), answer.readUInt16BE(10)], [1, 0, 2]);
    assert.ok(answer.includes(Buffer.from([127, 0, 0, 1])), 'the address of who asked');
    const other = await ask(port, 'example.com');
    assert.equal((other[3] ?? 0) & 15, 5);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test('a Corefile that asks for more than the stand-in can do is refused', async () => {
  assert.throws(
    () => parseCorefile('. {\n  kubernetes cluster.local\n}'),
    /cannot do "kubernetes cluster.local"/,
  );
  assert.throws(() => parseCorefile('. {\n  whoami\n'), /does not end/);
  assert.throws(() => parseCorefile(''), /no server block/);
  assert.deepEqual(parseCorefile('.:53 {\n forward . 8.8.8.8 9.9.9.9\n errors\n}'), [
    {
      zones: ['.'],
      port: 53,
      plugins: [
        { name: 'forward', upstreams: ['8.8.8.8', '9.9.9.9'] },
        { name: 'errors', upstreams: [] },
      ],
    },
  ]);
  await using program = startProgram('coredns', ['-dns.port=53']);
  assert.equal(await program.ended, 1);
  assert.match(program.output(), /takes -conf and a file/);
});
