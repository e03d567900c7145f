/**
 * The program behind builtin://echo and builtin://agnhost: one file without imports of ours, so that a pod starts it
 * fast. `echo-basic` answers as the Gateway API's conformance back end does; `netexec`, `serve-hostname` and `pause`
 * as the parts of Kubernetes' agnhost of these names do. Unknown arguments were refused before (arguments.ts).
 */
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { hostname } from 'node:os';

const [mode = '', ...flags] = process.argv.slice(2);
const environment = process.env;

for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => process.exit(0));

/** The echo server's answer to everything that is no special path: what arrived, and who answers. */
function echo(request: IncomingMessage, response: ServerResponse): void {
  const path = request.url ?? '/';
  if (path === '/health') {
    response.writeHead(200).end('OK');
    return;
  }
  const status = /^\/status\/([1-5]\d\d)(?:[/?]|$)/.exec(path);
  const body = {
    path,
    host: request.headers.host ?? '',
    method: request.method,
    proto: `HTTP/${request.httpVersion}`,
    headers: headersOf(request),
    httpPort: String(port('HTTP_PORT', 3000)),
    namespace: environment.NAMESPACE ?? '',
    ingress: environment.INGRESS_NAME ?? '',
    service: environment.SERVICE_NAME ?? '',
    pod: environment.POD_NAME ?? '',
  };
  setAskedHeaders(request, response);
  response.setHeader('Content-Type', 'application/json');
  response.setHeader('X-Content-Type-Options', 'nosniff');
  response.writeHead(status === null ? 200 : Number(status[1]));
  response.end(JSON.stringify(body, null, 1));
}

/** As Go's net/http shows them: canonical names, every value a list, `Host` apart. */
function headersOf(request: IncomingMessage): Record<string, string[]> {
  const headers: Record<string, string[]> = {};
  for (let index = 0; index + 1 < request.rawHeaders.length; index += 2) {
    const name = canonical(request.rawHeaders[index] ?? '');
    if (name !== 'Host') (headers[name] ??= []).push(request.rawHeaders[index + 1] ?? '');
  }
  return headers;
}

function canonical(name: string): string {
  return name.toLowerCase().replace(/(^|-)[a-z]/g, letter => letter.toUpperCase());
}

/** `X-Echo-Set-Header: name: value, other: value` asks for response headers. */
function setAskedHeaders(request: IncomingMessage, response: ServerResponse): void {
  const asked = request.headers['x-echo-set-header'];
  for (const pair of String(asked ?? '').split(',')) {
    const colon = pair.indexOf(':');
    const name = pair.slice(0, Math.max(colon, 0)).trim();
    if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name)) continue;
    response.appendHeader(name, pair.slice(colon + 1).trim());
  }
}

type Answer = readonly [status: number, body: string];

/** agnhost netexec over HTTP; null: the root page, which every other path gets. */
function netexec(request: IncomingMessage): Answer {
  const url = new URL(request.url ?? '/', 'http://pod');
  switch (url.pathname) {
    case '/hostname':
      return [200, hostname()];
    case '/clientip':
      return [200, remote(request.socket.remoteAddress, request.socket.remotePort)];
    case '/echo':
      return [Number(url.searchParams.get('code') ?? 200), url.searchParams.get('msg') ?? ''];
    case '/healthz':
      return [200, ''];
    case '/header':
      return [200, String(request.headers[(url.searchParams.get('key') ?? '').toLowerCase()] ?? '')];
    case '/exit': {
      const code = Number(url.searchParams.get('code') ?? 0);
      setImmediate(() => process.exit(Number.isInteger(code) ? code & 255 : 0));
      return [200, ''];
    }
    case '/dial':
    case '/redirect':
    case '/shell':
    case '/shutdown':
    case '/upload':
      return [501, `builtin://agnhost does not offer ${url.pathname}\n`];
    default:
      return [200, `NOW: ${new Date().toISOString()}`];
  }
}

/** As Go prints a peer: `1.2.3.4:80`, `[fd00::1]:80`. */
function remote(address = '', peerPort = 0): string {
  const plain = address.replace(/^::ffff:(?=\d+\.)/, '');
  return plain.includes(':') ? `[${plain}]:${peerPort}` : `${plain}:${peerPort}`;
}

function plainText(answer: (request: IncomingMessage) => Answer): RequestListener {
  return (request, response) => {
    const [status, body] = answer(request);
    const code = Number.isInteger(status) && status >= 200 && status <= 599 ? status : 400;
    response.writeHead(code, { 'Content-Type': 'text/plain; charset=utf-8' }).end(body);
  };
}

/** On every address of both families. */
function listen(at: number, handler: RequestListener): void {
  const server = createServer(handler);
  server.on('error', error => fail(`port ${at} cannot be listened on: ${error.message}`));
  server.listen(at, () => console.log(`Serving HTTP on port ${at}`));
}

async function listenUdp(at: number): Promise<void> {
  const { createSocket } = await import('node:dgram');
  const socket = createSocket({ type: 'udp6', ipv6Only: false });
  socket.on('error', error => fail(`UDP port ${at} cannot be used: ${error.message}`));
  socket.on('message', (message, from) => {
    const [command = '', ...words] = message.toString().trim().split(' ');
    const answers: Record<string, () => string> = {
      hostname: () => hostname(),
      echo: () => words.join(' '),
      clientip: () => remote(from.address, from.port),
    };
    const answer = Object.hasOwn(answers, command.toLowerCase())
      ? answers[command.toLowerCase()]?.()
      : undefined;
    if (answer !== undefined) socket.send(answer, from.port, from.address);
  });
  socket.bind(at, () => console.log(`Serving UDP on port ${at}`));
}

function fail(sentence: string): never {
  console.error(sentence);
  process.exit(1);
}

function port(variable: string, otherwise: number): number {
  const text = environment[variable] ?? '';
  if (text === '') return otherwise;
  return /^\d{1,5}$/.test(text) && Number(text) <= 65_535
    ? Number(text)
    : fail(`${variable} is no port: ${text}`);
}

function flag(name: string, otherwise: number): number {
  const at = flags.findIndex(each => each === `--${name}` || each.startsWith(`--${name}=`));
  if (at < 0) return otherwise;
  return Number(flags[at]?.split('=')[1] ?? flags[at + 1]);
}

switch (mode) {
  case 'echo-basic':
    listen(port('HTTP_PORT', 3000), echo);
    break;
  case 'netexec':
    listen(flag('http-port', 8080), plainText(netexec));
    if (flag('udp-port', 8081) >= 0) await listenUdp(flag('udp-port', 8081));
    break;
  case 'serve-hostname':
    listen(
      flag('port', 9376),
      plainText(() => [200, hostname()]),
    );
    break;
  case 'pause':
    setInterval(() => undefined, 2 ** 30);
    break;
  default:
    fail(`unknown subcommand: ${mode}`);
}
