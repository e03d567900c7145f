import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { namespaces } from '../../src/kernel/contract.ts';
import { namespacePath } from '../../src/kernel/ns/index.ts';
import { PODS, SERVICES } from '../../src/kube/resources.ts';
import type { Service } from '../../src/kube/types/service.ts';
import { ask } from '../netns/dns-client.ts';
import { eventually, fairlead, startCluster, withoutKubectl } from './cluster.ts';
import type { TestCluster } from './cluster.ts';
import { manifestOf } from './manifests.ts';

/** DNS as pods meet it: their own resolver, and questions from their network namespaces. */
const name = 'e2e-dns';
const servers = ['10.96.0.10', 'fd00:10:96::a'] as const;
const local = 'svc.cluster.local';
let cluster: TestCluster;
let pod: string;
let podName: string;

before(async () => {
  cluster = await startCluster(name, '--nodes', '2');
  await fairlead(['up', '--name', name, '-f', '-'], { input: manifestOf('echo', 2) });
  const { items } = await cluster.client.list(PODS, { namespace: 'default' });
  const [first] = items;
  assert.ok(first?.metadata.uid);
  podName = first.metadata.name;
  pod = namespacePath(namespaces.pod(name, first.metadata.uid));
  await cluster.client.create(SERVICES, service('web', { selector: { app: 'echo' } }));
  await cluster.client.create(
    SERVICES,
    service('peers', { selector: { app: 'echo' }, clusterIP: 'None', clusterIPs: ['None'] }),
  );
});
after(() => cluster[Symbol.asyncDispose]());

const service = (serviceName: string, spec: Service['spec']): Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: serviceName, namespace: 'default' },
  spec: {
    ipFamilyPolicy: 'PreferDualStack',
    ports: [{ name: 'http', port: 80, targetPort: 8080, protocol: 'TCP' }],
    ...spec,
  },
});

const question = (asked: string, type: string, server: string = servers[0]) =>
  ask({ namespace: pod, server }, asked, type);

test('every node has a pod of the Service kube-dns, ready, with the addresses of its node', async () => {
  await eventually('two ready mirror pods', async () => {
    const { items } = await cluster.client.list(PODS, {
      namespace: 'kube-system',
      labelSelector: 'k8s-app=kube-dns',
    });
    const ready = items.filter(each =>
      each.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True'),
    );
    return ready.length === 2 && ready.every(each => each.status?.podIPs?.length === 2) ? true : undefined;
  });
  const kubeDns = await cluster.client.get(SERVICES, { namespace: 'kube-system', name: 'kube-dns' });
  assert.deepEqual(kubeDns.spec.clusterIPs, servers);
});

for (const server of servers) {
  test(`a Service, its ports and its addresses are found at ${server}`, async () => {
    const { spec } = await cluster.client.get(SERVICES, { namespace: 'default', name: 'web' });
    const [v4 = ''] = spec.clusterIPs ?? [];
    const found = await eventually('an answer', async () => {
      const answer = await question(`web.default.${local}`, 'A', server);
      return answer.rcode === 'NOERROR' ? answer : undefined;
    });
    assert.deepEqual(
      found.answers.map(({ data }) => data),
      [v4],
    );
    const ports = await question(`_http._tcp.web.default.${local}`, 'SRV', server);
    assert.deepEqual(
      ports.answers.map(({ data }) => data),
      [`0 50 80 web.default.${local}`],
    );
    const back = await question(`${v4.split('.').toReversed().join('.')}.in-addr.arpa`, 'PTR', server);
    assert.deepEqual(
      back.answers.map(({ data }) => data),
      [`web.default.${local}`],
    );
    assert.equal((await question(`nobody.default.${local}`, 'A', server)).rcode, 'NXDOMAIN');
  });
}

test('a headless Service has the addresses of its ready pods, in both families', async () => {
  const { items } = await cluster.client.list(PODS, { namespace: 'default' });
  const addressesOf = (family: number) =>
    items.flatMap(({ status }) => status?.podIPs?.[family]?.ip ?? []).toSorted();
  const answer = await eventually('both pods', async () => {
    const found = await question(`peers.default.${local}`, 'A');
    return found.answers.length === 2 ? found : undefined;
  });
  assert.deepEqual(answer.answers.map(({ data }) => data).toSorted(), addressesOf(0));
  assert.equal((await question(`peers.default.${local}`, 'AAAA')).answers.length, 2);
});

test('a program in a pod finds a Service by its short name', { skip: withoutKubectl }, async () => {
  const short = await cluster.kubectl(['exec', podName, '--', 'getent', 'ahostsv4', 'web']);
  assert.match(short, /web\.default\.svc\.cluster\.local/);
  const longer = await cluster.kubectl(['exec', podName, '--', 'getent', 'hosts', 'kube-dns.kube-system']);
  assert.match(longer, /kube-dns\.kube-system\.svc\.cluster\.local/);
  const absent = await cluster.kubectlOutcome(['exec', podName, '--', 'getent', 'hosts', 'nobody']);
  assert.notEqual(absent.code, 0);
});

// How fast is for bench/dns to say.
test('a new Service is answered soon after its creation', async () => {
  for (let index = 0; index < 5; index++) {
    const own = `new-${index}`;
    assert.equal((await question(`${own}.default.${local}`, 'A')).rcode, 'NXDOMAIN');
    await cluster.client.create(SERVICES, service(own, {}));
    const written = performance.now();
    while ((await question(`${own}.default.${local}`, 'A')).rcode !== 'NOERROR')
      assert.ok(performance.now() - written < 20_000, 'it never comes');
  }
});

test('a deleted Service is absent soon', async () => {
  await cluster.client.delete(SERVICES, { namespace: 'default', name: 'new-0' });
  await eventually('NXDOMAIN', async () =>
    (await question(`new-0.default.${local}`, 'A')).rcode === 'NXDOMAIN' ? true : undefined,
  );
});

/** What was killed just before has to be back first: the supervisor takes its time between two starts. */
async function kill(component: string): Promise<void> {
  const pid = await eventually(`${component} runs`, async () => {
    const found = (await cluster.status()).processes.find(process => process.name === component);
    return found?.running === true ? (found.pid ?? undefined) : undefined;
  });
  process.kill(pid, 'SIGKILL');
}

test('names are answered, and others denied, while the node’s DNS server stands still', async () => {
  const node = (await cluster.client.get(PODS, { namespace: 'default', name: podName })).spec.nodeName;
  const { processes } = await cluster.status();
  const pid = processes.find(({ name: process }) => process === `dns-${node ?? ''}`)?.pid;
  assert.ok(typeof pid === 'number');
  process.kill(pid, 'SIGSTOP');
  try {
    for (const server of servers) {
      const asked = (of: string) =>
        eventually('an answer of the kernel', () =>
          ask({ namespace: pod, server }, `${of}.default.${local}`, 'A', {}, 200).catch(() => undefined),
        );
      assert.equal((await asked('web')).rcode, 'NOERROR');
      assert.equal((await asked('nobody')).rcode, 'NXDOMAIN');
    }
  } finally {
    process.kill(pid, 'SIGCONT');
  }
});

test('killed with -9, the DNS server is back before a client gives up', async () => {
  const node = (await cluster.client.get(PODS, { namespace: 'default', name: podName })).spec.nodeName;
  await kill(`dns-${node ?? ''}`);
  const target = { namespace: pod, server: servers[0] };
  const found = async () => (await ask(target, `web.default.${local}`, 'A', {}, 50)).answers.length === 1;
  const isBack = await eventually('an answer', async () => ((await found()) ? true : undefined), 5000);
  assert.ok(isBack, 'glibc asks again after five seconds, musl after two and a half');
});

test('with the API server killed again and again, names are answered all the time', async () => {
  for (let round = 0; round < 3; round++) {
    await kill('control-plane');
    for (let index = 0; index < 20; index++)
      assert.equal((await question(`web.default.${local}`, 'A')).answers.length, 1);
  }
  await eventually(
    'the API server is back',
    () => cluster.client.get(SERVICES, { namespace: 'default', name: 'web' }),
    60_000, // killed three times: the supervisor takes its time between two starts
  );
});
