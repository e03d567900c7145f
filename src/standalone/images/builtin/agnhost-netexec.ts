/** agnhost netexec: an HTTP(S) and a UDP server that say who they are and who asks, and that can dial others. */
import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { dial, parseDial } from './agnhost-dial.ts';
import { parseDuration, pause } from './duration.ts';
import { formOf } from './form.ts';
import { answer, answerText, pathOf, queryOf, type Request, type Response } from './http-message.ts';
import { fail, formatPeer, listen } from './serving.ts';

type Flags = Readonly<Record<string, string>>;

/** As /healthz tells it: the UDP server listens. */
interface Readiness {
  udp: boolean;
}

const LARGEST_UPLOAD = 64 << 20;

export async function netexec(flags: Flags): Promise<void> {
  const readiness: Readiness = { udp: false };
  const override = flags['http-override'] ?? '';
  const handle = (request: Request, response: Response) => {
    if (override !== '') request.url = override;
    respond(request, response, readiness).catch((error: unknown) =>
      answerText(response, 500, `${(error as Error).message}\n`),
    );
  };
  const certificate = flags['tls-cert-file'] ?? '';
  const server = certificate === '' ? createServer(handle) : await secureServer(flags, handle);
  listen(server, Number(flags['http-port']), port => `Started HTTP server on port ${port}`);
  const udpPort = Number(flags['udp-port']);
  if (udpPort >= 0) await serveUdp(udpPort, flags['udp-listen-addresses'] ?? '', readiness);
}

async function secureServer(flags: Flags, handle: (request: Request, response: Response) => void) {
  const { createSecureServer } = await import('node:http2');
  const cert = readFileSync(flags['tls-cert-file'] ?? '');
  const key = readFileSync(flags['tls-private-key-file'] ?? '');
  const server = createSecureServer({ cert, key, allowHTTP1: true }, handle);
  server.on('sessionError', () => undefined); // a client that breaks the protocol has lost its connection
  return server;
}

async function respond(request: Request, response: Response, readiness: Readiness): Promise<void> {
  const path = pathOf(request);
  console.log(`GET ${request.url ?? ''}`);
  const form = () => formOf(request);
  switch (path) {
    case '/clientip':
      return answerText(response, 200, formatPeer(request.socket.remoteAddress, request.socket.remotePort));
    case '/serverport':
      return answerText(response, 200, String(request.socket.localPort ?? ''));
    case '/hostname':
    case '/hostName':
      return answerText(response, 200, hostname());
    case '/header':
      return answerText(
        response,
        200,
        String(request.headers[(queryOf(request).get('key') ?? '').toLowerCase()] ?? ''),
      );
    case '/healthz':
      return answerText(response, readiness.udp ? 200 : 412, '');
    case '/echo':
      return answerEcho(response, await form());
    case '/redirect':
      return answerRedirect(response, await form());
    case '/shell':
      return answerShell(response, await form());
    case '/dial':
      return answerDial(request, response);
    case '/upload':
      return answerUpload(request, response);
    case '/exit':
      return answerExit(response, await form());
    case '/shutdown':
      process.exit(0);
    // falls through: process.exit does not return
    default:
      return answerText(response, 200, `NOW: ${new Date().toISOString()}`);
  }
}

function answerEcho(response: Response, form: URLSearchParams): void {
  const code = form.get('code') ?? '';
  if (code !== '' && !/^[+-]?\d+$/.test(code))
    return answerText(
      response,
      200,
      `argument 'code' must be an integer or empty, got ${JSON.stringify(code)}\n`,
    );
  answerText(response, statusOf(code, 200), form.get('msg') ?? '');
}

function answerRedirect(response: Response, form: URLSearchParams): void {
  const code = form.get('code') ?? '';
  if (code !== '' && !/^[+-]?\d+$/.test(code))
    return answerText(
      response,
      200,
      `argument 'code' must be an integer or empty, got ${JSON.stringify(code)}\n`,
    );
  const location = form.get('location') ?? '';
  if (/[^\x20-\x7e]/.test(location)) return answerText(response, 400, 'the location is no URL\n');
  answer(response, statusOf(code, 302), '', { Location: location });
}

/** A status that HTTP can carry; 400 for any other. */
function statusOf(text: string, otherwise: number): number {
  if (text === '') return otherwise;
  const status = Number(text);
  return status >= 200 && status <= 999 ? status : 400;
}

async function answerShell(response: Response, form: URLSearchParams): Promise<void> {
  const command = form.get('shellCommand') || (form.get('cmd') ?? '');
  const child = spawn('/bin/sh', ['-c', command], { stdio: ['ignore', 'pipe', 'pipe'] });
  const parts: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (part: Buffer) => parts.push(part));
  const error = await new Promise<string>(resolve => {
    child.once('error', failure => resolve(failure.message));
    child.once('close', (code, signal) =>
      resolve(signal === null ? (code === 0 ? '' : `exit status ${code ?? 1}`) : `signal: ${signal}`),
    );
  });
  const output = Buffer.concat(parts).toString('utf8');
  const result = { ...(output === '' ? {} : { output }), ...(error === '' ? {} : { error }) };
  answerText(response, 200, JSON.stringify(result));
}

async function answerDial(request: Request, response: Response): Promise<void> {
  const asked = parseDial(queryOf(request));
  if (typeof asked === 'string') return answerText(response, 400, `${asked}\n`);
  answerText(response, 200, JSON.stringify(await dial(asked)));
}

/** Writes the file of a multipart form below /uploads and says where. */
async function answerUpload(request: Request, response: Response): Promise<void> {
  const type = request.headers['content-type'] ?? '';
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of request) {
    length += (part as Buffer).length;
    if (length > LARGEST_UPLOAD) return answerText(response, 413, '{"error":"The file is too large."}');
    parts.push(part as Buffer);
  }
  let file: unknown;
  try {
    const body = new globalThis.Response(Buffer.concat(parts), { headers: { 'content-type': type } });
    file = (await body.formData()).get('file');
  } catch {
    file = undefined;
  }
  if (!(file instanceof Blob)) return answerText(response, 200, '{"error":"Unable to upload file."}');
  mkdirSync('/uploads', { recursive: true });
  const name = join(mkdtempSync('/uploads/upload'), 'file');
  writeFileSync(name, Buffer.from(await file.arrayBuffer()));
  chmodSync(name, 0o700);
  answerText(response, 201, JSON.stringify({ output: name }));
}

async function answerExit(response: Response, form: URLSearchParams): Promise<void> {
  for (const name of ['timeout', 'wait']) {
    const text = form.get(name) ?? '';
    if (text !== '' && parseDuration(text) === undefined)
      return answerText(
        response,
        200,
        `argument '${name}' must be a valid golang duration or empty, got ${JSON.stringify(text)}\n`,
      );
  }
  const code = form.get('code') ?? '';
  if (code !== '' && !/^\d+$/.test(code))
    return answerText(
      response,
      200,
      `argument 'code' must be an integer [0-127] or empty, got ${JSON.stringify(code)}\n`,
    );
  const wait = parseDuration(form.get('wait') || '0') ?? 0;
  const timeout = parseDuration(form.get('timeout') || '0') ?? 0;
  if (wait > 0) await pause(wait);
  if (timeout > 0) {
    answerText(response, 200, '');
    await pause(Math.min(timeout, 1000)); // what is under way gets as long
  }
  process.exit(Number(code) & 255);
}

async function serveUdp(port: number, addresses: string, readiness: Readiness): Promise<void> {
  const { createSocket } = await import('node:dgram');
  const { isIP } = await import('node:net');
  const places = addresses === '' ? ['::'] : [...new Set(addresses.split(','))];
  for (const address of places) {
    const family = isIP(address);
    if (family === 0) fail(`--udp-listen-addresses: ${address} is no address`);
    const socket = createSocket({ type: family === 4 ? 'udp4' : 'udp6', ipv6Only: false });
    socket.on('error', error => fail(`UDP port ${port} cannot be used: ${error.message}`));
    socket.on('message', (message, from) => {
      const said = udpAnswer(message.toString('utf8').trim().toLowerCase(), from);
      if (said !== undefined) socket.send(said, from.port, from.address, () => undefined); // it may be gone
    });
    socket.bind(port, address, () => {
      readiness.udp = true;
      console.log(`Started UDP server on port ${addresses === '' ? '' : address} ${socket.address().port}`);
    });
  }
}

/** As in the original, what is echoed comes back in lower case. */
function udpAnswer(
  text: string,
  from: { readonly address: string; readonly port: number },
): string | undefined {
  if (text === 'hostname') return hostname();
  if (text === 'clientip') return formatPeer(from.address, from.port);
  if (text.startsWith('echo ')) return text.slice('echo '.length);
  if (text !== '') console.log(`Unknown UDP command received: ${text}`);
  return undefined;
}
