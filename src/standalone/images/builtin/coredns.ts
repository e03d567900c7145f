/**
 * The program behind builtin://coredns: the plugins whoami, forward, log, errors and ready of a Corefile. Anything else that
 * a Corefile asks for is refused before it starts.
 */
import { createSocket } from 'node:dgram';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { Blocks } from './corefile.ts';
import { parseCorefile } from './corefile.ts';
import { answerWhoami, nameOf, refusal } from './dns-answers.ts';
import { fail, formatPeer, listen } from './serving.ts';

/** An upstream that says nothing for so long will not. */
const PATIENCE_MILLISECONDS = 2000;
const HEALTH_PORT = 8181;

for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => process.exit(0));

const file = corefileOf(process.argv.slice(2));
const blocks = read(file);
for (const port of new Set(blocks.map(block => block.port))) serve(port, blocks);
if (blocks.some(({ plugins }) => plugins.some(({ name }) => name === 'ready')))
  listen(
    createServer((_, response) => response.end('OK')),
    HEALTH_PORT,
    port => `ready on :${port}`,
  );

function corefileOf(rest: readonly string[]): string {
  const [flag = '', path = ''] = rest;
  const [, joined] = /^--?conf=(.+)$/.exec(flag) ?? [];
  if (joined !== undefined && rest.length === 1) return joined;
  if (/^--?conf$/.test(flag) && path !== '' && rest.length === 2) return path;
  return fail(`builtin://coredns takes -conf and a file, but got: ${rest.join(' ')}`);
}

function read(path: string): Blocks {
  try {
    return parseCorefile(readFileSync(path, 'utf8'));
  } catch (error) {
    return fail(`${path}: ${(error as Error).message}`); // only Errors are thrown there
  }
}

/** The longest zone that a name is in has the question. */
function serve(port: number, all: Blocks): void {
  const own = all
    .filter(block => block.port === port)
    .flatMap(({ plugins, zones }) => zones.map(zone => ({ zone, plugins })))
    .toSorted((a, b) => b.zone.length - a.zone.length);
  const socket = createSocket({ type: 'udp6', ipv6Only: false });
  socket.on('error', error => fail(`UDP port ${port} cannot be used: ${error.message}`));
  socket.on('message', (query, from) => {
    const name = nameOf(query);
    if (name === undefined) return;
    const send = (answer: Uint8Array) => socket.send(answer, from.port, from.address, () => undefined); // a peer that is gone hears nothing
    const block = own.find(({ zone }) => zone === '.' || name === zone || name.endsWith(`.${zone}`));
    if (block?.plugins.some(({ name: plugin }) => plugin === 'log') === true)
      console.log(`[INFO] ${formatPeer(from.address, from.port)} - "${name}"`);
    const forward = block?.plugins.find(({ name: plugin }) => plugin === 'forward');
    if (block?.plugins.some(({ name: plugin }) => plugin === 'whoami') === true)
      send(answerWhoami(query, from));
    else if (forward !== undefined) ask(query, forward.upstreams, send);
    else send(refusal(query));
  });
  socket.bind(port, () =>
    console.log(`${own.map(({ zone }) => zone).join(' ')} on :${socket.address().port}`),
  );
}

/** The first upstream that answers; where none does, that is said. */
function ask(query: Buffer, upstreams: readonly string[], send: (answer: Uint8Array) => void): void {
  const [first, ...rest] = upstreams;
  if (first === undefined) {
    send(refusal(query, 2));
    return;
  }
  const socket = createSocket(first.includes(':') ? 'udp6' : 'udp4');
  const timer = setTimeout(() => end(() => ask(query, rest, send)), PATIENCE_MILLISECONDS);
  const end = (next: () => void) => {
    clearTimeout(timer);
    socket.close();
    next();
  };
  socket.once('error', () => end(() => ask(query, rest, send)));
  socket.once('message', answer => end(() => send(answer)));
  socket.send(query, 53, first);
}
