import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import type { AgentStatus } from '../../src/agent/status.ts';
import { namespaces, paths } from '../../src/kernel/contract.ts';
import { namespacePath, spawnIn } from '../../src/kernel/ns/index.ts';
import { DEPLOYMENTS, EVENTS, NAMESPACES, PODS, SERVICES } from '../../src/kube/resources.ts';
import type { Pod } from '../../src/kube/types/core.ts';
import type { Service } from '../../src/kube/types/service.ts';
import { eventually, startCluster, type TestCluster } from './cluster.ts';

/** Services as a person meets them: curl in pods and on nodes of a whole cluster. */
const nodes = ['node-1', 'node-2'] as const;
const web = { namespace: 'shop', name: 'web' };
let cluster: TestCluster;
let addresses: readonly string[];

before(async () => {
  cluster = await startCluster('e2e-services', '--nodes', String(nodes.length));
  const { client } = cluster;
  await client.create(NAMESPACES, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } });
  for (const node of nodes) await client.create(PODS, clientPod(node));
  const container = {
    name: 'web',
    image: 'echo',
    ports: [{ name: 'http', containerPort: 3000 }],
    env: [{ name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }],
  };
  await client.create(DEPLOYMENTS, {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: web,
    spec: {
      replicas: 2,
      selector: { matchLabels: { app: 'web' } },
      template: {
        metadata: { labels: { app: 'web' } },
        spec: { containers: [container], terminationGracePeriodSeconds: 1 },
      },
    },
  });
  addresses = await createService();
});

after(() => cluster[Symbol.asyncDispose]());

function clientPod(nodeName: string): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { namespace: 'shop', name: `client-${nodeName}` },
    spec: {
      nodeName,
      containers: [{ name: 'main', image: 'shell', command: ['sleep', '1000'] }],
      terminationGracePeriodSeconds: 1,
    },
  };
}

async function createService(): Promise<readonly string[]> {
  const service: Service = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: web,
    spec: {
      ipFamilyPolicy: 'RequireDualStack',
      selector: { app: 'web' },
      ports: [{ name: 'http', port: 80, targetPort: 'http' }],
    },
  };
  const created = await cluster.client.create(SERVICES, service);
  assert.equal(created.spec.clusterIPs?.length, 2);
  return created.spec.clusterIPs ?? [];
}

interface Answer {
  readonly code: number;
  readonly body: string;
  readonly seconds: number;
}

/** curl in a network namespace; the exit code is curl's: 7 is refused, 28 is timed out. */
async function curl(namespace: string, url: string): Promise<Answer> {
  const words = ['--silent', '--max-time', '3', '--noproxy', '*', '--write-out', '\n%{time_total}', url];
  const child = spawnIn(namespacePath(namespace), 'curl', words, { stdio: ['ignore', 'pipe', 'ignore'] });
  let output = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (output += text));
  const [code] = (await once(child, 'close')) as [number];
  const at = output.lastIndexOf('\n');
  return { code, body: output.slice(0, at), seconds: Number(output.slice(at + 1)) };
}

/** The nodes' namespaces, and those of a pod on each. */
async function clients(): Promise<readonly string[]> {
  const pods = await Promise.all(
    nodes.map(node => cluster.client.get(PODS, { namespace: 'shop', name: `client-${node}` })),
  );
  return [
    ...nodes.map(node => namespaces.node(cluster.name, node)),
    ...pods.map(pod => namespaces.pod(cluster.name, pod.metadata.uid ?? '')),
  ];
}

const urlOf = (address: string): string => `http://${address.includes(':') ? `[${address}]` : address}/`;

async function everywhere(check: (answer: Answer) => void, milliseconds?: number): Promise<void> {
  for (const namespace of await clients()) {
    for (const address of addresses) {
      await eventually(
        `${namespace} → ${address}`,
        async () => {
          check(await curl(namespace, urlOf(address)));
          return true;
        },
        milliseconds,
      );
    }
  }
}

async function scale(replicas: number): Promise<void> {
  await cluster.client.patch(DEPLOYMENTS, web, { spec: { replicas } }, { type: 'merge' });
}

async function agentStatus(node: string): Promise<AgentStatus> {
  const socket = `${paths.nodeRun(cluster.name, node)}/agent.sock`;
  const child = spawnIn(
    namespacePath(namespaces.node(cluster.name, node)),
    'curl',
    ['--silent', '--unix-socket', socket, 'http://agent/status'],
    { stdio: ['ignore', 'pipe', 'ignore'] },
  );
  let output = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (output += text));
  await once(child, 'close');
  return JSON.parse(output) as AgentStatus;
}

test('pods and nodes reach a Service in both families, and meet each of its pods', async () => {
  const met = new Set<string>();
  await everywhere(({ code, body }) => {
    assert.equal(code, 0);
    met.add((JSON.parse(body) as { pod?: string }).pod ?? '');
  });
  await eventually('both pods answer', async () => {
    const [namespace = ''] = await clients();
    const { body } = await curl(namespace, urlOf(addresses[0] ?? ''));
    met.add((JSON.parse(body) as { pod?: string }).pod ?? '');
    met.delete('');
    return met.size === 2 ? true : undefined;
  });
  const { services } = await agentStatus('node-1');
  assert.equal(services.ready, true);
  assert.deepEqual(services.problems, []);
  const dns = 2 * 2 * nodes.length; // two addresses, UDP and TCP, every node
  assert.equal(services.endpoints, 4 + 1 + dns, 'two pods in two families, the API server, and DNS');
});

test('the API server is reached by its Service', async () => {
  const { spec } = await cluster.client.get(SERVICES, { namespace: 'default', name: 'kubernetes' });
  for (const namespace of await clients()) {
    const { code } = await curl(namespace, `https://${spec.clusterIP}/livez`);
    assert.equal(code, 60, "curl connects and says that it does not know the server's authority");
  }
});

test('with no pods connections are refused at once; with new ones they work again', async () => {
  await scale(0);
  await everywhere(({ code, seconds }) => {
    assert.equal(code, 7);
    assert.ok(seconds < 0.5, `refused after ${seconds} s`);
  });
  await scale(1);
  await everywhere(({ code }) => assert.equal(code, 0));
});

test('an agent that is killed leaves Services working, and the next one adopts them', async () => {
  const agents = async () =>
    (await cluster.status()).processes.filter(process => process.name.startsWith('agent'));
  const before = await agents();
  for (const { pid } of before) if (pid !== null) process.kill(pid, 'SIGKILL');
  for (const namespace of await clients())
    assert.equal(
      (await curl(namespace, urlOf(addresses[0] ?? ''))).code,
      0,
      `${namespace}, while no agent runs`,
    );
  const { services } = await eventually('agents run again', async () => {
    const after = await agents();
    const isNew = after.every(({ pid }) => !before.some(old => old.pid === pid));
    const status = isNew && after.length === nodes.length ? await agentStatus('node-1') : undefined;
    return status?.services.ready === true ? status : undefined;
  });
  assert.equal(services.corrections, 0);
  await everywhere(({ code }) => assert.equal(code, 0));
});

test('what a Service asks for and does not get is told on it', async () => {
  const { client } = cluster;
  for (const name of ['first', 'second'])
    await client.create(SERVICES, {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { namespace: 'shop', name },
      spec: { externalIPs: ['203.0.113.9'], ports: [{ port: 80 }] },
    });
  await eventually('there is an Event from each node', async () => {
    const { items } = await client.list(EVENTS, {
      namespace: 'shop',
      fieldSelector: 'reason=ServiceProblem',
    });
    // Of two that are made in one second either may count as the older.
    const sentence = /203\.0\.113\.9 TCP 80 belongs to Service shop\/(first|second), which is older/;
    assert.ok(items.every(event => event.type === 'Warning' && sentence.test(event.message ?? '')));
    return items.length === nodes.length ? true : undefined;
  });
  for (const name of ['first', 'second']) await client.delete(SERVICES, { namespace: 'shop', name });
});

test('a Service that is deleted leads nowhere', async () => {
  await cluster.client.delete(SERVICES, web);
  const [node = '', , pod = ''] = await clients();
  for (const namespace of [node, pod])
    await eventually(`nobody answers ${namespace}`, async () =>
      (await curl(namespace, urlOf(addresses[0] ?? ''))).code === 0 ? undefined : true,
    );
  const { services } = await agentStatus('node-1');
  assert.equal(services.frontends, 1 + 4, 'only the API server and DNS are left');
});
