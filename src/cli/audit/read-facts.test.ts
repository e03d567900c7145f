import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { explainGateways, traceObjectsOf } from '../../insight/trace/index.ts';
import { readCanonical } from '../policy/read-objects.ts';
import { runAudit } from '../../insight/audit/index.ts';
import { readFacts } from './read-facts.ts';

const directory = mkdtempSync(join(tmpdir(), 'fairlead-audit-'));
after(() => rmSync(directory, { recursive: true, force: true }));

const file = (name: string, text: string): string => {
  const path = join(directory, name);
  writeFileSync(path, text);
  return path;
};

/** As people and templates leave them: fields without a value. */
const empty = file(
  'empty.yaml',
  `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: open, namespace: shop, annotations: }
spec:
  podSelector:
  ingress:
  - ports:
    from:
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web, namespace: shop}
spec:
  ingressClassName: fairlead
  rules:
  - host:
    http: {paths: [{path: /a, pathType: Prefix, backend: {service: {name: web, port: {number: 80, name: }}}}]}
  tls:
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: web, namespace: shop}
spec: {parentRefs: [{name: edge, namespace: }], hostnames: , rules: [{matches: [{path: }], filters: , backendRefs: }]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge, namespace: shop}
spec: {gatewayClassName: fairlead, listeners: [{name: http, port: 80, protocol: HTTP, hostname: }]}
`,
);
const wrong = file(
  'wrong.yaml',
  'apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {ports: "{{ .Values.ports }}"}\n',
);
const none = { cluster: 'none' };

test('fields without a value are absent, and what has not the form of its kind is a file that is not read', async () => {
  const { facts, unread } = await readFacts({ ...none, files: [empty, wrong] }, [], 0);
  assert.equal(unread.length, 1);
  assert.match(unread[0] ?? '', /wrong\.yaml.*ports/);
  const { checks } = runAudit(facts, { only: [], skip: [] });
  assert.deepEqual(
    checks.flatMap(({ code, unchecked = '' }) => (unchecked.includes('form of its kind') ? [code] : [])),
    [],
  );
  const found = checks.find(({ code }) => code === 'default-deny-world')?.findings ?? [];
  assert.deepEqual(
    found.map(({ object }) => object),
    ['NetworkPolicy/shop/open'],
  );
});

test('a request at Gateways and Ingresses is explained from manifests with fields without a value', async () => {
  const facts = { clusterDomain: 'cluster.local', links: [], servicePrefixes: [], world: [] };
  const objects = traceObjectsOf(await readCanonical([empty], () => undefined), facts);
  const http = { scheme: 'http', method: 'GET', path: '/a', headers: [] } as const;
  const { answers, problems } = explainGateways(
    objects,
    { host: 'x.example', port: 80, protocol: 'TCP', http },
    undefined,
  );
  assert.deepEqual(problems, []);
  const told = new Map(answers.map(({ gateway, rule }) => [gateway, rule?.object]));
  assert.equal(told.get('Gateway/shop/edge'), 'HTTPRoute/shop/web');
  assert.equal(told.get('IngressClass/fairlead'), 'Ingress/shop/web');
});
