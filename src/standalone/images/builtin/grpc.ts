/** Unary gRPC methods over HTTP/2 streams: framing, status in the trailers, the errors that grpc-go gives. */
import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';

export const NOT_FOUND = 5;
const RESOURCE_EXHAUSTED = 8;
const UNIMPLEMENTED = 12;
const INTERNAL = 13;
const LARGEST_MESSAGE = 4 << 20;

export class GrpcError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export interface Call {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly message: Buffer;
  readonly stream: ServerHttp2Stream;
}

/** Services by their full name, with their methods; undefined: declared, and not implemented. */
export type Services = Readonly<
  Record<string, Readonly<Record<string, ((call: Call) => Buffer) | undefined>>>
>;

/** Answers one stream. Never throws: what goes wrong is a gRPC status, or an HTTP one where it is no gRPC. */
export function serveCall(services: Services, stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
  stream.on('error', () => undefined); // its client is gone
  const type = headers['content-type'] ?? '';
  if (headers[':method'] !== 'POST') {
    stream.respond({ ':status': 405 }, { endStream: true });
    return;
  }
  if (!/^application\/grpc(?:$|[+;])/.test(type)) {
    stream.respond({ ':status': 415 }, { endStream: true });
    return;
  }
  const path = headers[':path'] ?? '';
  const method = find(services, path);
  if (method instanceof GrpcError) {
    fail(stream, method);
    return;
  }
  const parts: Buffer[] = [];
  let length = 0;
  stream.on('data', (part: Buffer) => {
    length += part.length;
    if (length <= LARGEST_MESSAGE + 5) parts.push(part);
    else fail(stream, new GrpcError(RESOURCE_EXHAUSTED, 'grpc: received message larger than max'));
  });
  stream.on('end', () => {
    if (stream.headersSent) return;
    try {
      const message = unframe(Buffer.concat(parts), headers);
      succeed(stream, method({ path, headers, message, stream }));
    } catch (error) {
      fail(stream, error instanceof GrpcError ? error : new GrpcError(INTERNAL, (error as Error).message));
    }
  });
}

function find(services: Services, path: string): ((call: Call) => Buffer) | GrpcError {
  const slash = path.lastIndexOf('/');
  const name = path.slice(1, Math.max(slash, 1));
  const method = path.slice(slash + 1);
  const service = Object.hasOwn(services, name) ? services[name] : undefined;
  if (service === undefined) return new GrpcError(UNIMPLEMENTED, `unknown service ${name}`);
  if (!Object.hasOwn(service, method))
    return new GrpcError(UNIMPLEMENTED, `unknown method ${method} for service ${name}`);
  return service[method] ?? new GrpcError(UNIMPLEMENTED, `method ${method} not implemented`);
}

/** One message, not compressed: `0`, its length in four bytes, its bytes. */
function unframe(bytes: Buffer, headers: IncomingHttpHeaders): Buffer {
  if (bytes.length < 5 || bytes.length !== 5 + bytes.readUInt32BE(1))
    throw new GrpcError(INTERNAL, 'the request is not exactly one message');
  if (bytes[0] !== 0) {
    const encoding = String(headers['grpc-encoding'] ?? '');
    throw new GrpcError(
      UNIMPLEMENTED,
      `grpc: Decompressor is not installed for grpc-encoding ${JSON.stringify(encoding)}`,
    );
  }
  return bytes.subarray(5);
}

function succeed(stream: ServerHttp2Stream, message: Buffer): void {
  const frame = Buffer.alloc(5);
  frame.writeUInt32BE(message.length, 1);
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
  stream.once('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0', 'grpc-message': '' }));
  stream.end(Buffer.concat([frame, message]));
}

function fail(stream: ServerHttp2Stream, error: GrpcError): void {
  if (stream.destroyed || stream.headersSent) return;
  stream.respond(
    {
      ':status': 200,
      'content-type': 'application/grpc',
      'grpc-status': String(error.status),
      'grpc-message': encodeURI(error.message),
    },
    { endStream: true },
  );
}
