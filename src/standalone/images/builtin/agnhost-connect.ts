/** agnhost connect: tries one connection and says in a fixed word how it failed. */
import { createSocket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { createConnection, isIP } from 'node:net';
import { parseDuration } from './duration.ts';
import { fail } from './serving.ts';

export async function connect(destination: string, flags: Readonly<Record<string, string>>): Promise<void> {
  const place = splitHostPort(destination);
  if (typeof place === 'string') fail(`UNKNOWN: ${place}`);
  const milliseconds = parseDuration(flags.timeout ?? '0') ?? 0;
  const address = await resolve(place.host);
  if (flags.protocol === 'udp') await connectUdp(address, place.port, milliseconds, flags['udp-data'] ?? '');
  else await connectTcp(address, place.port, milliseconds);
  process.exit(0);
}

/** `host:port` or `[address]:port`; a sentence for anything else. */
function splitHostPort(text: string): { readonly host: string; readonly port: number } | string {
  const [, bracketed, plain, port = ''] = /^(?:\[([^\]]*)\]|([^:]*)):(\d{1,5})$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined || Number(port) > 65_535) return `address ${text}: it is not of the form host:port`;
  return { host, port: Number(port) };
}

async function resolve(host: string): Promise<string> {
  if (isIP(host) !== 0) return host;
  if (host === '') return '127.0.0.1';
  try {
    return (await lookup(host)).address;
  } catch (error) {
    return fail(`DNS: ${(error as Error).message}`);
  }
}

async function connectTcp(host: string, port: number, milliseconds: number): Promise<void> {
  const socket = createConnection({ host, port });
  const timer = milliseconds > 0 ? setTimeout(() => fail('TIMEOUT'), milliseconds) : undefined;
  await new Promise<void>(connected => {
    socket.once('connect', connected);
    socket.once('error', error => report(error));
  });
  clearTimeout(timer);
  socket.destroy();
}

async function connectUdp(host: string, port: number, milliseconds: number, data: string): Promise<void> {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  const timer = milliseconds > 0 ? setTimeout(() => fail('TIMEOUT: no answer'), milliseconds) : undefined;
  await new Promise<void>(answered => {
    socket.once('error', error => report(error));
    socket.once('message', () => answered());
    socket.connect(port, host, () => socket.send(`${data}\n`));
  });
  clearTimeout(timer);
  socket.close();
}

function report(error: NodeJS.ErrnoException): never {
  if (error.code === 'ECONNREFUSED') fail('REFUSED');
  if (error.code === 'ETIMEDOUT') fail('TIMEOUT');
  return fail(`OTHER: ${error.message}`);
}
