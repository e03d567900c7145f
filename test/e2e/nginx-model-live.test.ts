import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { eventually, fairlead, startCluster } from './cluster.ts';
import type { TestCluster } from './cluster.ts';
import { GatewayRig, namespace } from './gateway-rig.ts';

/** Ingresses of Ingress NGINX are moved to Gateways of a cluster, and the Gateways are asked what the proof says of them. */
let cluster: TestCluster;
let rig: GatewayRig;

const path = (pathType: string, value: string, service: string) => ({
  path: value,
  pathType,
  backend: { service: { name: service, port: { number: 80 } } },
});

const ingress = (
  name: string,
  annotations: Readonly<Record<string, string>>,
  ...paths: readonly ReturnType<typeof path>[]
) => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'Ingress',
  metadata: {
    namespace,
    name,
    annotations: Object.fromEntries(
      Object.entries(annotations).map(([key, value]) => [`nginx.ingress.kubernetes.io/${key}`, value]),
    ),
  },
  spec: { ingressClassName: 'nginx', rules: [{ host: `${name}.example.com`, http: { paths } }] },
});

before(async () => {
  cluster = await startCluster('e2e-nginx-model', '--nodes', '1');
  rig = new GatewayRig(cluster);
  await rig.makeNamespaces(namespace);
  await Promise.all(['web', 'api'].map(app => rig.serve(app)));
});
after(() => cluster[Symbol.asyncDispose]());

test('Gateways that took over from Ingresses answer as the proof says', async () => {
  const items = [
    ingress(
      'plain',
      {},
      path('Prefix', '/', 'web'),
      path('Prefix', '/api', 'api'),
      path('Exact', '/one', 'api'),
    ),
    ingress('stripped', { 'rewrite-target': '/$2' }, path('ImplementationSpecific', '/app(/|$)(.*)', 'web')),
    ingress('rooted', { 'app-root': '/start' }, path('Prefix', '/', 'web')),
    ingress('moved', { 'permanent-redirect': 'https://new.example.com/there' }, path('Prefix', '/', 'web')),
  ];
  await cluster.kubectl(['apply', '-f', '-'], {
    input: JSON.stringify({ apiVersion: 'v1', kind: 'List', items }),
  });
  const words = ['migrate', 'ingress', '--gateway', `${namespace}/entrance`, '--name', cluster.name];
  const { stdout: manifests } = await fairlead(words);
  await cluster.kubectl(['apply', '-f', '-'], { input: manifests });
  await rig.addressesOf('entrance');
  const said = await eventually(
    'the Gateways agree with the tables',
    async () => {
      const { code, stderr } = await fairlead([...words, '--live']);
      if (code !== 0) throw new Error(stderr);
      return stderr;
    },
    60_000,
  );
  const [, asked = '0', agreed = '0'] =
    /asked the Gateways (\d+) requests for real: (\d+) as/.exec(said) ?? [];
  assert.ok(Number(asked) > 100 && Number(agreed) > Number(asked) / 2, said);
});
