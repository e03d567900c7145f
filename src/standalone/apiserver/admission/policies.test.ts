import assert from 'node:assert/strict';
import { test } from 'node:test';
import { builtInKinds } from '../kinds/index.ts';
import { startTestServer } from '../testing/in-process.ts';
import type { CallResult, TestServer } from '../testing/in-process.ts';

const REGISTRATION = '/apis/admissionregistration.k8s.io/v1';
const POLICIES = `${REGISTRATION}/validatingadmissionpolicies`;
const BINDINGS = `${REGISTRATION}/validatingadmissionpolicybindings`;
const CONFIG_MAPS = '/api/v1/namespaces/default/configmaps';

const started = () => startTestServer({ kinds: builtInKinds() });

const CONFIG_MAP_RULE = {
  apiGroups: [''],
  apiVersions: ['v1'],
  operations: ['CREATE', 'UPDATE', 'DELETE'],
  resources: ['configmaps'],
};

interface Given {
  readonly spec: object;
  readonly binding?: object;
}

async function install(server: TestServer, { spec, binding = {} }: Given): Promise<void> {
  const policy = await server.call('POST', POLICIES, {
    body: {
      metadata: { name: 'p.example.com' },
      spec: { matchConstraints: { resourceRules: [CONFIG_MAP_RULE] }, ...spec },
    },
  });
  assert.equal(policy.status, 201, policy.text);
  const bound = await server.call('POST', BINDINGS, {
    body: {
      metadata: { name: 'b' },
      spec: { policyName: 'p.example.com', validationActions: ['Deny'], ...binding },
    },
  });
  assert.equal(bound.status, 201, bound.text);
}

const create = (server: TestServer, data: object, metadata: object = {}): Promise<CallResult> =>
  server.call('POST', CONFIG_MAPS, { body: { metadata: { name: 'c', ...metadata }, data } });

test('a policy refuses what breaks it, in the words of a real server', async () => {
  await using server = await started();
  await install(server, {
    spec: { validations: [{ expression: "object.data.color == 'red'", message: 'red it has to be' }] },
  });
  const refused = await create(server, { color: 'blue' });
  const why = "ValidatingAdmissionPolicy 'p.example.com' with binding 'b' denied request: red it has to be";
  assert.deepEqual(refused.json, {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: `configmaps "c" is forbidden: ${why}`,
    reason: 'Invalid',
    details: { name: 'c', kind: 'configmaps', causes: [{ message: why }] },
    code: 422,
  });
  assert.equal((await server.call('GET', `${CONFIG_MAPS}/c`)).status, 404, 'it was not written');
  assert.equal((await create(server, { color: 'red' })).status, 201);
  const patch = await server.call('PATCH', `${CONFIG_MAPS}/c`, {
    body: { data: { color: 'green' } },
    type: 'application/merge-patch+json',
  });
  assert.equal(patch.status, 422, 'a change is asked about as well');
  await server.call('DELETE', `${BINDINGS}/b`);
  assert.equal(
    (await create(server, { color: 'green' }, { name: 'd' })).status,
    201,
    'no binding, no policy',
  );
});

/** One policy a case, asked about the creation of `{ color: blue }` in namespace default by a member of system:masters. */
const CASES: readonly (readonly [string, Given, number, RegExp?])[] = [
  [
    'a reason that the policy names is the status',
    { spec: { validations: [{ expression: 'false', reason: 'Forbidden' }] } },
    403,
    /failed expression: false/,
  ],
  [
    'a computed message goes before a plain one',
    {
      spec: {
        validations: [
          { expression: 'false', message: 'plain', messageExpression: "'not ' + object.data.color" },
        ],
      },
    },
    422,
    /denied request: not blue/,
  ],
  [
    'a variable may build on one before it',
    {
      spec: {
        variables: [
          { name: 'color', expression: 'object.data.color' },
          { name: 'both', expression: "variables.color + '!'" },
        ],
        validations: [{ expression: "variables.both == 'blue!'" }],
      },
    },
    201,
  ],
  [
    'a condition that does not hold leaves the request alone',
    {
      spec: {
        matchConditions: [{ name: 'red', expression: "object.data.color == 'red'" }],
        validations: [{ expression: 'false' }],
      },
    },
    201,
  ],
  [
    'an expression that fails refuses',
    { spec: { validations: [{ expression: 'object.spec.replicas > 1' }] } },
    422,
    /expression 'object.spec.replicas > 1' resulted in error: no such key: spec/,
  ],
  [
    'an expression that fails is passed over with failurePolicy Ignore',
    { spec: { failurePolicy: 'Ignore', validations: [{ expression: 'object.spec.replicas > 1' }] } },
    201,
  ],
  [
    'the request says who asks, and for what',
    {
      spec: {
        validations: [
          {
            expression:
              "request.userInfo.username == 'tester' && request.operation == 'CREATE' && request.resource.resource == 'configmaps' && request.namespace == 'default' && !request.dryRun && oldObject == null",
          },
        ],
      },
    },
    201,
  ],
  [
    'the authorizer answers for the asker and for others',
    {
      spec: {
        validations: [
          {
            expression:
              "authorizer.group('').resource('secrets').namespace('default').check('get').allowed() && authorizer.requestResource.check('delete').allowed() && !authorizer.serviceAccount('default', 'robot').group('').resource('secrets').check('list').allowed() && authorizer.path('/metrics').check('get').allowed()",
          },
        ],
      },
    },
    201,
  ],
  [
    'the namespace is there to be looked at',
    { spec: { validations: [{ expression: "namespaceObject.metadata.name == 'default'" }] } },
    201,
  ],
  [
    'a binding narrows its policy by the labels of namespaces',
    {
      spec: { validations: [{ expression: 'false' }] },
      binding: { matchResources: { namespaceSelector: { matchLabels: { team: 'x' } } } },
    },
    201,
  ],
  [
    'excluded is excluded',
    {
      spec: {
        matchConstraints: {
          resourceRules: [CONFIG_MAP_RULE],
          excludeResourceRules: [{ ...CONFIG_MAP_RULE, resourceNames: ['c'] }],
        },
        validations: [{ expression: 'false' }],
      },
    },
    201,
  ],
  [
    'a missing param refuses where the binding says so',
    {
      spec: {
        paramKind: { apiVersion: 'v1', kind: 'ConfigMap' },
        validations: [{ expression: 'true' }],
      },
      binding: { paramRef: { name: 'limits', parameterNotFoundAction: 'Deny' } },
    },
    422,
    /failed to configure binding: no params found/,
  ],
  [
    'a missing param is no matter where the binding allows it',
    {
      spec: {
        paramKind: { apiVersion: 'v1', kind: 'ConfigMap' },
        validations: [{ expression: 'false' }],
      },
      binding: { paramRef: { name: 'limits', parameterNotFoundAction: 'Allow' } },
    },
    201,
  ],
  [
    'a loop within a loop over much is refused, not waited for',
    {
      spec: {
        validations: [
          {
            expression:
              "object.data.long.split('').all(a, object.data.long.split('').all(b, a == b || true))",
          },
        ],
      },
    },
    422,
    /cost limit exceeded/,
  ],
];

for (const [name, given, status, message] of CASES) {
  test(`admission policies: ${name}`, async () => {
    await using server = await started();
    await install(server, given);
    const answer = await create(server, { color: 'blue', long: 'x'.repeat(5000) });
    assert.equal(answer.status, status, answer.text);
    if (message !== undefined) assert.match(answer.text, message);
  });
}

test('params come from the objects that a binding selects; each of them has to be content', async () => {
  await using server = await started();
  for (const [name, color] of [
    ['one', 'blue'],
    ['two', 'red'],
  ]) {
    const metadata = { name, labels: { role: 'param' } };
    await server.call('POST', CONFIG_MAPS, { body: { metadata, data: { color } } });
  }
  await install(server, {
    spec: {
      paramKind: { apiVersion: 'v1', kind: 'ConfigMap' },
      validations: [
        {
          expression: 'object.data.color == params.data.color',
          messageExpression: "'wanted ' + params.data.color",
        },
      ],
    },
    binding: {
      paramRef: {
        selector: { matchLabels: { role: 'param' } },
        parameterNotFoundAction: 'Deny',
      },
    },
  });
  const answer = await create(server, { color: 'blue' });
  assert.equal(answer.status, 422, answer.text);
  assert.match(answer.text, /wanted red/);
});

test('Warn tells the client and lets the write through', async () => {
  await using server = await started();
  await install(server, {
    spec: { validations: [{ expression: 'false', message: 'think again' }] },
    binding: { validationActions: ['Warn', 'Audit'] },
  });
  const answer = await create(server, {});
  assert.equal(answer.status, 201);
  assert.deepEqual(answer.headers['warning'], [
    `299 - "Validation failed for ValidatingAdmissionPolicy 'p.example.com' with binding 'b': think again"`,
  ]);
});

test('a deletion shows its policies what is about to go', async () => {
  await using server = await started();
  await create(server, { locked: 'yes' });
  await install(server, {
    spec: {
      validations: [
        { expression: "request.operation != 'DELETE' || oldObject.data.locked != 'yes'", message: 'locked' },
      ],
    },
  });
  assert.equal((await server.call('DELETE', `${CONFIG_MAPS}/c`)).status, 422);
  assert.equal((await server.call('DELETE', CONFIG_MAPS)).status, 422, 'nor with all others');
  const body = { metadata: { name: 'c' }, data: { locked: 'no' } };
  assert.equal((await server.call('PUT', `${CONFIG_MAPS}/c`, { body })).status, 200);
  assert.equal((await server.call('DELETE', `${CONFIG_MAPS}/c`)).status, 200);
});

test('a dry run and server-side apply are asked about as well', async () => {
  await using server = await started();
  await install(server, { spec: { validations: [{ expression: "object.data.color == 'red'" }] } });
  const apply = (color: string, query: string) =>
    server.call('PATCH', `${CONFIG_MAPS}/c?fieldManager=me${query}`, {
      body: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c' }, data: { color } },
      type: 'application/apply-patch+yaml',
    });
  assert.equal((await apply('blue', '&dryRun=All')).status, 422);
  assert.equal((await apply('red', '&dryRun=All')).status, 201);
  assert.equal((await apply('red', '')).status, 201);
  assert.equal((await apply('blue', '')).status, 422);
});

test('a rule for the scale of Deployments hears of a scaling', async () => {
  await using server = await started();
  await install(server, {
    spec: {
      matchConstraints: {
        resourceRules: [
          {
            apiGroups: ['apps'],
            apiVersions: ['v1'],
            operations: ['UPDATE'],
            resources: ['deployments/scale'],
          },
        ],
      },
      validations: [
        { expression: "object.kind == 'Scale' && object.spec.replicas <= 3", message: 'three at most' },
      ],
    },
  });
  const template = {
    metadata: { labels: { app: 'a' } },
    spec: { containers: [{ name: 'a', image: 'pause' }] },
  };
  const path = '/apis/apps/v1/namespaces/default/deployments';
  await server.call('POST', path, {
    body: { metadata: { name: 'd' }, spec: { selector: { matchLabels: { app: 'a' } }, template } },
  });
  const scale = (replicas: number) =>
    server.call('PATCH', `${path}/d/scale`, {
      body: { spec: { replicas } },
      type: 'application/merge-patch+json',
    });
  const refused = await scale(4);
  assert.equal(refused.status, 422, refused.text);
  assert.match(refused.text, /three at most/);
  assert.equal((await scale(3)).status, 200);
});

test('a policy whose expressions cannot be read is not stored', async () => {
  await using server = await started();
  const spec = (expression: string) => ({
    matchConstraints: { resourceRules: [CONFIG_MAP_RULE] },
    validations: [{ expression }],
  });
  for (const expression of ['object.data.', 'params.x == 1', 'nonesuch', "'text'", 'self.x == 1']) {
    const body = { metadata: { name: 'p' }, spec: spec(expression) };
    const answer = await server.call('POST', POLICIES, { body });
    assert.equal(answer.status, 422, `${expression}: ${answer.text}`);
    assert.match(answer.text, /spec\.validations\[0\]\.expression/);
    assert.match(answer.text, /compilation failed: ERROR: <input>|must evaluate to bool but got string/);
  }
});

test('a policy can never refuse its own removal', async () => {
  await using server = await started();
  await install(server, {
    spec: {
      matchConstraints: {
        resourceRules: [{ apiGroups: ['*'], apiVersions: ['*'], operations: ['*'], resources: ['*'] }],
      },
      validations: [{ expression: 'false' }],
    },
  });
  assert.equal((await create(server, {})).status, 422);
  assert.equal((await server.call('DELETE', `${POLICIES}/p.example.com`)).status, 200);
  assert.equal((await create(server, {})).status, 201);
});

test('a policy says for which generation of it the expressions were read', async () => {
  await using server = await started();
  const watch = await server.watch(`${POLICIES}?watch=1`);
  await install(server, { spec: { validations: [{ expression: 'true' }] } });
  const [, noted] = await watch.take(2);
  assert.deepEqual(noted?.['object']?.['status'], { observedGeneration: 1, typeChecking: {} });
  watch.close();
});
