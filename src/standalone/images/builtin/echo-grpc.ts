/** The echo server over gRPC: gateway_api_conformance.echo_basic.grpcecho.GrpcEcho, without reflection. */
import { createSecureServer, createServer, type IncomingHttpHeaders } from 'node:http2';
import type { TLSSocket } from 'node:tls';
import { serveCall, type Call, type Services } from './grpc.ts';
import { messageField, stringField } from './protobuf.ts';
import { listen, podContext, portIn } from './serving.ts';
import { tlsFacts, tlsFiles, type TlsFacts } from './tls-facts.ts';

const SERVICE = 'gateway_api_conformance.echo_basic.grpcecho.GrpcEcho';

export function serveGrpcEcho(): void {
  const port = portIn('HTTP_PORT', 3000);
  const securePort = portIn('HTTPS_PORT', 8443);
  const plain = createServer();
  plain.on('stream', (stream, headers) => serveCall(services('plaintext'), stream, headers));
  // The original listens on IPv4 alone, and so does its stand-in.
  listen(plain, port, actual => `plaintext server listening at 0.0.0.0:${actual}`, '0.0.0.0');
  const files = tlsFiles('TLS_SERVER_PRIV_KEY');
  if (files === undefined) return;
  const secure = createSecureServer({ ...files, ALPNProtocols: ['h2'] });
  secure.on('stream', (stream, headers) => serveCall(services('TLS'), stream, headers));
  secure.on('sessionError', () => undefined); // a client that breaks the protocol has lost its connection
  listen(secure, securePort, actual => `secure server listening at 0.0.0.0:${actual}`, '0.0.0.0');
}

function services(kind: 'plaintext' | 'TLS'): Services {
  const echo = (call: Call) => {
    console.log(`Received over ${kind}: ${call.path}`);
    const socket = call.stream.session?.socket as TLSSocket | undefined;
    return messageField(
      1,
      assertions(call, kind === 'TLS' && socket !== undefined ? tlsFacts(socket) : undefined),
    );
  };
  return { [SERVICE]: { Echo: echo, EchoTwo: echo, EchoThree: undefined } };
}

function assertions(call: Call, tls: TlsFacts | undefined): Buffer {
  const { namespace, ingress, service, pod } = podContext();
  const context = [namespace, ingress, service, pod].map((text, index) => stringField(index + 1, text));
  return Buffer.concat([
    stringField(1, call.path),
    ...metadata(call.headers).map(([key, value]) =>
      messageField(2, Buffer.concat([stringField(1, key), stringField(2, value)])),
    ),
    stringField(3, call.headers[':authority'] ?? ''),
    messageField(4, Buffer.concat(context)),
    ...(tls === undefined ? [] : [messageField(5, tlsAssertions(tls))]),
  ]);
}

function tlsAssertions(tls: TlsFacts): Buffer {
  return Buffer.concat([
    stringField(1, tls.version),
    stringField(2, tls.negotiatedProtocol ?? ''),
    stringField(3, tls.serverName),
    stringField(4, tls.cipherSuite),
    ...(tls.peerCertificates ?? []).map(certificate => stringField(5, certificate)),
  ]);
}

/** What a gRPC server shows its methods: not what belongs to the transport. */
function metadata(headers: IncomingHttpHeaders): readonly (readonly [string, string])[] {
  return Object.entries(headers).flatMap(([name, value]) => {
    if (TRANSPORT.has(name) || (name.startsWith(':') && name !== ':authority')) return [];
    const values = Array.isArray(value) ? value : [value ?? ''];
    return values.flatMap(each => {
      if (!name.endsWith('-bin')) return [[name, each] as const];
      return each.split(',').map(part => [name, Buffer.from(part, 'base64').toString('latin1')] as const);
    });
  });
}

const TRANSPORT: ReadonlySet<string> = new Set([
  'te',
  'grpc-encoding',
  'grpc-message',
  'grpc-message-type',
  'grpc-status',
  'grpc-timeout',
]);
