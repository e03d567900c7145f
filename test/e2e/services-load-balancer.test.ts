import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { namespaces } from '../../src/kernel/contract.ts';
import { namespacePath, spawnIn } from '../../src/kernel/ns/index.ts';
import { DEPLOYMENTS, EVENTS, NODES, PODS, SERVICES } from '../../src/kube/resources.ts';
import type { Service } from '../../src/kube/types/service.ts';
import { eventually, startCluster, type TestCluster } from './cluster.ts';

/** A Service of type LoadBalancer as a client outside the cluster meets it. */
const web = { namespace: 'default', name: 'web' };
let cluster: TestCluster;

before(async () => {
  cluster = await startCluster('e2e-balancer', '--nodes', '2');
  const { client } = cluster;
  const container = {
    name: 'web',
    image: 'registry.k8s.io/e2e-test-images/agnhost:2.53',
    args: ['netexec', '--http-port=8080'],
    readinessProbe: { httpGet: { path: '/healthz', port: 8080 }, periodSeconds: 1 },
  };
  await client.create(DEPLOYMENTS, {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: web,
    spec: {
      replicas: 1,
      selector: { matchLabels: { app: 'web' } },
      template: {
        metadata: { labels: { app: 'web' } },
        spec: { containers: [container], terminationGracePeriodSeconds: 1 },
      },
    },
  });
  await client.create(SERVICES, serviceNamed('web'));
});

after(() => cluster[Symbol.asyncDispose]());

function serviceNamed(name: string, change: Partial<Service['spec']> = {}): Service {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { namespace: 'default', name },
    spec: {
      type: 'LoadBalancer',
      externalTrafficPolicy: 'Local',
      ipFamilyPolicy: 'RequireDualStack',
      selector: { app: 'web' },
      ports: [{ port: 80, targetPort: 8080 }],
      ...change,
    },
  };
}

async function addressesOf(name: string): Promise<readonly string[]> {
  return eventually(`Service ${name} has two addresses`, async () => {
    const { status } = await cluster.client.get(SERVICES, { namespace: 'default', name });
    const addresses = (status?.loadBalancer?.ingress ?? []).flatMap(({ ip }) => ip ?? []);
    return addresses.length === 2 ? addresses : undefined;
  });
}

/** curl in the world outside; undefined when nobody answers within a second. */
async function curl(address: string, path: string): Promise<string | undefined> {
  const { code, output } = await run(`http://${address.includes('::') ? `[${address}]` : address}${path}`);
  return code === 0 ? output : undefined;
}

/** The exit code is curl's: 7 is refused, 28 is timed out. */
async function run(url: string): Promise<{ readonly code: number; readonly output: string }> {
  const words = ['--silent', '--fail', '--max-time', '1', '--noproxy', '*', url];
  const world = namespacePath(namespaces.world(cluster.name));
  const child = spawnIn(world, 'curl', words, { stdio: ['ignore', 'pipe', 'ignore'] });
  let output = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (output += text));
  const [code] = (await once(child, 'close')) as [number];
  return { code, output };
}

test('the world reaches the Service at its own addresses, and is seen with its own', async () => {
  const [four = '', six = ''] = await addressesOf('web');
  const seen = async (address: string) => eventually(`${address} answers`, () => curl(address, '/clientip'));
  assert.match(await seen(four), /^172\.30\.250\.1:/);
  assert.match(await seen(six), /^\[fd00:172:30::fa:1\]:/);
});

test('a port that the Service does not have is refused at its addresses', async () => {
  const [four = '', six = ''] = await addressesOf('web');
  for (const host of [four, `[${six}]`]) assert.equal((await run(`http://${host}:81/`)).code, 7, host);
});

test('a load balancer in front learns at the health check port which node has endpoints', async () => {
  const { spec } = await cluster.client.get(SERVICES, web);
  const { items } = await cluster.client.list(PODS, { namespace: 'default', labelSelector: 'app=web' });
  const here = items[0]?.spec.nodeName;
  assert.ok(spec.healthCheckNodePort);
  for (const [index, node] of ['node-1', 'node-2'].entries()) {
    const at = `172.30.0.${index + 1}:${spec.healthCheckNodePort}`;
    const body = await eventually(`${node} says ${here === node ? 'yes' : 'no'}`, async () => {
      const answer = await curl(at, '/');
      return (answer !== undefined) === (here === node) ? (answer ?? 'no') : undefined;
    });
    if (here === node) assert.match(body, /"localEndpoints":\s*1,\s*"serviceProxyHealthy":\s*true/);
  }
});

test('when the last endpoint of a node goes, its addresses move to a node that has one, within seconds', async () => {
  const { client } = cluster;
  const addresses = await addressesOf('web');
  const podOf = async () => {
    const { items } = await client.list(PODS, { namespace: 'default', labelSelector: 'app=web' });
    return items.find(pod => pod.metadata.deletionTimestamp === undefined);
  };
  const old = await podOf();
  assert.ok(old);
  const name = old.spec.nodeName ?? '';
  await client.patch(NODES, { name }, { spec: { unschedulable: true } }, { type: 'merge' });
  await client.delete(PODS, { namespace: 'default', name: old.metadata.name });
  const next = await eventually('another pod is ready on the other node', async () => {
    const pod = await podOf();
    const isReady = pod?.status?.conditions?.some(
      ({ type, status }) => type === 'Ready' && status === 'True',
    );
    return isReady === true && pod !== undefined && pod.spec.nodeName !== name ? pod : undefined;
  });
  const ready = performance.now();
  for (const address of addresses) {
    const body = await eventually(`${address} answers from the other node`, () => curl(address, '/hostname'));
    assert.equal(body, next.metadata.name);
  }
  const milliseconds = performance.now() - ready;
  assert.ok(milliseconds < 5000, `moved after ${milliseconds.toFixed(0)} ms`);
  await client.patch(NODES, { name }, { spec: { unschedulable: false } }, { type: 'merge' });
});

test('an address that is asked for and cannot be had is told on the Service', async () => {
  const { client } = cluster;
  await client.create(SERVICES, serviceNamed('wishful', { loadBalancerIP: '203.0.113.7' }));
  const fieldSelector = 'involvedObject.name=wishful';
  const event = await eventually('there is an Event', async () => {
    const { items } = await client.list(EVENTS, { namespace: 'default', fieldSelector });
    return items.find(({ reason }) => reason === 'LoadBalancerAddressUnusable');
  });
  assert.match(event.message ?? '', /203\.0\.113\.7 is in none of the load balancer's prefixes/);
});

test('a Service that is deleted answers nobody, and its addresses are given to the next', async () => {
  const { client } = cluster;
  const addresses = await addressesOf('web');
  await client.delete(SERVICES, web);
  for (const address of addresses)
    await eventually(`nobody answers at ${address}`, async () =>
      (await curl(address, '/hostname')) === undefined ? true : undefined,
    );
  await client.create(SERVICES, serviceNamed('web'));
  assert.deepEqual(await addressesOf('web'), addresses);
  for (const address of addresses)
    assert.ok(await eventually(`${address} answers again`, () => curl(address, '/hostname')));
});
