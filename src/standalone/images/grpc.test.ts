/** gRPC of the built-in images, by a client over HTTP/2 and messages that protobufjs reads and writes. */
import assert from 'node:assert/strict';
import { connect } from 'node:http2';
import { test } from 'node:test';
import protobuf from 'protobufjs';
import { startProgram } from './testing/program.ts';

const schema = protobuf.parse(`
  syntax = "proto3";
  message Header { string key = 1; string value = 2; }
  message Context { string namespace = 1; string ingress = 2; string service_name = 3; string pod = 4; }
  message Assertions {
    string fully_qualified_method = 1; repeated Header headers = 2; string authority = 3; Context context = 4;
  }
  message EchoResponse { Assertions assertions = 1; }
  message HealthCheckRequest { string service = 1; }
  message HealthCheckResponse { uint32 status = 1; }
`).root;

interface Outcome {
  readonly status: string;
  readonly message: string;
  readonly body: Buffer;
}

async function call(
  port: number,
  path: string,
  message: Uint8Array = new Uint8Array(),
  headers: Readonly<Record<string, string>> = {},
): Promise<Outcome> {
  const session = connect(`http://127.0.0.1:${port}`);
  try {
    const stream = session.request({
      ':method': 'POST',
      ':path': path,
      'content-type': 'application/grpc',
      te: 'trailers',
      ...headers,
    });
    const found: Record<string, string | number | undefined> = {};
    stream.on('response', each => Object.assign(found, each));
    stream.on('trailers', each => Object.assign(found, each));
    const frame = Buffer.alloc(5);
    frame.writeUInt32BE(message.length, 1);
    stream.end(Buffer.concat([frame, message]));
    const parts: Buffer[] = [];
    for await (const part of stream) parts.push(part as Buffer);
    return {
      status: (found['grpc-status'] ?? `HTTP ${found[':status'] ?? 'none'}`).toString(),
      message: (found['grpc-message'] ?? '').toString(),
      body: Buffer.concat(parts),
    };
  } finally {
    session.close();
  }
}

const ECHO = '/gateway_api_conformance.echo_basic.grpcecho.GrpcEcho';

test('the echo server answers both of its methods with what it was called with', async () => {
  await using program = startProgram('echo', [], {
    GRPC_ECHO_SERVER: '1',
    NAMESPACE: 'ns',
    SERVICE_NAME: 'sv',
    POD_NAME: 'pod-1',
  });
  const port = await program.port(/plaintext server listening at 0\.0\.0\.0:(\d+)/);
  for (const method of ['Echo', 'EchoTwo']) {
    const { status, body } = await call(port, `${ECHO}/${method}`, undefined, { version: 'two' });
    assert.equal(status, '0');
    assert.deepEqual([body[0], body.readUInt32BE(1)], [0, body.length - 5]);
    const type = schema.lookupType('EchoResponse');
    const { assertions } = type.toObject(type.decode(body.subarray(5))) as {
      readonly assertions: {
        readonly fullyQualifiedMethod: string;
        readonly authority: string;
        readonly headers: readonly { readonly key: string; readonly value: string }[];
        readonly context: Readonly<Record<string, string>>;
      };
    };
    assert.equal(assertions.fullyQualifiedMethod, `${ECHO}/${method}`);
    assert.equal(assertions.authority, `127.0.0.1:${port}`);
    assert.deepEqual(assertions.context, { namespace: 'ns', serviceName: 'sv', pod: 'pod-1' });
    const headers = Object.fromEntries(assertions.headers.map(({ key, value }) => [key, value]));
    assert.deepEqual(headers, {
      ':authority': `127.0.0.1:${port}`,
      'content-type': 'application/grpc',
      version: 'two',
    });
  }
  await program.printed(/Received over plaintext: .*\/Echo$/m);
});

test('what is not implemented, no gRPC, or more than a message is told by its status', async () => {
  await using program = startProgram('echo', [], { GRPC_ECHO_SERVER: '1' });
  const port = await program.port(/plaintext server listening at 0\.0\.0\.0:(\d+)/);
  const three = await call(port, `${ECHO}/EchoThree`);
  assert.deepEqual([three.status, three.message], ['12', 'method%20EchoThree%20not%20implemented']);
  assert.equal((await call(port, `${ECHO}/Other`)).status, '12');
  assert.equal((await call(port, '/no.Service/Echo')).status, '12');
  assert.equal((await call(port, '/')).status, '12');
  const { status } = await call(port, `${ECHO}/Echo`, undefined, { 'content-type': 'text/plain' });
  assert.equal(status, 'HTTP 415');
});

test('the health check serves until it is told not to', async () => {
  await using program = startProgram('agnhost', [
    'grpc-health-checking',
    '--port=0',
    '--http-port=0',
    '--service=web',
  ]);
  const port = await program.port(/gRPC server starting to listen on :(\d+)/);
  const control = await program.port(/Http server starting to listen on :(\d+)/);
  const request = schema.lookupType('HealthCheckRequest');
  const answer = schema.lookupType('HealthCheckResponse');
  const check = async (service: string) => {
    const path = '/grpc.health.v1.Health/Check';
    const { status, body } = await call(port, path, request.encode(request.create({ service })).finish());
    return status === '0' ? (answer.toObject(answer.decode(body.subarray(5))) as object) : status;
  };
  assert.deepEqual(await check('web'), { status: 1 });
  assert.equal(await check('other'), '5');
  await fetch(`http://127.0.0.1:${control}/make-not-serving`);
  assert.deepEqual(await check('web'), { status: 2 });
  await fetch(`http://127.0.0.1:${control}/make-serving`);
  assert.deepEqual(await check('web'), { status: 1 });
});
