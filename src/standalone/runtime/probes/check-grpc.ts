import { connectIn } from '../../../kernel/ns/index.ts';
import type { Outcome, Place } from './handler.ts';

export interface GrpcTarget extends Place {
  readonly service: string;
}

const SERVING = 1;
const LARGEST_ANSWER = 4096;
/** The longest that two bytes of a varint can tell. */
const LONGEST_NAME = 0x3fff;

/** grpc.health.v1.Health/Check over plain HTTP/2; SERVING is a success. */
export async function checkGrpc(target: GrpcTarget, timeoutMilliseconds: number): Promise<Outcome> {
  const { namespacePath, host, port } = target;
  const socket = await connectIn(namespacePath, { host, port, timeoutMilliseconds });
  const { connect } = await import('node:http2');
  const session = connect('http://probe', { createConnection: () => socket });
  try {
    return await new Promise<Outcome>((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`no answer within ${timeoutMilliseconds / 1000}s`)),
        timeoutMilliseconds,
      );
      session.once('error', reject);
      const call = session.request({
        ':method': 'POST',
        ':path': '/grpc.health.v1.Health/Check',
        'content-type': 'application/grpc',
        'user-agent': 'kube-probe/1.32',
        te: 'trailers',
      });
      const parts: Buffer[] = [];
      let status = 'none';
      call.once('response', headers => (status = String(headers['grpc-status'] ?? status)));
      call.once('trailers', headers => (status = String(headers['grpc-status'] ?? status)));
      let length = 0;
      call.on('data', (part: Buffer) => {
        length += part.length;
        if (length > LARGEST_ANSWER) call.destroy(new Error('the answer is too long for a health check'));
        else parts.push(part);
      });
      call.once('error', reject);
      call.once('close', () => {
        clearTimeout(timer);
        resolve(outcomeOf(status, Buffer.concat(parts)));
      });
      call.end(frame(target.service));
    });
  } finally {
    session.destroy();
  }
}

/** HealthCheckRequest { string service = 1 } in a gRPC frame: not compressed, length, message. */
function frame(service: string): Buffer {
  const name = Buffer.from(service);
  if (name.length > LONGEST_NAME) throw new Error(`the service name has ${name.length} bytes`);
  const length = name.length < 0x80 ? [name.length] : [0x80 | (name.length & 0x7f), name.length >> 7];
  const message = name.length === 0 ? name : Buffer.concat([Buffer.of(0x0a, ...length), name]);
  const header = Buffer.alloc(5);
  header.writeUInt32BE(message.length, 1);
  return Buffer.concat([header, message]);
}

/** HealthCheckResponse { ServingStatus status = 1 }. */
function outcomeOf(status: string, body: Buffer): Outcome {
  if (status !== '0')
    return { ok: false, message: `service unhealthy: the call ended with gRPC status ${status}` };
  const serving = body[5] === 0x08 ? (body[6] ?? 0) : 0;
  if (serving === SERVING) return { ok: true };
  return {
    ok: false,
    message: `service unhealthy (responded with "${['UNKNOWN', '', 'NOT_SERVING'][serving] ?? serving}")`,
  };
}
