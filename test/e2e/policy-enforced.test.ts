import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { sentenceOf } from '../../src/base/errors.ts';
import type { FlowEvent } from '../../src/base/flow-event.ts';
import type { AgentStatus } from '../../src/agent/status.ts';
import { namespaces as networkNamespaces, paths } from '../../src/kernel/contract.ts';
import { connectIn, namespacePath } from '../../src/kernel/ns/index.ts';
import { NAMESPACES, NETWORK_POLICIES, PODS } from '../../src/kube/resources.ts';
import type { NetworkPolicySpec } from '../../src/kube/types/networking.ts';
import type { Pod } from '../../src/kube/types/pod.ts';
import { resolveName } from '../../src/probe/index.ts';
import { eventually, fairlead, startCluster, type TestCluster } from './cluster.ts';

/** Default deny and what people allow on top of it, with real connections in both families. */
let cluster: TestCluster;
const pods = new Map<string, Pod>();
const port = 3000;
/** Agents look every few seconds for a kind that was not there. */
const enforcedMilliseconds = 20_000;

before(async () => {
  cluster = await startCluster('e2e-policy', '--nodes', '2');
  const { client } = cluster;
  for (const name of ['shop', 'other'])
    await client.create(NAMESPACES, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  await createPod('shop', 'web', 'node-1');
  await createPod('shop', 'api', 'node-2');
  await createPod('other', 'alien', 'node-2');
  for (const key of ['shop/web', 'shop/api', 'other/alien']) await running(key);
});
after(() => cluster[Symbol.asyncDispose]());

async function createPod(namespace: string, name: string, nodeName: string): Promise<void> {
  await cluster.client.create(PODS, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { namespace, name, labels: { app: name } },
    spec: {
      nodeName,
      containers: [
        {
          name: 'main',
          image: 'echo',
          ports: [{ name: 'http', containerPort: port }],
          readinessProbe: { httpGet: { path: '/', port }, periodSeconds: 1 },
        },
      ],
    },
  });
}

async function running(key: string): Promise<void> {
  const [namespace = '', name = ''] = key.split('/');
  const pod = await eventually(`${key} is ready`, async () => {
    const found = await cluster.client.get(PODS, { namespace, name });
    return isReady(found) ? found : undefined;
  });
  pods.set(key, pod);
}

const isReady = (pod: Pod): boolean =>
  pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;

async function put(name: string, spec: NetworkPolicySpec, namespace = 'shop'): Promise<void> {
  await cluster.client.create(NETWORK_POLICIES, {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { namespace, name },
    spec,
  });
}

const remove = (name: string, namespace = 'shop') =>
  cluster.client.delete(NETWORK_POLICIES, { namespace, name });

const addressesOf = (key: string): readonly string[] =>
  (pods.get(key)?.status?.podIPs ?? []).map(({ ip }) => ip);

async function connects(from: string, host: string): Promise<boolean> {
  const path = namespacePath(networkNamespaces.pod(cluster.name, pods.get(from)?.metadata.uid ?? ''));
  try {
    (await connectIn(path, { host, port, timeoutMilliseconds: 400 })).destroy();
    return true;
  } catch (error) {
    assert.match(sentenceOf(error), /timed out/, 'a policy drops, it never refuses');
    return false;
  }
}

/** In both families, soon. */
async function expectReach(from: string, to: string, wanted: boolean): Promise<void> {
  assert.equal(addressesOf(to).length, 2);
  for (const host of addressesOf(to))
    await eventually(
      `${from} ${wanted ? 'reaches' : 'does not reach'} ${to} at ${host}`,
      async () => ((await connects(from, host)) === wanted ? true : undefined),
      enforcedMilliseconds,
    );
}

/** Soon after its packet: the kernel reports it, and its node's agent reads that. */
function youngestEvent(...filter: readonly string[]): Promise<FlowEvent> {
  return eventually(
    'the event',
    async () => {
      const text = await cluster.fairlead('flows', ...filter, '-o', 'json');
      return (JSON.parse(text) as { readonly events: readonly FlowEvent[] }).events.at(-1);
    },
    enforcedMilliseconds,
  );
}

test('without policies everybody reaches everybody', async () => {
  await expectReach('shop/web', 'shop/api', true);
  await expectReach('other/alien', 'shop/api', true);
});

test('default deny of ingress drops, and the node’s probes keep a pod ready', async () => {
  await put('deny-ingress', { podSelector: {}, policyTypes: ['Ingress'] });
  await expectReach('shop/web', 'shop/api', false);
  await expectReach('other/alien', 'shop/api', false);
  await expectReach('shop/web', 'other/alien', true);
  await sleep(2500); // two probes and their consequences
  assert.ok(isReady(await cluster.client.get(PODS, { namespace: 'shop', name: 'api' })));
});

test('what labels allow passes, on a named port, and nothing else', async () => {
  await put('allow-web', {
    podSelector: { matchLabels: { app: 'api' } },
    ingress: [{ from: [{ podSelector: { matchLabels: { app: 'web' } } }], ports: [{ port: 'http' }] }],
  });
  await expectReach('shop/web', 'shop/api', true);
  await expectReach('other/alien', 'shop/api', false);
});

test('a namespace is allowed by its name', async () => {
  await put('allow-other', {
    podSelector: { matchLabels: { app: 'api' } },
    ingress: [{ from: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'other' } } }] }],
  });
  await expectReach('other/alien', 'shop/api', true);
  await remove('allow-other');
  await expectReach('other/alien', 'shop/api', false);
});

test('an ipBlock allows addresses, but not its exceptions', async () => {
  const cidrs = addressesOf('other/alien').map(ip => (ip.includes(':') ? `${ip}/128` : `${ip}/32`));
  const blocks = ['0.0.0.0/0', '::/0'];
  await put('allow-block', {
    podSelector: { matchLabels: { app: 'api' } },
    ingress: [{ from: cidrs.map(cidr => ({ ipBlock: { cidr } })) }],
  });
  await expectReach('other/alien', 'shop/api', true);
  await remove('allow-block');
  await put('allow-all-but', {
    podSelector: { matchLabels: { app: 'api' } },
    ingress: [
      {
        from: blocks.map(cidr => ({
          ipBlock: { cidr, except: cidrs.filter(one => one.includes(':') === cidr.includes(':')) },
        })),
      },
    ],
  });
  await expectReach('other/alien', 'shop/api', false);
  await remove('allow-all-but');
});

test('default deny of egress drops at the source, until a rule allows it', async () => {
  await put('deny-egress', { podSelector: { matchLabels: { app: 'web' } }, policyTypes: ['Egress'] });
  await expectReach('shop/web', 'shop/api', false);
  await expectReach('shop/web', 'other/alien', false);
  await put('allow-egress', {
    podSelector: { matchLabels: { app: 'web' } },
    policyTypes: ['Egress'],
    egress: [{ to: [{ podSelector: { matchLabels: { app: 'api' } } }], ports: [{ port }] }],
  });
  await expectReach('shop/web', 'shop/api', true);
  await expectReach('shop/web', 'other/alien', false);
});

test('a policy that is removed lets pass, and drops again when it is back, also what is open', async () => {
  await remove('allow-web');
  await expectReach('shop/web', 'shop/api', false);
  await remove('deny-ingress');
  await expectReach('shop/web', 'shop/api', true);
  const path = namespacePath(networkNamespaces.pod(cluster.name, pods.get('shop/web')?.metadata.uid ?? ''));
  const socket = await connectIn(path, {
    host: addressesOf('shop/api')[0] ?? '',
    port,
    timeoutMilliseconds: 2000,
  });
  let received = '';
  socket.on('data', (chunk: Buffer) => (received += chunk.toString()));
  socket.on('error', () => undefined); // cut off, at the end
  const ask = () => socket.write('GET / HTTP/1.1\r\nHost: api\r\n\r\n');
  ask();
  await eventually('an answer on the open connection', () => (received === '' ? undefined : true));
  await put('deny-ingress', { podSelector: {}, policyTypes: ['Ingress'] });
  await expectReach('shop/web', 'shop/api', false);
  await eventually(
    'the connection that was open is cut',
    async () => {
      received = '';
      ask();
      await sleep(1000);
      return received === '' ? true : undefined;
    },
    enforcedMilliseconds,
  );
  socket.destroy();
});

test('the agent says what it enforces', async () => {
  const path = join(paths.nodeRun(cluster.name, 'node-2'), 'agent.sock');
  const policy = await eventually(
    'the connection that was cut is counted',
    async () => {
      const { policy: now } = await agentStatus(path);
      return now.revoked >= 1 ? now : undefined;
    },
    enforcedMilliseconds,
  );
  assert.equal(policy.isolated.ingress, 1, 'shop/api');
  assert.deepEqual(policy.problems, []);
});

test('what was dropped is told with its reason, by the node that dropped it', async () => {
  await expectReach('other/alien', 'shop/api', false);
  const event = await youngestEvent('--from', 'other/alien', '--to', 'shop/');
  assert.equal(event.node, 'node-2');
  assert.equal(event.destination.pod, 'shop/api');
  assert.equal(event.destination.port, port);
  assert.match(event.why.sentence, /ingress of shop\/api is isolated by NetworkPolicy\/shop\/deny-ingress/);
  assert.match(await cluster.fairlead('flows'), /other\/alien → shop\/api TCP 3000.* dropped/);
});

test('a ClusterNetworkPolicy is above the policies of namespaces, when the cluster has the kind', async () => {
  await expectReach('shop/web', 'other/alien', false);
  await cluster.kubectl(['apply', '--filename', '-'], { input: JSON.stringify(clusterPolicyKind) });
  await cluster.kubectl([
    'wait',
    '--for=condition=Established',
    'crd/clusternetworkpolicies.policy.networking.k8s.io',
  ]);
  const rule = { action: 'Accept', name: 'all of it' };
  const guard = {
    apiVersion: 'policy.networking.k8s.io/v1alpha2',
    kind: 'ClusterNetworkPolicy',
    metadata: { name: 'guard' },
    spec: {
      tier: 'Admin',
      priority: 1,
      subject: { namespaces: {} },
      egress: [{ ...rule, to: [{ namespaces: {} }] }],
      ingress: [{ ...rule, from: [{ namespaces: {} }] }],
    },
  };
  await cluster.kubectl(['apply', '--filename', '-'], { input: JSON.stringify(guard) });
  await expectReach('shop/web', 'other/alien', true);
  await expectReach('other/alien', 'shop/api', true);
  await cluster.kubectl(['delete', 'clusternetworkpolicy', 'guard']);
  await expectReach('other/alien', 'shop/api', false);
});

test('what passed is told with the rules that let it, and an event can be asked for its reasons', async () => {
  const anyPod = [{ podSelector: {} }];
  await put('allow-web', { podSelector: {}, ingress: [{ from: anyPod }], egress: [{ to: anyPod }] });
  await expectReach('shop/web', 'shop/api', true);
  const event = await youngestEvent('--verdict', 'allowed', '--policy', 'shop/allow-web');
  assert.deepEqual(
    [event.node, event.source.pod, event.destination.pod, event.destination.port],
    ['node-1', 'shop/web', 'shop/api', port],
  );
  assert.equal(event.why.rules?.length, 2, 'at the source, and at the destination');
  const why = await cluster.fairlead('why', event.id);
  assert.match(why, /NetworkPolicy\/shop\/allow-web spec\.ingress\[0\] allows it/);
  assert.match(why, /Every rule that was asked:/);

  const shadow = ['policy', 'shadow', '--without', 'shop/allow-web', '--name', cluster.name];
  const { code, stdout } = await fairlead(shadow);
  assert.equal(code, 1, 'something that passes would be dropped');
  assert.match(stdout, /would be dropped +shop\/web → shop\/api TCP 3000/);
  await remove('allow-web');
});

test('a name that policies wait for is open when its answer comes, and nothing else is', async () => {
  const service = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'alien', namespace: 'other' },
    spec: {
      clusterIP: 'None',
      ipFamilyPolicy: 'PreferDualStack',
      selector: { app: 'alien' },
      ports: [{ port }],
    },
  };
  const name = 'alien.other.svc.cluster.local';
  const names = {
    apiVersion: 'policy.networking.k8s.io/v1alpha2',
    kind: 'ClusterNetworkPolicy',
    metadata: { name: 'names' },
    spec: {
      tier: 'Admin',
      priority: 1,
      subject: {
        pods: { namespaceSelector: {}, podSelector: { matchLabels: { app: 'web' } } },
      },
      egress: [
        {
          action: 'Accept',
          to: [{ namespaces: { matchLabels: { 'kubernetes.io/metadata.name': 'kube-system' } } }],
        },
        { action: 'Accept', to: [{ domainNames: [`*.${name.slice('alien.'.length)}`] }] },
        { action: 'Deny', to: [{ networks: ['0.0.0.0/0', '::/0'] }] },
      ],
    },
  };
  const objects = { apiVersion: 'v1', kind: 'List', items: [service, names] };
  await cluster.kubectl(['apply', '--filename', '-'], { input: JSON.stringify(objects) });
  await expectReach('shop/web', 'other/alien', false);
  await expectReach('shop/web', 'shop/api', false);
  const path = namespacePath(networkNamespaces.pod(cluster.name, pods.get('shop/web')?.metadata.uid ?? ''));
  const addresses = await eventually(
    'the name has both addresses',
    async () => {
      const found = await resolveName({
        namespacePath: path,
        files: { resolvConf: 'nameserver 10.96.0.10\n', hosts: '' },
        name: `${name}.`,
        timeoutMilliseconds: 2000,
        random: Math.random,
      });
      return found.addresses.length === 2 ? found.addresses : undefined;
    },
    enforcedMilliseconds,
  );
  for (const host of addresses)
    (await connectIn(path, { host, port, timeoutMilliseconds: 10_000 })).destroy(); // at once, and not soon
  await expectReach('shop/web', 'shop/api', false);
  const event = await youngestEvent('--to', name, '--verdict', 'allowed');
  assert.deepEqual([event.source.pod, event.destination.pod], ['shop/web', 'other/alien']);
  await cluster.kubectl(['delete', 'clusternetworkpolicy', 'names']);
  await expectReach('shop/web', 'other/alien', false);
});

/** Enough of the kind to keep its objects; upstream's says more about their fields. */
const clusterPolicyKind = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: {
    name: 'clusternetworkpolicies.policy.networking.k8s.io',
    annotations: {
      'api-approved.kubernetes.io': 'https://github.com/kubernetes-sigs/network-policy-api/pull/30',
    },
  },
  spec: {
    group: 'policy.networking.k8s.io',
    scope: 'Cluster',
    names: {
      kind: 'ClusterNetworkPolicy',
      plural: 'clusternetworkpolicies',
      singular: 'clusternetworkpolicy',
      shortNames: ['cnp'],
    },
    versions: [
      {
        name: 'v1alpha2',
        served: true,
        storage: true,
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: { spec: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
          },
        },
      },
    ],
  },
};

async function agentStatus(socketPath: string): Promise<AgentStatus> {
  const [response] = (await once(request({ socketPath, path: '/status' }).end(), 'response')) as [
    IncomingMessage,
  ];
  let body = '';
  for await (const chunk of response.setEncoding('utf8')) body += String(chunk);
  return JSON.parse(body) as AgentStatus;
}
