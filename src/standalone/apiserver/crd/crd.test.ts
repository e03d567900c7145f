import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { builtInKinds } from '../kinds/index.ts';
import type { Fields } from '../object.ts';
import { startTestServer } from '../testing/in-process.ts';
import type { Json, TestServer } from '../testing/in-process.ts';

const DEFINITIONS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const BOATS = '/apis/example.com/v1/namespaces/default/boats';

const started = () => startTestServer({ kinds: builtInKinds() });

const boat = (schema: Fields, more: Fields = {}): Fields => ({
  metadata: { name: 'boats.example.com' },
  spec: {
    group: 'example.com',
    names: { plural: 'boats', kind: 'Boat', shortNames: ['bt'] },
    scope: 'Namespaced',
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: {
              spec: { type: 'object', ...schema },
              status: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
            },
          },
        },
        ...more,
      },
    ],
  },
});

async function define(server: TestServer, definition: Fields): Promise<void> {
  const made = await server.call('POST', DEFINITIONS, { body: definition });
  assert.equal(made.status, 201, made.text);
  await established(server, String((definition['metadata'] as Fields)['name']));
}

async function established(server: TestServer, name: string): Promise<void> {
  const deadline = Date.now() + 20_000;
  for (;;) {
    const { json } = await server.call('GET', `${DEFINITIONS}/${name}`);
    const conditions = (json['status']?.['conditions'] ?? []) as readonly Json[];
    if (conditions.some(one => one['type'] === 'Established' && one['status'] === 'True')) return;
    assert.ok(Date.now() < deadline, `${name} is not established: ${JSON.stringify(json['status'])}`);
    await new Promise(resolve => setImmediate(resolve));
  }
}

const boatOf = (name: string, spec: Fields) => ({
  apiVersion: 'example.com/v1',
  kind: 'Boat',
  metadata: { name },
  spec,
});

test('a definition makes a kind that is served, found and described', async () => {
  await using server = await started();
  await define(server, boat({ properties: { length: { type: 'integer' } } }));
  const made = await server.call('POST', BOATS, { body: boatOf('a', { length: 7 }) });
  assert.equal(made.status, 201, made.text);
  const list = await server.call('GET', BOATS);
  assert.deepEqual([list.json['kind'], list.json['items']?.length], ['BoatList', 1]);
  const discovery = await server.call('GET', '/apis/example.com/v1');
  assert.match(discovery.text, /"shortNames":\["bt"\]/);
  assert.match((await server.call('GET', '/apis')).text, /example\.com/);
});

test('unknown fields are refused strictly, and taken away where nobody is strict', async () => {
  await using server = await started();
  await define(
    server,
    boat({
      properties: {
        length: { type: 'integer' },
        free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
      },
    }),
  );
  const body = boatOf('a', { length: 7, free: { any: { thing: 1 } }, colour: 'red' });
  const strict = await server.call('POST', `${BOATS}?fieldValidation=Strict`, { body });
  assert.equal(strict.status, 400);
  assert.match(strict.text, /unknown field \\"spec.colour\\"/);
  const made = await server.call('POST', BOATS, { body });
  assert.deepEqual(made.json['spec'], { length: 7, free: { any: { thing: 1 } } });
});

test('defaults go where something is absent, within what was added too', async () => {
  await using server = await started();
  await define(
    server,
    boat({
      properties: {
        crew: { type: 'object', default: {}, properties: { size: { type: 'integer', default: 2 } } },
        sails: {
          type: 'array',
          items: { type: 'object', properties: { kind: { type: 'string', default: 'main' } } },
        },
      },
    }),
  );
  const made = await server.call('POST', BOATS, { body: boatOf('a', { sails: [{}], crew: null }) });
  assert.deepEqual(made.json['spec'], { sails: [{ kind: 'main' }], crew: { size: 2 } });
});

test('what breaks the schema is named with its place, in a real server’s words', async () => {
  await using server = await started();
  await define(
    server,
    boat({
      required: ['name'],
      properties: {
        name: { type: 'string', pattern: '^[a-z]+$', maxLength: 5 },
        length: { type: 'integer', minimum: 1 },
        flag: { type: 'string', enum: ['NL', 'DK'] },
        ports: {
          type: 'array',
          maxItems: 1,
          'x-kubernetes-list-type': 'set',
          items: { 'x-kubernetes-int-or-string': true },
        },
      },
    }),
  );
  for (const [spec, says] of [
    [{}, 'spec.name: Required value'],
    [{ name: 'A' }, "spec.name in body should match '^[a-z]+$'"],
    [{ name: 'toolong' }, 'spec.name: Too long: may not be more than 5 bytes'],
    [{ name: 'a', length: 0 }, 'spec.length in body should be greater than or equal to 1'],
    [{ name: 'a', length: 'x' }, 'spec.length in body must be of type integer: "string"'],
    [{ name: 'a', flag: 'UK' }, 'spec.flag: Unsupported value: "UK": supported values: "NL", "DK"'],
    [{ name: 'a', ports: [1, 2] }, 'spec.ports: Too many: 2: must have at most 1 item'],
    [{ name: 'a', ports: [true] }, 'must be of type integer,string'],
  ] as const) {
    const answer = await server.call('POST', BOATS, { body: boatOf('a', spec) });
    assert.equal(answer.status, 422, answer.text);
    assert.ok(String(answer.json['message']).includes(says), String(answer.json['message']));
  }
});

test('rules are asked, with the state before where they ask for it', async () => {
  await using server = await started();
  await define(
    server,
    boat({
      'x-kubernetes-validations': [
        { rule: 'self.min <= self.max', messageExpression: '"min " + string(self.min) + " is above max"' },
        {
          rule: 'self.name == oldSelf.name',
          message: 'a boat keeps its name',
          reason: 'FieldValueForbidden',
          fieldPath: '.name',
        },
      ],
      properties: { min: { type: 'integer' }, max: { type: 'integer' }, name: { type: 'string' } },
    }),
  );
  const refused = await server.call('POST', BOATS, { body: boatOf('a', { min: 3, max: 2, name: 'x' }) });
  assert.match(String(refused.json['message']), /spec: Invalid value: min 3 is above max/);
  const made = await server.call('POST', BOATS, { body: boatOf('a', { min: 1, max: 2, name: 'x' }) });
  assert.equal(made.status, 201, made.text);
  const renamed = await server.call('PATCH', `${BOATS}/a`, {
    body: { spec: { name: 'y' } },
    type: 'application/merge-patch+json',
  });
  assert.deepEqual([renamed.status, renamed.json['details']?.['causes']?.[0]?.['field']], [422, 'spec.name']);
  assert.match(renamed.text, /a boat keeps its name/);
});

test('a rule that costs too much, or cannot be read, refuses and does not stall', async () => {
  await using server = await started();
  await define(
    server,
    boat({
      properties: {
        all: {
          type: 'array',
          items: { type: 'integer' },
          'x-kubernetes-validations': [{ rule: 'self.all(a, self.all(b, self.all(c, a + b + c > 0)))' }],
        },
        text: { type: 'string', 'x-kubernetes-validations': [{ rule: "self.matches('^(a+)+$')" }] },
        bad: { type: 'string', 'x-kubernetes-validations': [{ rule: 'self.' }] },
      },
    }),
  );
  const began = performance.now();
  const many = await server.call('POST', BOATS, {
    body: boatOf('a', { all: Array.from({ length: 1000 }, () => 1) }),
  });
  assert.match(many.text, /costs more than the limit allows/);
  const slow = await server.call('POST', BOATS, { body: boatOf('a', { text: `${'a'.repeat(40)}b` }) });
  assert.equal(slow.status, 422);
  assert.ok(performance.now() - began < 2000, 'nothing took long');
  assert.match(
    (await server.call('POST', BOATS, { body: boatOf('a', { bad: 'x' }) })).text,
    /rule compile error/,
  );
});

test('a rule that cuts a text cannot loop over its characters without bound', async () => {
  await using server = await started();
  const rule = "self.split('').all(a, self.split('').all(b, a + b != 'xy'))";
  await define(
    server,
    boat({ properties: { text: { type: 'string', 'x-kubernetes-validations': [{ rule }] } } }),
  );
  const answer = await server.call('POST', BOATS, { body: boatOf('a', { text: 'a'.repeat(3000) }) });
  assert.match(answer.text, /costs more than the limit allows/);
  const short = await server.call('POST', BOATS, { body: boatOf('a', { text: 'abc' }) });
  assert.equal(short.status, 201, short.text);
});

test('a pattern that RE2 does not have is refused, also where a value brings it', async () => {
  await using server = await started();
  const refused = await server.call('POST', DEFINITIONS, {
    body: boat({ properties: { text: { type: 'string', pattern: String.raw`^(a)\1$` } } }),
  });
  assert.match(refused.text, /must be a valid regular expression/);
  const rule = 'self.text.matches(self.pattern)';
  const spec = {
    'x-kubernetes-validations': [{ rule }],
    properties: { text: { type: 'string' }, pattern: { type: 'string' } },
  };
  await define(server, boat(spec));
  const began = performance.now();
  const value = { text: `${'a'.repeat(30)}!`, pattern: '^(?=a)(a+)+$' };
  const answer = await server.call('POST', BOATS, { body: boatOf('a', value) });
  assert.match(answer.text, /cannot be read/);
  assert.ok(performance.now() - began < 2000, 'it took no time');
});

test('status, scale and columns are as the definition says', async () => {
  await using server = await started();
  await define(
    server,
    boat(
      { properties: { crew: { type: 'integer' } } },
      {
        subresources: {
          status: {},
          scale: { specReplicasPath: '.spec.crew', statusReplicasPath: '.status.aboard' },
        },
        additionalPrinterColumns: [
          { name: 'Crew', type: 'integer', jsonPath: '.spec.crew' },
          { name: 'Ready', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
        ],
      },
    ),
  );
  await server.call('POST', BOATS, { body: { ...boatOf('a', { crew: 1 }), status: { aboard: 9 } } });
  assert.equal(
    (await server.call('GET', `${BOATS}/a`)).json['status'],
    undefined,
    'a new object has no status of its own',
  );
  const status = { aboard: 1, conditions: [{ type: 'Ready', status: 'True' }] };
  await server.call('PATCH', `${BOATS}/a/status`, {
    body: { status, spec: { crew: 5 } },
    type: 'application/merge-patch+json',
  });
  const scaled = await server.call('PATCH', `${BOATS}/a/scale`, {
    body: { spec: { replicas: 3 } },
    type: 'application/merge-patch+json',
  });
  assert.deepEqual([scaled.json['spec']?.['replicas'], scaled.json['status']?.['replicas']], [3, 1]);
  const table = await server.call('GET', BOATS, { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' });
  assert.deepEqual(table.json['rows']?.[0]?.['cells'], ['a', 3, 'True']);
});

test('all versions show the same objects, and a definition takes its objects with it', async () => {
  await using server = await started();
  const definition = boat({ properties: { length: { type: 'integer' } } });
  const spec = definition['spec'] as { versions: readonly Fields[] };
  const [v1 = {}] = spec.versions;
  await define(server, {
    ...definition,
    spec: { ...spec, versions: [v1, { ...v1, name: 'v2', storage: false }] },
  });
  await server.call('POST', BOATS, { body: boatOf('a', { length: 7 }) });
  const other = await server.call('GET', BOATS.replace('/v1/', '/v2/'));
  assert.deepEqual(
    [other.json['items']?.[0]?.['apiVersion'], other.json['items']?.[0]?.['spec']?.['length']],
    ['example.com/v2', 7],
  );
  await server.call('DELETE', `${DEFINITIONS}/boats.example.com`);
  const deadline = Date.now() + 20_000;
  while ((await server.call('GET', `${DEFINITIONS}/boats.example.com`)).status !== 404) {
    assert.ok(Date.now() < deadline, 'the definition goes');
    await new Promise(resolve => setImmediate(resolve));
  }
  assert.equal((await server.call('GET', BOATS)).status, 404, 'its kind is no longer served');
});

test('definitions are served again after a restart', async () => {
  await using server = await started();
  await define(server, boat({ properties: { length: { type: 'integer' } } }));
  await server.call('POST', BOATS, { body: boatOf('a', { length: 7 }) });
  await server.restart();
  assert.equal((await server.call('GET', `${BOATS}/a`)).json['spec']?.['length'], 7);
});

test('a definition that is not structural, or has no schema, is refused with the place', async () => {
  await using server = await started();
  const good = boat({});
  const spec = good['spec'] as Fields;
  const [version = {}] = spec['versions'] as readonly Fields[];
  const withSchema = (openAPIV3Schema: unknown) => ({
    ...good,
    spec: { ...spec, versions: [{ ...version, schema: { openAPIV3Schema } }] },
  });
  for (const [body, says] of [
    [withSchema({ type: 'object', properties: { a: {} } }), 'properties[a].type: Required value'],
    [withSchema(undefined), 'openAPIV3Schema: Required value'],
    [withSchema({ type: 'array', items: { type: 'string' } }), 'must be object at the root'],
    [{ ...good, metadata: { name: 'ships.example.com' } }, 'must be spec.names.plural'],
    [
      { ...good, spec: { ...spec, versions: [{ ...version, storage: false }] } },
      'exactly one version marked as storage version',
    ],
  ] as const) {
    const answer = await server.call('POST', DEFINITIONS, { body });
    assert.equal(answer.status, 422, answer.text);
    assert.ok(answer.text.includes(says), answer.text);
  }
});

/** Upstream's own definitions; developers have them beside the repository. */
const DATA = new URL('../../../../../shared/data/', import.meta.url);
const skip = existsSync(DATA) ? false : 'reference data is absent: definitions of the Gateway API';

function definitionsIn(directory: string): readonly Fields[] {
  const files = readdirSync(new URL(directory, DATA)).filter(file => file.endsWith('.yaml'));
  return files
    .flatMap(file => parseAllDocuments(readFileSync(new URL(directory + file, DATA), 'utf8')))
    .map(document => document.toJS() as Fields)
    .filter(object => object['kind'] === 'CustomResourceDefinition');
}

const HTTP_ROUTE = { apiVersion: 'gateway.networking.k8s.io/v1', kind: 'HTTPRoute' };

test('upstream’s definitions install and check as on a real server', { skip }, async () => {
  await using server = await started();
  for (const directory of ['gateway-api-v1.6.1/experimental/', 'network-policy-api/experimental/']) {
    for (const definition of definitionsIn(directory)) await define(server, definition);
  }
  const routes = '/apis/gateway.networking.k8s.io/v1/namespaces/default/httproutes';
  const route = (spec: Fields) =>
    server.call('POST', `${routes}?dryRun=All`, { body: { ...HTTP_ROUTE, metadata: { name: 'a' }, spec } });
  const plain = await route({ rules: [{ backendRefs: [{ name: 'web', port: 80 }] }] });
  assert.equal(plain.status, 201, plain.text);
  assert.deepEqual(plain.json['spec']?.['rules']?.[0]?.['matches'], [
    { path: { type: 'PathPrefix', value: '/' } },
  ]);
  const both = await route({
    rules: [
      {
        filters: [{ type: 'RequestRedirect', requestRedirect: { statusCode: 301 } }],
        backendRefs: [{ name: 'web', port: 80 }],
      },
    ],
  });
  assert.match(
    String(both.json['message']),
    /spec\.rules\[0\]: Invalid value: RequestRedirect filter must not be used together with backendRefs/,
  );
  const path = await route({ rules: [{ matches: [{ path: { type: 'PathPrefix', value: '/a//b' } }] }] });
  assert.match(String(path.json['message']), /must not contain '\/\/' when type one of/);
  const grpc = await server.call('POST', `${routes.replace('httproutes', 'grpcroutes')}?dryRun=All`, {
    body: {
      ...HTTP_ROUTE,
      kind: 'GRPCRoute',
      metadata: { name: 'a' },
      spec: { rules: [{ matches: [{ method: { service: 'Foo.Bar', method: 'do!' } }] }] },
    },
  });
  assert.match(String(grpc.json['message']), /method must only contain valid characters/);
  const policies = '/apis/policy.networking.k8s.io/v1alpha2/clusternetworkpolicies';
  const policy = await server.call('POST', `${policies}?dryRun=All`, {
    body: {
      apiVersion: 'policy.networking.k8s.io/v1alpha2',
      kind: 'ClusterNetworkPolicy',
      metadata: { name: 'a' },
      spec: {
        tier: 'Admin',
        priority: 1,
        subject: { namespaces: {} },
        egress: [{ action: 'Deny', to: [{ networks: ['10.0.0.0/33'] }] }],
      },
    },
  });
  assert.equal(policy.status, 422, policy.text);
  assert.match(policy.text, /Invalid CIDR format/i);
});

test('a definition whose names were taken is served once they are free', async () => {
  await using server = await started();
  await define(server, boat({}));
  const ship = boat({});
  const spec = { ...(ship['spec'] as Fields), names: { plural: 'ships', kind: 'Boat' } };
  const made = await server.call('POST', DEFINITIONS, {
    body: { metadata: { name: 'ships.example.com' }, spec },
  });
  assert.equal(made.status, 201, made.text);
  const deadline = Date.now() + 20_000;
  for (;;) {
    const { text } = await server.call('GET', `${DEFINITIONS}/ships.example.com`);
    if (text.includes('NameConflict')) break;
    assert.ok(Date.now() < deadline, text);
    await new Promise(resolve => setImmediate(resolve));
  }
  assert.equal((await server.call('DELETE', `${DEFINITIONS}/boats.example.com`)).status, 200);
  await established(server, 'ships.example.com');
  assert.equal((await server.call('GET', '/apis/example.com/v1/namespaces/default/ships')).status, 200);
});

test('rules about the change of items of a long list take time in proportion to it', async () => {
  await using server = await started();
  const item = {
    type: 'object',
    required: ['name'],
    properties: { name: { type: 'string' }, size: { type: 'integer' } },
    'x-kubernetes-validations': [{ rule: 'self.size >= oldSelf.size', message: 'items never shrink' }],
  };
  const seats = {
    type: 'array',
    items: item,
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-list-map-keys': ['name'],
  };
  await define(server, boat({ properties: { seats } }));
  const many = (size: number) => ({
    seats: Array.from({ length: 5000 }, (_, index) => ({ name: `seat-${index}`, size })),
  });
  assert.equal((await server.call('POST', BOATS, { body: boatOf('a', many(2)) })).status, 201);
  const patch = (size: number) =>
    server.call('PATCH', `${BOATS}/a`, { body: { spec: many(size) }, type: 'application/merge-patch+json' });
  const since = performance.now();
  assert.equal((await patch(3)).status, 200);
  assert.match((await patch(1)).text, /items never shrink/);
  assert.ok(performance.now() - since < 20_000);
});
