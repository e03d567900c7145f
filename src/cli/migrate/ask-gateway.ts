import type { Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { sentenceOf } from '../../base/errors.ts';
import type { ModelRequest } from '../../insight/migrate/ingress/model/index.ts';
import type { GatewayAnswer } from '../../insight/migrate/ingress/proof/index.ts';
import { connectIn } from '../../kernel/ns/index.ts';

export interface AskedGateway {
  /** The network namespace to ask from. */
  readonly namespacePath: string;
  readonly address: string;
}

const MILLISECONDS = 10_000;
/** A head that is longer is cut off. */
const LONGEST_HEAD = 65_536;

/**
 * Sends one request on a connection of its own, octet for octet, and reads the head of the answer. Certificates are not
 * checked: what is asked is where the request goes. It never throws for what the network or the gateway does.
 */
export async function askGateway(
  { address, namespacePath }: AskedGateway,
  request: ModelRequest,
): Promise<GatewayAnswer> {
  const port = request.scheme === 'https' ? 443 : 80;
  let socket: Socket | undefined;
  try {
    socket = await connectIn(namespacePath, { host: address, port, timeoutMilliseconds: MILLISECONDS });
    socket.on('error', () => undefined); // told by whoever reads
    return readHead(
      await exchange(request.scheme === 'https' ? await secured(socket, request) : socket, request),
    );
  } catch (error) {
    return { failure: sentenceOf(error) };
  } finally {
    socket?.destroy();
  }
}

function secured(socket: Socket, { serverName }: ModelRequest): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const stream = connectTls({
      socket,
      rejectUnauthorized: false,
      ALPNProtocols: ['http/1.1'],
      ...(serverName === undefined ? {} : { servername: serverName }),
    });
    stream.setTimeout(MILLISECONDS, () => stream.destroy(new Error('no TLS handshake in time')));
    stream.once('error', reject).once('secureConnect', () => resolve(stream));
  });
}

function exchange(
  stream: Socket,
  { bodyLength, headers, host, method, target }: ModelRequest,
): Promise<string> {
  const fields = Object.entries({ host, connection: 'close', ...headers }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  );
  const length = bodyLength > 0 ? `content-length: ${bodyLength}\r\n` : '';
  return new Promise((resolve, reject) => {
    let text = '';
    stream.setTimeout(MILLISECONDS, () => stream.destroy(new Error('no answer in time')));
    stream.on('data', (part: Buffer) => {
      text += part.toString('latin1');
      if (text.includes('\r\n\r\n') || text.length > LONGEST_HEAD) resolve(text);
    });
    stream.once('error', error => (text === '' ? reject(error) : resolve(text)));
    stream.once('close', () =>
      text === '' ? reject(new Error('the connection was closed')) : resolve(text),
    );
    stream.write(`${method} ${target} HTTP/1.1\r\n${fields.join('')}${length}\r\n`, 'latin1');
    if (bodyLength > 0) stream.write(Buffer.alloc(bodyLength));
  });
}

function readHead(text: string): GatewayAnswer {
  const [, status] = /^HTTP\/1\.[01] (\d{3})/.exec(text) ?? [];
  if (status === undefined) return { failure: 'the answer is no HTTP' };
  const [head = ''] = text.split('\r\n\r\n', 1);
  return { status: Number(status), location: /^location: *(.*?)\r?$/im.exec(head)?.[1] };
}
