import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { targetOf } from '../../src/insight/migrate/index.ts';
import { convertIngresses } from '../../src/insight/migrate/index.ts';
import { compileModel } from '../../src/insight/migrate/ingress/model/index.ts';
import type { Outcome } from '../../src/insight/migrate/ingress/model/index.ts';
import { generateRequests } from '../../src/insight/migrate/ingress/proof/generate.ts';
import { answerNew, compileNewSide } from '../../src/insight/migrate/ingress/proof/new-side.ts';
import { readIngresses } from '../../src/insight/migrate/ingress/read.ts';
import { SUPPORTED_FEATURES } from '../../src/gateway/index.ts';
import type { RouteTable } from '../../src/gateway/table.ts';
import type { Ingress } from '../../src/kube/types/networking.ts';
import { freePort, startTestWorker } from './gateway-worker.ts';
import { answerAsBackend, askRaw } from './nginx-model-rig.ts';
import type { Seen } from './nginx-model-rig.ts';

/** The new side of the proof, asked for real: what it says of converted Ingresses is what the proxy does with them. */
const ingress = (
  name: string,
  annotations: Readonly<Record<string, string>>,
  paths: Readonly<Record<string, string>>,
  tls = false,
): Ingress => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'Ingress',
  metadata: {
    namespace: 'shop',
    name,
    creationTimestamp: '2026-01-01T00:00:00Z',
    annotations: Object.fromEntries(
      Object.entries(annotations).map(([key, value]) => [`nginx.ingress.kubernetes.io/${key}`, value]),
    ),
  },
  spec: {
    ingressClassName: 'nginx',
    ...(tls ? { tls: [{ hosts: [`${name}.example`], secretName: name }] } : {}),
    rules: [
      {
        host: `${name}.example`,
        http: {
          paths: Object.entries(paths).map(([path, service]) => ({
            path,
            pathType: 'Prefix' as const,
            backend: { service: { name: service, port: { number: 80 } } },
          })),
        },
      },
    ],
  },
});

const ingresses: readonly Ingress[] = [
  ingress('plain', {}, { '/': 'web', '/api': 'api', '/api/v1/': 'v1' }),
  ingress('secure', {}, { '/': 'web' }, true),
  ingress('rewritten', { 'rewrite-target': '/$2' }, { '/app(/|$)(.*)': 'app' }),
  ingress('patterns', { 'use-regex': 'true' }, { '/v[0-9]+/x': 'v', '/': 'web' }),
  ingress('inner', { 'upstream-vhost': 'inner.example' }, { '/': 'web' }),
  ingress('moved', { 'permanent-redirect': 'https://new.example/there' }, { '/': 'web' }),
  ingress('rooted', { 'app-root': '/app' }, { '/': 'web' }),
  ingress('origins', { 'enable-cors': 'true', 'cors-allow-origin': 'https://a.example' }, { '/': 'web' }),
];

test('a proxy with the converted routes does what the proof says of them', async context => {
  const backend = createServer(answerAsBackend).listen(0, '127.0.0.1');
  context.after(() => backend.close());
  await once(backend, 'listening');
  const { port: backendPort } = backend.address() as AddressInfo; // it listens on TCP
  const model = readIngresses({ ingresses, ingressClasses: [], flags: [] }, { source: 'files' });
  const { objects } = convertIngresses(model, { target: targetOf('fairlead', SUPPORTED_FEATURES) });
  const side = compileNewSide(
    objects.map(({ object }) => object),
    model,
  );
  assert.deepEqual(side.problems, []);
  const [gateway] = side.gateways;
  assert.ok(gateway !== undefined && side.gateways.length === 1);
  const port = await freePort();
  await startTestWorker(context, plainTable(gateway.index.table, port, backendPort));
  const compiled = compileModel(model);
  let asked = 0;
  for (const one of model.ingresses)
    for (const request of generateRequests(compiled, one, { seed: 3, most: 120 })) {
      if (request.scheme === 'https' || request.bodyLength > 1000 || request.method === 'HEAD') continue;
      const said = answerNew(side, request);
      const seen = await askRaw(connect(port, '127.0.0.1'), request);
      assert.deepEqual(seenWords(seen, port, said), saidWords(said), JSON.stringify(request));
      asked++;
    }
  assert.ok(asked > 300, String(asked));
});

/** The plain listeners at a port of this test, with one backend for all Services. */
function plainTable(table: RouteTable, port: number, backendPort: number): RouteTable {
  const listeners = Object.entries(table.listeners).filter(([, { port: own }]) => own === 80);
  const names = new Set(listeners.map(([, { name }]) => name));
  return {
    listeners: Object.fromEntries(listeners.map(([key, listener]) => [key, { ...listener, port }])),
    hosts: Object.fromEntries(Object.entries(table.hosts).filter(([, { listener }]) => names.has(listener))),
    certificates: {},
    backends: Object.fromEntries(
      Object.entries(table.backends).map(([key, backend]) => [
        key,
        { ...backend, endpoints: [{ address: '127.0.0.1', port: backendPort }] },
      ]),
    ),
  };
}

function saidWords(outcome: Outcome): Record<string, unknown> {
  if (outcome.kind === 'backend') return { target: outcome.target, host: outcome.host };
  if (outcome.kind === 'response') return { status: outcome.status, location: outcome.location };
  return { kind: outcome.kind };
}

/** Redirects name the port that they were asked at, where it is not the usual one. */
function seenWords({ headers, sent, status }: Seen, port: number, said: Outcome): Record<string, unknown> {
  if (sent !== undefined) return { target: sent.target, host: sent.headers.get('host') };
  const location = headers.get('location')?.replace(`:${port}`, '');
  return said.kind === 'refused' && status === 404 ? { kind: 'refused' } : { status, location };
}
