import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startTestServer } from '../testing/in-process.ts';
import { builtInKinds } from './index.ts';

const CORE = '/api/v1/namespaces/default';
const SERVICES = `${CORE}/services`;
const PODS = `${CORE}/pods`;
const LEASES = '/apis/coordination.k8s.io/v1/namespaces/default/leases';
const BATCH = '/apis/batch/v1/namespaces/default';
const APPS = '/apis/apps/v1/namespaces/default';

const PORTS = [{ port: 80 }];
const CONTAINER = { name: 'c', image: 'pause' };
const pod = (spec: object) => ({ containers: [CONTAINER], ...spec });
const container = (fields: object) => ({ containers: [{ ...CONTAINER, ...fields }] });

/** What a server of Kubernetes finds wrong with a new object of this spec, without its `KIND "x" is invalid: `. */
const REFUSED: readonly (readonly [path: string, spec: object, findings: string])[] = [
  [
    SERVICES,
    { ports: PORTS, ipFamilies: ['IPv6', 'IPv4'] },
    "spec.ipFamilyPolicy: Invalid value: \"SingleStack\": must be 'RequireDualStack' or 'PreferDualStack' when multiple IP families are specified",
  ],
  [
    SERVICES,
    { type: 'LoadBalancer', ports: PORTS, healthCheckNodePort: 32_000 },
    "spec.healthCheckNodePort: Invalid value: 32000: may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'",
  ],
  [
    SERVICES,
    { ports: PORTS, trafficDistribution: 'Bad' },
    'spec.trafficDistribution: Unsupported value: "Bad": supported values: "PreferClose", "PreferSameZone", "PreferSameNode"',
  ],
  [
    SERVICES,
    { ports: PORTS, externalIPs: ['0.0.0.0'] },
    'spec.externalIPs[0]: Invalid value: "0.0.0.0": may not be unspecified (0.0.0.0)',
  ],
  [
    PODS,
    container({ env: [{ name: 'A', valueFrom: { resourceFieldRef: { resource: 'x' } } }] }),
    'spec.containers[0].env[0].valueFrom.resourceFieldRef.resource: Unsupported value: "x": supported values: "limits.cpu", "limits.ephemeral-storage", "limits.memory", "requests.cpu", "requests.ephemeral-storage", "requests.memory"',
  ],
  [
    PODS,
    container({ lifecycle: { preStop: { sleep: { seconds: 100 } } } }),
    'spec.containers[0].lifecycle.preStop.sleep: Invalid value: 100: must be non-negative and less than terminationGracePeriodSeconds (30)',
  ],
  [
    PODS,
    container({ readinessProbe: { grpc: { port: 80 }, terminationGracePeriodSeconds: 5 } }),
    'spec.containers[0].readinessProbe.terminationGracePeriodSeconds: Invalid value: 5: must not be set for readinessProbes',
  ],
  [
    PODS,
    pod({ shareProcessNamespace: true, hostPID: true }),
    'spec.securityContext.shareProcessNamespace: Invalid value: true: ShareProcessNamespace and HostPID cannot both be enabled',
  ],
  [
    PODS,
    pod({ os: { name: 'bad' } }),
    'spec.os: Unsupported value: "bad": supported values: "linux", "windows"',
  ],
  [
    `${APPS}/deployments`,
    {},
    '[spec.selector: Required value, spec.template.metadata.labels: Invalid value: null: `selector` does not match template `labels`, spec.template.spec.containers: Required value]',
  ],
  [
    `${APPS}/daemonsets`,
    {},
    '[spec.template.metadata.labels: Invalid value: null: `selector` does not match template `labels`, spec.template.spec.containers: Required value]',
  ],
  [
    `${BATCH}/jobs`,
    { template: { spec: { containers: [CONTAINER], restartPolicy: 'Never' } }, managedBy: 'me' },
    'spec.managedBy: Invalid value: "me": must be a domain-prefixed path (such as "acme.io/foo")',
  ],
  [
    '/apis/policy/v1/namespaces/default/poddisruptionbudgets',
    { minAvailable: '101%' },
    'spec.minAvailable: Invalid value: "101%": must not be greater than 100%',
  ],
  [
    LEASES,
    { leaseDurationSeconds: 0 },
    'spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0',
  ],
];

test('new objects are refused with the findings of a server of Kubernetes', async () => {
  await using server = await startTestServer({ kinds: builtInKinds() });
  for (const [path, spec, findings] of REFUSED) {
    const answer = await server.call('POST', path, { body: { metadata: { name: 'x' }, spec } });
    assert.equal(answer.status, 422, `${path} ${JSON.stringify(spec)}: ${answer.text}`);
    const message = String(answer.json['message']);
    assert.equal(message.slice(message.indexOf(' is invalid: ') + ' is invalid: '.length), findings);
  }
});

/** What becomes of a spec: the whole of it where it is short, else some fields. */
const MADE: readonly (readonly [path: string, spec: object, made: object])[] = [
  [
    SERVICES,
    { type: 'ExternalName', externalName: 'example.com', internalTrafficPolicy: 'Cluster' },
    { type: 'ExternalName', externalName: 'example.com', sessionAffinity: 'None' },
  ],
  [
    SERVICES,
    { type: 'ExternalName', externalName: 'a.b', sessionAffinityConfig: { clientIP: { timeoutSeconds: 5 } } },
    { type: 'ExternalName', externalName: 'a.b', sessionAffinity: 'None' },
  ],
  [LEASES, { holderIdentity: '' }, { holderIdentity: '' }],
  [`/api/v1/nodes`, { podCIDR: '10.0.0.0/24' }, { podCIDR: '10.0.0.0/24', podCIDRs: ['10.0.0.0/24'] }],
];

test('a new object is made as a server of Kubernetes makes it', async () => {
  await using server = await startTestServer({ kinds: builtInKinds() });
  for (const [index, [path, spec, made]] of MADE.entries()) {
    const answer = await server.call('POST', path, { body: { metadata: { name: `x${index}` }, spec } });
    assert.equal(answer.status, 201, `${path} ${JSON.stringify(spec)}: ${answer.text}`);
    assert.deepEqual(answer.json['spec'], made);
  }
});

test('what is always written is there though nobody set it', async () => {
  await using server = await startTestServer({ kinds: builtInKinds() });
  const selector = { matchLabels: { a: 'b' } };
  const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [CONTAINER] } };
  const made = (plural: string) =>
    server.call('POST', `${APPS}/${plural}`, {
      body: { metadata: { name: 'x' }, spec: { selector, template } },
    });
  assert.deepEqual((await made('deployments')).json['status'], {});
  assert.deepEqual((await made('replicasets')).json['status'], { replicas: 0 });
  assert.deepEqual((await made('statefulsets')).json['status'], { replicas: 0, availableReplicas: 0 });
  const budget = await server.call('POST', '/apis/policy/v1/namespaces/default/poddisruptionbudgets', {
    body: { metadata: { name: 'x' } },
  });
  const counts = { disruptionsAllowed: 0, currentHealthy: 0, desiredHealthy: 0, expectedPods: 0 };
  assert.deepEqual(budget.json['status'], counts);
});

test('nobody owns what admission or the server adds', async () => {
  await using server = await startTestServer({ kinds: builtInKinds() });
  const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [CONTAINER] } };
  const answer = await server.call('POST', `${APPS}/deployments`, {
    body: { metadata: { name: 'x' }, spec: { selector: { matchLabels: { a: 'b' } }, template } },
  });
  const [owner] = answer.json['metadata']?.['managedFields'] ?? [];
  const fields = owner?.['fieldsV1']?.['f:spec']?.['f:template']?.['f:spec']?.['f:containers'] ?? {};
  assert.deepEqual(Object.keys(fields), ['k:{"name":"c"}'], 'a list that is always there belongs to nobody');
});

test('fields that say nothing in this type of Service earn a warning', async () => {
  await using server = await startTestServer({ kinds: builtInKinds() });
  const spec = { clusterIP: 'None', ports: PORTS, externalIPs: ['1.2.3.4'], sessionAffinity: 'ClientIP' };
  const answer = await server.call('POST', SERVICES, { body: { metadata: { name: 'x' }, spec } });
  assert.deepEqual(answer.headers['warning'], [
    '299 - "spec.externalIPs is ignored for headless services"',
    '299 - "spec.SessionAffinity is ignored for headless services"',
  ]);
});

test('a Job keeps its pods unless its deletion says otherwise, and says so', async () => {
  await using server = await startTestServer({ kinds: builtInKinds() });
  const template = { spec: { containers: [CONTAINER], restartPolicy: 'Never' } };
  const body = { metadata: { name: 'x' }, spec: { template } };
  await server.call('POST', `${BATCH}/jobs`, { body });
  const unsaid = await server.call('DELETE', `${BATCH}/jobs/x`);
  assert.deepEqual(unsaid.json['metadata']?.['finalizers'], ['orphan']);
  assert.match(
    String(unsaid.headers['warning']),
    /child pods are preserved by default when jobs are deleted/,
  );
  const said = await server.call('DELETE', `${BATCH}/jobs/x?propagationPolicy=Background`);
  assert.deepEqual([said.json['status'], said.headers['warning']], ['Success', undefined]);
});

test('pods and Services are shown as they went', async () => {
  await using server = await startTestServer({ kinds: builtInKinds() });
  await server.call('POST', SERVICES, { body: { metadata: { name: 'x' }, spec: { ports: PORTS } } });
  assert.equal((await server.call('DELETE', `${SERVICES}/x`)).json['kind'], 'Service');
  await server.call('POST', PODS, { body: { metadata: { name: 'x' }, spec: pod({}) } });
  const gone = await server.call('DELETE', `${PODS}/x`);
  assert.deepEqual([gone.json['kind'], gone.json['metadata']?.['deletionGracePeriodSeconds']], ['Pod', 0]);
});

test('a time of day with parts of seconds has six of their digits', async () => {
  await using server = await startTestServer({ kinds: builtInKinds() });
  const renewed = (renewTime: string) =>
    server.call('POST', `${LEASES}?dryRun=All`, { body: { metadata: { name: 'x' }, spec: { renewTime } } });
  assert.equal((await renewed('2026-01-01T00:00:00.000000Z')).status, 201);
  for (const text of ['2026-01-01T00:00:00Z', '2026-01-01T00:00:00.123Z']) {
    assert.match((await renewed(text)).text, /cannot parse \\"Z\\" as \\"\.000000\\"/, text);
  }
});

test('priorities come from classes, and classes of runtimes that nobody made refuse the pod', async () => {
  await using server = await startTestServer({ kinds: builtInKinds() });
  const refusal = async (spec: object) => {
    const answer = await server.call('POST', PODS, { body: { metadata: { name: 'x' }, spec: pod(spec) } });
    assert.equal(answer.status, 403, answer.text);
    return String(answer.json['message']);
  };
  assert.match(
    await refusal({ priority: 5 }),
    /the integer value of priority \(5\) must not be provided in pod spec/,
  );
  assert.match(await refusal({ runtimeClassName: 'nope' }), /RuntimeClass "nope" not found$/);
});
