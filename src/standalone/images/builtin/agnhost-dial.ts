/** `/dial` of netexec: asks another pod, as often as wanted, and reports every answer and every failure. */
import { lookup } from 'node:dns/promises';
import { createSocket } from 'node:dgram';
import { request } from 'node:http';
import { isIP } from 'node:net';

export interface Dial {
  readonly host: string;
  readonly port: number;
  readonly request: string;
  readonly protocol: 'http' | 'udp';
  readonly tries: number;
}

const PATIENCE = 5000;
const MOST_TRIES = 10_000;
const LARGEST_ANSWER = 1 << 20;

/** A sentence when the query asks for what cannot be dialled. */
export function parseDial(query: URLSearchParams): Dial | string {
  const tries = query.get('tries') ?? '';
  if (tries !== '' && !/^\d{1,9}$/.test(tries))
    return `tries parameter is invalid. ${JSON.stringify(tries)} is no number`;
  if (Number(tries) > MOST_TRIES) return `tries parameter is invalid. At most ${MOST_TRIES} are made`;
  const asked = query.get('request') ?? '';
  if (asked === '') return 'request parameter not specified.';
  const protocol = (query.get('protocol') || 'http').toLowerCase();
  if (protocol === 'sctp') return 'unsupported protocol. SCTP is not offered by this stand-in';
  if (protocol !== 'http' && protocol !== 'udp') return `unsupported protocol. ${protocol}`;
  const port = query.get('port') ?? '';
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535)
    return `host and/or port param are invalid. ${JSON.stringify(port)} is no port`;
  return {
    host: query.get('host') ?? '',
    port: Number(port),
    request: asked,
    protocol,
    tries: tries === '' ? 1 : Number(tries),
  };
}

/** The name is resolved once; a failure to do so is every try's failure. */
export async function dial(
  asked: Dial,
): Promise<{ readonly responses?: readonly string[]; readonly errors?: readonly string[] }> {
  const responses: string[] = [];
  const errors: string[] = [];
  try {
    const address = await resolve(asked.host);
    for (let count = 0; count < asked.tries; count++) {
      const attempt = asked.protocol === 'http' ? dialHttp(asked, address) : dialUdp(asked, address);
      await attempt.then(
        text => responses.push(text),
        (error: unknown) => errors.push((error as Error).message),
      );
    }
  } catch (error) {
    errors.push((error as Error).message);
  }
  return {
    ...(responses.length === 0 ? {} : { responses }),
    ...(errors.length === 0 ? {} : { errors }),
  };
}

async function resolve(host: string): Promise<string> {
  const plain = host.replace(/^\[(.*)\]$/, '$1');
  if (isIP(plain) !== 0) return plain;
  return (await lookup(plain === '' ? 'localhost' : plain)).address;
}

function dialHttp(asked: Dial, address: string): Promise<string> {
  return new Promise((done, failed) => {
    const place = address.includes(':') ? `[${address}]` : address;
    const url = `http://${place}:${asked.port}/${asked.request}`;
    const call = request(url, { agent: false, timeout: PATIENCE });
    const timer = setTimeout(
      () => call.destroy(new Error(`Get ${JSON.stringify(url)}: no answer within ${PATIENCE / 1000}s`)),
      PATIENCE,
    );
    call.once('close', () => clearTimeout(timer));
    call.once('error', failed);
    call.once('response', response => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => {
        if (text.length < LARGEST_ANSWER) text += part;
      });
      response.once('error', failed);
      response.once('end', () => done(text));
    });
    call.end();
  });
}

function dialUdp(asked: Dial, address: string): Promise<string> {
  return new Promise((done, failed) => {
    const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
    const end = (settle: () => void) => {
      clearTimeout(timer);
      socket.close();
      settle();
    };
    const fail = (why: string) =>
      end(() => failed(new Error(`reading from udp connection failed. err:'${why}'`)));
    const timer = setTimeout(() => fail('i/o timeout'), PATIENCE);
    socket.once('error', error => fail(error.message));
    socket.once('message', message => end(() => done(message.toString('utf8'))));
    socket.connect(asked.port, address, () => socket.send(asked.request));
  });
}
