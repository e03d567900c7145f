import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { builtInKinds } from '../../src/standalone/apiserver/kinds/index.ts';
import { startTestServer } from '../../src/standalone/apiserver/testing/in-process.ts';

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS'];
const PATHS = [
  '/api/v1/namespaces',
  '/api/v1/namespaces/default',
  '/api/v1/namespaces/default/finalize',
  '/api/v1/namespaces/default/pods',
  '/api/v1/namespaces/default/pods/p',
  '/api/v1/namespaces/default/pods/p/status',
  '/api/v1/namespaces/default/pods/p/binding',
  '/api/v1/namespaces/default/pods/p/eviction',
  '/api/v1/namespaces/default/pods/p/log',
  '/api/v1/namespaces/default/configmaps',
  '/api/v1/namespaces/default/services',
  '/api/v1/namespaces/default/services/s',
  '/apis/apps/v1/namespaces/default/deployments',
  '/apis/apps/v1/namespaces/default/deployments/d',
  '/apis/apps/v1/namespaces/default/deployments/d/scale',
  '/apis/apps/v1/deployments',
  '/openapi/v3',
  '/version',
];
const TYPES = [
  'application/json',
  'application/yaml',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
  'application/json-patch+json',
  'application/vnd.kubernetes.protobuf',
];
const FIELDS = [
  'apiVersion',
  'kind',
  'metadata',
  'spec',
  'status',
  'data',
  'name',
  'namespace',
  'labels',
  'annotations',
  'finalizers',
  'ownerReferences',
  'containers',
  'ports',
  'port',
  'clusterIP',
  'clusterIPs',
  'type',
  'selector',
  'template',
  'replicas',
  'target',
  'deleteOptions',
  'propagationPolicy',
  'preconditions',
  'resourceVersion',
  'uid',
  'ipFamilies',
  'nodePort',
];
const PARAMETERS = [
  'limit',
  'continue',
  'labelSelector',
  'fieldSelector',
  'resourceVersion',
  'resourceVersionMatch',
  'dryRun',
  'fieldValidation',
  'includeObject',
  'propagationPolicy',
  'gracePeriodSeconds',
  'container',
  'tailLines',
];

const { value } = fc.letrec<{ value: unknown }>(tie => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom<unknown>(
      null,
      true,
      0,
      -1,
      80,
      1.5,
      '',
      'p',
      's',
      'None',
      'v1',
      'Pod',
      '10.96.0.7',
      'NodePort',
      'All',
    ),
    fc.array(tie('value'), { maxLength: 2 }),
    fc.dictionary(fc.constantFrom(...FIELDS), tie('value'), { maxKeys: 5 }),
  ),
}));
const named = fc
  .dictionary(fc.constantFrom(...FIELDS), value, { maxKeys: 5 })
  .map(object => ({ ...object, metadata: { name: 'p' } }));
const body = fc.oneof(value, named, fc.string(), fc.uint8Array({ maxLength: 30 }));

test('no request, however odd, is answered with an internal error or ends the server', async () => {
  await using server = await startTestServer({ kinds: builtInKinds() });
  const pods = '/api/v1/namespaces/default/pods';
  await server.call('POST', pods, {
    body: { metadata: { name: 'p' }, spec: { nodeName: 'n', containers: [{ name: 'c', image: 'x' }] } },
  });
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...METHODS),
      fc.constantFrom(...PATHS),
      fc.dictionary(
        fc.constantFrom(...PARAMETERS),
        fc.oneof(fc.string({ maxLength: 8 }), fc.constantFrom('0', '1', 'All', 'Strict', 'Exact')),
        { maxKeys: 2 },
      ),
      fc.constantFrom(...TYPES),
      body,
      async (method, path, parameters, type, content) => {
        const query = new URLSearchParams(parameters).toString();
        const answer = await server.call(method, `${path}?${query}`, { type, body: content });
        const isRuntimeMissing = path.endsWith('/log') && answer.text.includes('does not answer');
        assert.ok(
          answer.status < 500 || answer.status === 504 || isRuntimeMissing,
          `${answer.status}: ${answer.text}`,
        );
      },
    ),
    { numRuns: 3000 },
  );
  assert.equal((await server.call('GET', '/healthz')).status, 200);
});
