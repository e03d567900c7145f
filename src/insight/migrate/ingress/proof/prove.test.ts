import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KubeObject } from '../../../../kube/types/meta.ts';
import type { Ingress } from '../../../../kube/types/networking.ts';
import type { Announcement } from '../announcement.ts';
import { readIngresses } from '../read.ts';
import { proofLines, prove } from './index.ts';
import type { Proof } from './index.ts';

/** A move that is right, by hand; each change of it has to be found. */
const backend = (name: string, port = 80) => ({ service: { name, port: { number: port } } });

const ingress = (
  name: string,
  annotations: Readonly<Record<string, string>>,
  spec: Ingress['spec'],
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
  spec: { ingressClassName: 'nginx', ...spec },
});

const ingresses: readonly Ingress[] = [
  ingress(
    'web',
    {},
    {
      tls: [{ hosts: ['a.example'], secretName: 'a' }],
      rules: [
        {
          host: 'a.example',
          http: {
            paths: [
              { path: '/', pathType: 'Prefix', backend: backend('web') },
              { path: '/api', pathType: 'Prefix', backend: backend('api', 8080) },
              { path: '/exact', pathType: 'Exact', backend: backend('exact') },
            ],
          },
        },
      ],
    },
  ),
  ingress(
    'canary',
    { canary: 'true', 'canary-weight': '20', 'canary-by-header': 'x-canary' },
    {
      rules: [
        { host: 'a.example', http: { paths: [{ path: '/', pathType: 'Prefix', backend: backend('next') }] } },
      ],
    },
  ),
  ingress(
    'inner',
    { 'upstream-vhost': 'inner.example' },
    {
      rules: [
        { host: 'b.example', http: { paths: [{ path: '/b', pathType: 'Prefix', backend: backend('b') }] } },
      ],
    },
  ),
];

const GROUP = 'gateway.networking.k8s.io/v1';
const path = (type: string, value: string) => ({ path: { type, value } });
const reference = (name: string, port = 80, weight = 1) => ({ name, port, weight });
const security = {
  type: 'ResponseHeaderModifier',
  responseHeaderModifier: {
    set: [{ name: 'Strict-Transport-Security', value: 'max-age=31536000; includeSubDomains' }],
  },
};

const route = (name: string, sectionName: string, hostname: string, rules: readonly unknown[]): KubeObject =>
  ({
    apiVersion: GROUP,
    kind: 'HTTPRoute',
    metadata: { namespace: 'shop', name },
    spec: { parentRefs: [{ name: 'gateway', sectionName }], hostnames: [hostname], rules },
  }) as KubeObject;

const objects: readonly KubeObject[] = [
  {
    apiVersion: GROUP,
    kind: 'Gateway',
    metadata: { namespace: 'shop', name: 'gateway' },
    spec: {
      gatewayClassName: 'fairlead',
      listeners: [
        { name: 'http', port: 80, protocol: 'HTTP' },
        {
          name: 'https',
          port: 443,
          protocol: 'HTTPS',
          hostname: 'a.example',
          tls: { mode: 'Terminate', certificateRefs: [{ name: 'a' }] },
        },
      ],
    },
  } as KubeObject,
  route('a', 'https', 'a.example', [
    {
      matches: [{ ...path('PathPrefix', '/'), headers: [{ name: 'x-canary', value: 'always' }] }],
      filters: [security],
      backendRefs: [reference('next')],
    },
    {
      matches: [{ ...path('PathPrefix', '/'), headers: [{ name: 'x-canary', value: 'never' }] }],
      filters: [security],
      backendRefs: [reference('web')],
    },
    {
      matches: [path('PathPrefix', '/')],
      filters: [security],
      backendRefs: [reference('web', 80, 80), reference('next', 80, 20)],
    },
    { matches: [path('PathPrefix', '/api')], filters: [security], backendRefs: [reference('api', 8080)] },
    { matches: [path('Exact', '/exact')], filters: [security], backendRefs: [reference('exact')] },
  ]),
  route('a-to-tls', 'http', 'a.example', [
    {
      matches: [path('PathPrefix', '/')],
      filters: [{ type: 'RequestRedirect', requestRedirect: { scheme: 'https', statusCode: 308 } }],
    },
  ]),
  route('b', 'http', 'b.example', [
    {
      matches: [path('PathPrefix', '/b')],
      filters: [{ type: 'URLRewrite', urlRewrite: { hostname: 'inner.example' } }],
      backendRefs: [reference('b')],
    },
  ]),
];

const announced: readonly (readonly [subject: string, effect: Announcement['effects'][number]])[] = [
  ['config:proxy-body-size', 'status'],
  ['behaviour:merge-slashes', 'status'],
  ['behaviour:merge-slashes', 'backend'],
  ['behaviour:percent-decoding', 'status'],
  ['behaviour:percent-decoding', 'backend'],
  ['behaviour:dot-segments', 'status'],
  ['behaviour:ssl-redirect-slash', 'location'],
  ['behaviour:default-certificate', 'status'],
  ['behaviour:unknown-host', 'status'],
];

const announcements: readonly Announcement[] = announced.map(([subject, effect]) => ({
  ingress: '',
  subject,
  code: 'known',
  class: 'approximated',
  effects: [effect],
  sentence: 'It is not the same.',
}));

const model = readIngresses({ ingresses, ingressClasses: [], flags: [] }, { source: 'files' });

const proofOf = (changed: readonly KubeObject[]): Proof => prove(model, changed, announcements);

test('a move that is right holds, and says what was asked', () => {
  const proof = proofOf(objects);
  assert.equal(proof.failed, false, proofLines(proof).join('\n'));
  assert.ok(proof.counts.requests > 150);
  assert.ok(proof.counts.same > proof.counts.different);
  assert.match(proofLines(proof).at(-1) ?? '', /holds/);
});

test('the same seed asks the same, and tells the same', () => {
  assert.deepEqual(proofOf(objects), proofOf(objects));
});

/** Every rule, match, filter, reference, number and word of the routes, changed one at a time. */
function* changesOf(
  value: unknown,
  at: readonly (string | number)[],
): Generator<{
  readonly at: string;
  readonly value: unknown;
}> {
  const where = at.join('.');
  if (typeof value === 'number') yield { at: where, value: value + 1 };
  else if (typeof value === 'string') {
    if (at.at(-1) !== 'type') yield { at: where, value: `${value}x` };
    else if (value === 'PathPrefix') yield { at: where, value: 'Exact' };
    else if (value === 'Exact') yield { at: where, value: 'PathPrefix' };
  } else if (Array.isArray(value)) {
    const list: readonly unknown[] = value;
    for (const [index, entry] of list.entries()) {
      yield { at: `${where} without ${index}`, value: list.toSpliced(index, 1) };
      for (const { at: place, value: changed } of changesOf(entry, [...at, index]))
        yield { at: place, value: list.with(index, changed) };
    }
  } else if (typeof value === 'object' && value !== null)
    for (const [name, entry] of Object.entries(value))
      for (const { at: place, value: changed } of changesOf(entry, [...at, name]))
        yield { at: place, value: { ...value, [name]: changed } };
}

/** Changes that change nothing. */
const same: ReadonlySet<string> = new Set([
  'a hostnames without 0', // its listener has the name
  'a rules.0.backendRefs.0.weight', // of one alone
  'a rules.1.backendRefs.0.weight',
  'a rules.3.backendRefs.0.weight',
  'a rules.4.backendRefs.0.weight',
  'b rules.0.backendRefs.0.weight',
  'a rules.2.matches without 0', // every path is what is meant
  'a-to-tls rules.0.matches without 0',
]);

test('whatever is changed in the routes, the proof fails', () => {
  const unseen: string[] = [];
  let changes = 0;
  for (const [index, object] of objects.entries()) {
    if (object.kind !== 'HTTPRoute') continue;
    const { hostnames, rules } = (object as { readonly spec?: Record<string, unknown> }).spec ?? {};
    for (const { at, value } of changesOf({ hostnames, rules }, [])) {
      const spec = { ...(object as { readonly spec?: object }).spec, ...(value as object) };
      const proof = proofOf(objects.with(index, { ...object, spec } as KubeObject));
      const change = `${object.metadata.name} ${at}`;
      if (!proof.failed && !same.has(change)) unseen.push(change);
      changes++;
    }
  }
  assert.deepEqual(unseen, [], 'changes that nobody sees');
  assert.ok(changes > 60, String(changes));
});

test('a difference is shown by the smallest request that has it, as a command', () => {
  const changed = objects.map(object =>
    object.metadata.name === 'b'
      ? route('b', 'http', 'b.example', [
          {
            matches: [path('Exact', '/b')],
            filters: [{ type: 'URLRewrite', urlRewrite: { hostname: 'inner.example' } }],
            backendRefs: [reference('b')],
          },
        ])
      : object,
  );
  const open = proofOf(changed).differences.filter(one => one.announced === undefined);
  assert.ok(open.length > 0);
  for (const { curl, ingress: id } of open) {
    assert.equal(id, 'shop/inner');
    assert.match(curl, /^curl -i --path-as-is .*'http:\/\/b\.example\/b\/[^/]?'$/);
  }
});

test('nothing that was asked proves nothing', () => {
  const none = readIngresses({ ingresses: [], ingressClasses: [], flags: [] }, { source: 'files' });
  assert.equal(prove(none, [], []).failed, true);
});
