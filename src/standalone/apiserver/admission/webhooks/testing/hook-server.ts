import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { makeAuthority, signCertificate } from '../../../pki/certificate.ts';

/** A webhook's part of the talk, for tests: the request of the review in, the response out. */
export type Answer = (request: HookRequest) => object | undefined;

export interface HookRequest {
  readonly uid: string;
  readonly operation: string;
  readonly name?: string;
  readonly object: Json;
  readonly oldObject: Json;
  readonly [field: string]: unknown;
}

type Json = { readonly [field: string]: Json } & string;

export interface HookServer extends AsyncDisposable {
  readonly port: number;
  /** PEM in base64, as `caBundle` has it. */
  readonly caBundle: string;
  /** In the order in which they came. */
  readonly requests: readonly { readonly path: string; readonly request: HookRequest }[];
}

/** An HTTPS server on loopback that answers AdmissionReviews by path; undefined: nothing is ever answered. */
export async function startHooks(answers: Readonly<Record<string, Answer>>): Promise<HookServer> {
  const authority = makeAuthority('test-hooks', Date.now());
  const { certificate, key } = signCertificate(authority, {
    commonName: 'hooks',
    usage: 'server',
    names: ['127.0.0.1', 'hooks.default.svc'],
    now: Date.now(),
  });
  const requests: { path: string; request: HookRequest }[] = [];
  const server = createServer({ cert: certificate, key }, (message, response) => {
    const chunks: Buffer[] = [];
    message.on('data', (chunk: Buffer) => chunks.push(chunk));
    message.on('end', () => {
      const { request } = JSON.parse(Buffer.concat(chunks).toString()) as { request: HookRequest };
      const path = (message.url ?? '').split('?')[0] ?? '';
      requests.push({ path, request });
      const answer = answers[path]?.(request);
      if (answer === undefined) return;
      response.setHeader('content-type', 'application/json');
      const head = { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview' };
      response.end(JSON.stringify({ ...head, response: { uid: request.uid, ...answer } }));
    });
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port, // a TCP server that listens has one
    caBundle: Buffer.from(authority.certificate).toString('base64'),
    requests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise(resolve => server.close(resolve));
    },
  };
}

/** A response that changes the object by a JSON patch. */
export const patching = (...operations: readonly object[]): object => ({
  allowed: true,
  patchType: 'JSONPatch',
  patch: Buffer.from(JSON.stringify(operations)).toString('base64'),
});
