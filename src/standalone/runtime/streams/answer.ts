import type { ServerResponse } from 'node:http';

/** A Kubernetes Status, as a kubelet's callers understand errors. */
export interface Refusal {
  readonly code: number;
  readonly reason: string;
  readonly message: string;
}

export function statusOf(refusal: Refusal): Readonly<Record<string, unknown>> {
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', ...refusal };
}

export function answerRefusal(response: ServerResponse, refusal: Refusal): void {
  const body = JSON.stringify(statusOf(refusal));
  response.writeHead(refusal.code, {
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(body),
  });
  response.end(body);
}

export const badRequest = (message: string): Refusal => ({ code: 400, reason: 'BadRequest', message });
export const notFound = (message: string): Refusal => ({ code: 404, reason: 'NotFound', message });
