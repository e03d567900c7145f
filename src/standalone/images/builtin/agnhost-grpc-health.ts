/** agnhost grpc-health-checking: grpc.health.v1.Health, healthy until it is told otherwise. */
import { readFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createSecureServer, createServer } from 'node:http2';
import { GrpcError, NOT_FOUND, serveCall, type Services } from './grpc.ts';
import { answerText, pathOf } from './http-message.ts';
import { numberField, readString } from './protobuf.ts';
import { listen } from './serving.ts';

const SERVING = 1;
const NOT_SERVING = 2;

export function grpcHealthChecking(flags: Readonly<Record<string, string>>): void {
  const started = performance.now();
  const delay = Number(flags['delay-unhealthy-sec']);
  let told: 'serving' | 'not-serving' | undefined;
  const isServing = () => {
    const isLate = delay >= 0 && performance.now() - started >= delay * 1000;
    return told !== 'not-serving' && !isLate;
  };
  const control = createHttpServer((request, response) => {
    const path = pathOf(request);
    if (path !== '/make-serving' && path !== '/make-not-serving')
      return answerText(response, 404, '404 page not found\n');
    told = path === '/make-serving' ? 'serving' : 'not-serving';
    return answerText(response, 200, `${((performance.now() - started) / 1000).toFixed(3)}s`);
  });
  listen(control, Number(flags['http-port']), port => `Http server starting to listen on :${port}`);
  const services: Services = {
    'grpc.health.v1.Health': {
      Check: ({ message }) => {
        if (readString(message, 1) !== flags.service) throw new GrpcError(NOT_FOUND, 'unknown service');
        return numberField(1, isServing() ? SERVING : NOT_SERVING);
      },
      Watch: undefined,
    },
  };
  const certificate = flags['tls-cert-file'] ?? '';
  const server =
    certificate === ''
      ? createServer()
      : createSecureServer({
          cert: readFileSync(certificate),
          key: readFileSync(flags['tls-private-key-file'] ?? ''),
        });
  server.on('stream', (stream, headers) => serveCall(services, stream, headers));
  server.on('sessionError', () => undefined); // a client that breaks the protocol has lost its connection
  listen(server, Number(flags.port), port => `gRPC server starting to listen on :${port}`);
}
