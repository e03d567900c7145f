/** Ingresses as people write them with kubectl, and as clients outside of the cluster meet them. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { makeCertificate } from '../../src/gateway/testing/certificate.ts';
import { EVENTS, INGRESSES, INGRESS_CLASSES, PODS, SECRETS, SERVICES } from '../../src/kube/resources.ts';
import type { Ingress, IngressSpec } from '../../src/kube/types/networking.ts';
import { eventually, startCluster, type TestCluster } from './cluster.ts';
import { GatewayRig, from, host, namespace, status } from './gateway-rig.ts';

const name = 'e2e-ingress';
const pair = makeCertificate(host);
let cluster: TestCluster;
let rig: GatewayRig;
let addresses: readonly string[];

const to = (service: string) => ({ service: { name: service, port: { number: 80 } } });
const paths = (...entries: readonly (readonly [string, string])[]) => ({
  paths: entries.map(([path, service]) => ({ path, pathType: 'Prefix' as const, backend: to(service) })),
});

async function makeIngress(
  ingress: string,
  spec: IngressSpec,
  annotations: Readonly<Record<string, string>> = {},
): Promise<void> {
  await cluster.client.create(INGRESSES, {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: { namespace, name: ingress, annotations },
    spec,
  });
}

/** Waits until the status of the Ingress tells where it is served. */
async function addressesOf(ingress: string): Promise<readonly string[]> {
  const found = await eventually(
    `Ingress ${ingress} has its addresses`,
    async () => {
      const { status: now }: Ingress = await cluster.client.get(INGRESSES, { namespace, name: ingress });
      return now?.loadBalancer?.ingress?.flatMap(({ ip }) => ip ?? []) ?? undefined;
    },
    60_000,
  );
  return found;
}

before(async () => {
  cluster = await startCluster(name, '--nodes', '1');
  rig = new GatewayRig(cluster);
  await rig.makeNamespaces(namespace);
  await Promise.all([rig.serve('one'), rig.serve('two')]);
  await cluster.client.create(SECRETS, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { namespace, name: 'cert' },
    type: 'kubernetes.io/tls',
    data: {
      'tls.crt': Buffer.from(pair.certificate).toString('base64'),
      'tls.key': Buffer.from(pair.key).toString('base64'),
    },
  });
  await makeIngress(
    'main',
    {
      ingressClassName: 'fairlead',
      tls: [{ hosts: [host], secretName: 'cert' }],
      rules: [{ host, http: paths(['/', 'one'], ['/two', 'two']) }],
    },
    { 'nginx.ingress.kubernetes.io/rewrite-target': '/' },
  );
  addresses = await addressesOf('main');
});
after(() => cluster[Symbol.asyncDispose]());

test('paths of a host are served over HTTP and HTTPS, in both families', async () => {
  assert.equal(addresses.length, 2);
  for (const address of addresses) {
    await rig.answers(address, '/', from('one'));
    await rig.answers(address, '/two/x', from('two'), '--tls');
    await rig.answers(address, '/twofold', from('one'));
  }
});

test('an annotation of another controller changes nothing, and is told by an Event', async () => {
  await eventually('the Event is there', async () => {
    const { items } = await cluster.client.list(EVENTS, { namespace });
    return items.find(({ reason }) => reason === 'AnnotationsNotSupported');
  });
});

test('an Ingress without a class gets the default one, and its default backend has what no other host has', async () => {
  const [address = ''] = addresses;
  await rig.answers(address, '/', status(404), '--header', 'Host: other.example');
  await cluster.client.patch(
    INGRESS_CLASSES,
    { name: 'fairlead' },
    { metadata: { annotations: { 'ingressclass.kubernetes.io/is-default-class': 'true' } } },
    { type: 'merge' },
  );
  await makeIngress('rest', { defaultBackend: to('two') });
  const made = await cluster.client.get(INGRESSES, { namespace, name: 'rest' });
  assert.equal(made.spec.ingressClassName, 'fairlead');
  await rig.answers(address, '/', from('two'), '--header', 'Host: other.example');
  await rig.answers(address, '/', from('one'));
});

test('of an agent’s Secrets only those of Ingresses and of the proxies are read, and a new one is served', async () => {
  const [address = ''] = addresses;
  const other = makeCertificate('tls.example');
  await makeIngress('later', {
    ingressClassName: 'fairlead',
    tls: [{ hosts: ['tls.example'], secretName: 'later' }],
    rules: [{ host: 'tls.example', http: paths(['/', 'two']) }],
  });
  await eventually('it is told that the Secret is missing', async () => {
    const { items } = await cluster.client.list(EVENTS, { namespace });
    return items.find(({ reason }) => reason === 'NotServed');
  });
  await cluster.client.create(SECRETS, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { namespace, name: 'later' },
    type: 'kubernetes.io/tls',
    data: {
      'tls.crt': Buffer.from(other.certificate).toString('base64'),
      'tls.key': Buffer.from(other.key).toString('base64'),
    },
  });
  // curl names the host of the URL in the handshake: it is asked for a second one, with that of the certificate.
  const isServed = ({ body }: { readonly body: string }) => body.includes('"host": "tls.example"');
  await rig.answers(address, '/', isServed, '--tls', '--url', 'https://tls.example/');
});

test('with the last Ingress of a class its proxies go', async () => {
  const { items } = await cluster.client.list(INGRESSES, { namespace });
  for (const { metadata } of items)
    await cluster.client.delete(INGRESSES, { namespace, name: metadata.name });
  await eventually('nothing of the class is left', async () => {
    const [services, pods] = await Promise.all([
      cluster.client.list(SERVICES, {
        namespace: 'kube-system',
        labelSelector: 'fairlead.dev/ingress-class',
      }),
      cluster.client.list(PODS, { namespace: 'kube-system', labelSelector: 'fairlead.dev/ingress-class' }),
    ]);
    return services.items.length + pods.items.length === 0 ? true : undefined;
  });
});
