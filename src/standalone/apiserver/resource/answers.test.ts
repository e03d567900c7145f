import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { builtInKinds } from '../kinds/index.ts';
import { startTestServer } from '../testing/in-process.ts';
import type { CallOptions, TestServer } from '../testing/in-process.ts';

/** What a server of Kubernetes answered to the same request; only what is named is compared. */
interface Answer {
  readonly status: number;
  readonly message?: string | RegExp;
  readonly reason?: string;
  /** Paths into the body, `metadata.name`, and what stands there; undefined: nothing. */
  readonly fields?: Readonly<Record<string, unknown>>;
  readonly text?: RegExp;
  readonly warning?: RegExp;
}

type Row = readonly [name: string, method: string, path: string, answer: Answer, options?: CallOptions];

const CONFIG_MAPS = '/api/v1/namespaces/default/configmaps';
const DEPLOYMENTS = '/apis/apps/v1/namespaces/default/deployments';
const ONE = `${CONFIG_MAPS}/one`;
const JSON_PATCH = 'application/json-patch+json';
const MERGE_PATCH = 'application/merge-patch+json';
const STRATEGIC = 'application/strategic-merge-patch+json';
const TABLE = 'application/json;as=Table;v=v1;g=meta.k8s.io';

const patched = (body: unknown, type = MERGE_PATCH): CallOptions => ({ body, type });
const deployment = {
  spec: {
    selector: { matchLabels: { app: 'a' } },
    template: {
      metadata: { labels: { app: 'a' } },
      spec: { containers: ['a', 'b', 'c'].map(name => ({ name, image: 'pause' })) },
    },
  },
};

/** In this order, on one server: later rows see what earlier ones have made. */
const ROWS: readonly Row[] = [
  ['an unknown path is a page', 'GET', '/nowhere', { status: 404, text: /^404 page not found\n$/ }],
  ['an unknown group as well', 'GET', '/apis/foo.bar/v1/things', { status: 404, text: /^404 page/ }],
  ['an unknown resource is a Status', 'GET', '/api/v1/things', { status: 404, reason: 'NotFound' }],
  [
    'who may not learns nothing of what is there',
    'GET',
    '/apis/foo.bar/v1/things',
    { status: 403, message: /^things\.foo\.bar is forbidden: User "system:anonymous" cannot list resource/ },
    { anonymous: true },
  ],
  [
    'strangers are somebody',
    'GET',
    '/api/v1/nodes/n',
    {
      status: 403,
      message:
        'nodes "n" is forbidden: User "system:anonymous" cannot get resource "nodes" in API group "" at the cluster scope',
    },
    { anonymous: true },
  ],
  ['objects are not looked at by HEAD', 'HEAD', CONFIG_MAPS, { status: 405 }],
  ['nothing is made everywhere', 'POST', '/api/v1/configmaps', { status: 405 }, { body: {} }],
  ['nothing is deleted everywhere', 'DELETE', '/api/v1/configmaps', { status: 405 }],
  [
    'options that no write has',
    'POST',
    `${CONFIG_MAPS}?fieldValidation=Maybe`,
    {
      status: 422,
      message:
        'CreateOptions.meta.k8s.io "" is invalid: fieldValidation: Unsupported value: "Maybe": supported values: "", "Ignore", "Strict", "Warn"',
      fields: { 'details.kind': 'CreateOptions', 'details.causes.0.field': 'fieldValidation' },
    },
    { body: { metadata: { name: 'one' } } },
  ],
  [
    'a dry run of something else',
    'POST',
    `${CONFIG_MAPS}?dryRun=Some`,
    { status: 422, message: /dryRun: Unsupported value: \["Some"\]: supported values: "All"$/ },
    { body: { metadata: { name: 'one' } } },
  ],
  [
    'a list option that contradicts itself',
    'GET',
    `${CONFIG_MAPS}?resourceVersionMatch=Exact&continue=x`,
    {
      status: 422,
      message:
        'ListOptions.meta.k8s.io "" is invalid: [resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided, resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden when continue is provided]',
    },
  ],
  [
    'initial events of a list',
    'GET',
    `${CONFIG_MAPS}?sendInitialEvents=true`,
    { status: 422, message: /sendInitialEvents: Forbidden: sendInitialEvents is forbidden for list$/ },
  ],
  [
    'a limit that is no number',
    'GET',
    `${CONFIG_MAPS}?limit=x`,
    { status: 400, message: 'strconv.ParseInt: parsing "x": invalid syntax' },
  ],
  [
    'a field that cannot be selected',
    'GET',
    `${CONFIG_MAPS}?fieldSelector=data.a%3D1`,
    {
      status: 400,
      message: '"data.a" is not a known field selector: only "metadata.name", "metadata.namespace"',
    },
  ],
  [
    'warnings come with a refusal too',
    'POST',
    CONFIG_MAPS,
    { status: 422, reason: 'Invalid', warning: /unknown field \\"foo\\"/ },
    { body: { metadata: { name: 'BAD' }, foo: 1 } },
  ],
  [
    'owners that are none',
    'POST',
    CONFIG_MAPS,
    {
      status: 422,
      message:
        'ConfigMap "one" is invalid: [metadata.ownerReferences.apiVersion: Invalid value: "": version must not be empty, metadata.ownerReferences.kind: Invalid value: "": must not be empty, metadata.ownerReferences.uid: Invalid value: "": must not be empty]',
    },
    { body: { metadata: { name: 'one', ownerReferences: [{ name: 'a' }] } } },
  ],
  [
    'a label that is no text',
    'POST',
    CONFIG_MAPS,
    {
      status: 400,
      message:
        /: json: cannot unmarshal number into Go struct field ObjectMeta\.metadata\.labels of type string$/,
    },
    { body: { metadata: { name: 'one', labels: { a: 1 } } } },
  ],
  [
    'an object',
    'POST',
    CONFIG_MAPS,
    { status: 201 },
    { body: { metadata: { name: 'one' }, data: { a: '1' } } },
  ],
  [
    'items of a list do not say what they are',
    'GET',
    CONFIG_MAPS,
    { status: 200, fields: { kind: 'ConfigMapList', 'items.0.kind': undefined, 'items.0.data.a': '1' } },
  ],
  [
    'YAML for who wants it',
    'GET',
    ONE,
    { status: 200, text: /^apiVersion: v1\ndata:\n {2}a: "1"\nkind: ConfigMap\n/ },
    { accept: 'application/yaml' },
  ],
  ['and nothing for who wants neither', 'GET', ONE, { status: 406 }, { accept: 'application/xml' }],
  [
    'a table names its columns',
    'GET',
    ONE,
    { status: 200, fields: { 'rows.0.cells.0': 'one' } },
    { accept: TABLE },
  ],
  [
    'a patch to something unreadable',
    'PATCH',
    ONE,
    {
      status: 422,
      message:
        /^ "" is invalid: patch: Invalid value: .*: json: cannot unmarshal string into Go struct field ConfigMap\.data of type map\[string\]string$/,
      fields: { 'details.causes.0.field': 'patch', 'details.kind': undefined },
    },
    patched({ data: 'x' }),
  ],
  ['a patch to another kind', 'PATCH', ONE, { status: 422, reason: 'Invalid' }, patched({ kind: 'Secret' })],
  [
    'force without apply',
    'PATCH',
    `${ONE}?force=true`,
    { status: 422, message: /force: Forbidden: may not be specified for non-apply patch$/ },
    patched({}),
  ],
  [
    'a field is replaced that was not there',
    'PATCH',
    ONE,
    { status: 200, fields: { 'data.b': '2' } },
    patched([{ op: 'replace', path: '/data/b', value: '2' }], JSON_PATCH),
  ],
  [
    'but not removed',
    'PATCH',
    ONE,
    { status: 422 },
    patched([{ op: 'remove', path: '/data/z' }], JSON_PATCH),
  ],
  [
    'a deletion of another object',
    'DELETE',
    ONE,
    {
      status: 409,
      message:
        /^Operation cannot be fulfilled on ConfigMap "one": the UID in the precondition \(x\) does not match the UID in record \(.+\)\. The object might have been deleted and then recreated$/,
      fields: { 'details.kind': 'ConfigMap' },
    },
    { body: { preconditions: { uid: 'x' } } },
  ],
  [
    'a deletion that orphans twice',
    'DELETE',
    ONE,
    { status: 422, message: /orphanDependents and deletionPropagation cannot be both set$/ },
    { body: { propagationPolicy: 'Orphan', orphanDependents: true } },
  ],
  [
    'a deletion by the options of another kind',
    'DELETE',
    ONE,
    { status: 400 },
    { body: { kind: 'Pod', apiVersion: 'v1' } },
  ],
  [
    'one object cannot be watched by its own path',
    'GET',
    `${ONE}?watch=1`,
    { status: 200, fields: { kind: 'ConfigMap' } },
  ],
  [
    'a deletion ends in a Status',
    'DELETE',
    ONE,
    { status: 200, fields: { kind: 'Status', status: 'Success' } },
  ],
  [
    'a workload',
    'POST',
    DEPLOYMENTS,
    { status: 201, fields: { status: {} } },
    { body: { metadata: { name: 'web' }, ...deployment } },
  ],
  [
    'items that a patch names come in its order, new ones first among those behind them',
    'PATCH',
    `${DEPLOYMENTS}/web?dryRun=All`,
    {
      status: 200,
      fields: {
        'spec.template.spec.containers.0.name': 'x',
        'spec.template.spec.containers.1.name': 'a',
        'spec.template.spec.containers.2.name': 'c',
        'spec.template.spec.containers.3.name': 'b',
      },
    },
    patched(
      {
        spec: {
          template: { spec: { containers: [{ name: 'x', image: 'y' }, { name: 'c' }, { name: 'b' }] } },
        },
      },
      STRATEGIC,
    ),
  ],
  [
    'a scale below nothing',
    'PATCH',
    `${DEPLOYMENTS}/web/scale`,
    {
      status: 422,
      message:
        'Scale.autoscaling "web" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0',
    },
    patched({ spec: { replicas: -1 } }),
  ],
  [
    'a scale without a name',
    'PUT',
    `${DEPLOYMENTS}/web/scale`,
    {
      status: 400,
      message: 'the name of the object (web based on URL) was undeterminable: name must be provided',
    },
    { body: { spec: { replicas: 2 } } },
  ],
];

let server: TestServer;

before(async () => {
  server = await startTestServer({ kinds: builtInKinds() });
});
after(() => server[Symbol.asyncDispose]());

test('requests are answered as a server of Kubernetes answers them', async () => {
  for (const [name, method, path, wanted, options] of ROWS) {
    const answer = await server.call(method, path, options);
    const shown = `${name}: ${method} ${path}: ${answer.text.slice(0, 600)}`;
    assert.equal(answer.status, wanted.status, shown);
    const message = String(answer.json['message']);
    if (typeof wanted.message === 'string') assert.equal(message, wanted.message, name);
    else if (wanted.message !== undefined) assert.match(message, wanted.message, name);
    if (wanted.reason !== undefined) assert.equal(answer.json['reason'], wanted.reason, shown);
    if (wanted.text !== undefined) assert.match(answer.text, wanted.text, name);
    if (wanted.warning !== undefined) assert.match(String(answer.headers['warning']), wanted.warning, name);
    for (const [at, value] of Object.entries(wanted.fields ?? {})) {
      assert.deepEqual(fieldAt(answer.json, at), value, `${at} of ${shown}`);
    }
  }
});

/** `items.0.kind` of a body; undefined where there is nothing. */
function fieldAt(body: unknown, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>((at, step) => (at as Readonly<Record<string, unknown>> | undefined)?.[step], body);
}
