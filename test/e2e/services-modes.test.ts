import assert from 'node:assert/strict';
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { after, before, test } from 'node:test';
import type { FlowEvent } from '../../src/base/flow-event.ts';
import { bpf } from '../../src/kernel/contract.ts';
import { capacityOfPinned, readPinnedMap } from '../../src/kernel/bpf/index.ts';
import { eventually, startCluster, withoutKubectl } from './cluster.ts';
import type { TestCluster } from './cluster.ts';

/** The two modes of Services, as a person meets them: in a whole cluster, with the agent coming and going. */
const name = 'e2e-service-modes';
const node = 'node-1';
const annotation = 'fairlead.dev/service-mode';
let cluster: TestCluster;
let address: string;

const manifest = `
apiVersion: v1
kind: Pod
metadata: { name: web, labels: { app: web } }
spec: { containers: [{ name: web, image: echo, ports: [{ containerPort: 3000 }] }] }
---
apiVersion: v1
kind: Service
metadata: { name: web }
spec: { selector: { app: web }, ports: [{ port: 80, targetPort: 3000 }] }
---
apiVersion: v1
kind: Pod
metadata: { name: client, labels: { app: client } }
spec:
  terminationGracePeriodSeconds: 1
  containers: [{ name: main, image: shell, command: [sleep, '1000'] }]
`;

const policy = (to: string) => `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: to-web }
spec: { podSelector: { matchLabels: { app: web } }, policyTypes: [Ingress], ingress: [${to}] }
`;
const denied = policy('');
/** By the client's labels and the pod's own port: what the Service's address would not match. */
const allowed = policy(
  '{ from: [{ podSelector: { matchLabels: { app: client } } }], ports: [{ port: 3000 }] }',
);

before(async () => {
  cluster = await startCluster(name, '--nodes', '1');
  await cluster.kubectl(['apply', '-f', '-'], { input: manifest });
  await cluster.kubectl(['wait', '--for=condition=Ready', 'pod/web', 'pod/client', '--timeout=60s']);
  address = await cluster.kubectl(['get', 'service', 'web', '-o', 'jsonpath={.spec.clusterIP}']);
});

after(async () => {
  await cluster[Symbol.asyncDispose]();
  assert.ok(!existsSync(bpf.cluster(name)), 'nothing is pinned any more');
});

/** The answers of `count` connections one after the other: `200`, or what curl says. */
async function connect(count: number, seconds = 10): Promise<readonly string[]> {
  const curl = `curl -s -o /dev/null -w '%{http_code}\\n' --max-time ${seconds} http://${address}/`;
  const loop = `for turn in $(seq ${count}); do ${curl} || true; done`;
  const { stdout } = await cluster.kubectlOutcome(['exec', 'client', '--', 'sh', '-c', loop]);
  return stdout.trim().split('\n');
}

/** Connections that the hooks have led to endpoints. */
function ledAtSockets(): number {
  const pin = `${bpf.services(name, node)}/connections`;
  if (capacityOfPinned(pin) === undefined) return 0;
  const { values } = readPinnedMap(pin);
  const numbers = new DataView(values.buffer, values.byteOffset, values.byteLength);
  let sum = 0;
  for (let at = 0; at < values.byteLength; at += 8) sum += Number(numbers.getBigUint64(at, true));
  return sum;
}

const modeOf = async () => (await cluster.status()).nodes[0]?.services?.mode;

async function switchTo(mode: 'ebpf' | 'nftables'): Promise<void> {
  await cluster.kubectl(['annotate', '--overwrite', 'node', node, `${annotation}=${mode}`]);
  await eventually(`node-1 is in mode ${mode}`, async () => ((await modeOf()) === mode ? true : undefined));
}

/** The youngest event since then of a connection to the pod. */
function event(since: number, verdict: string, ...filter: readonly string[]): Promise<FlowEvent> {
  return eventually(`an event of what was ${verdict}`, async () => {
    const asked = ['flows', '--to', 'default/web', '--verdict', verdict, ...filter, '-o', 'json'];
    const { events } = JSON.parse(await cluster.fairlead(...asked)) as { readonly events: FlowEvent[] };
    return events.findLast(({ last }) => Date.parse(last) >= since);
  });
}

const endsOf = ({ source, destination }: FlowEvent) => [source.pod, destination.pod, destination.port];

const isUp = (answers: readonly string[], count: number) =>
  assert.deepEqual(
    answers,
    Array.from({ length: count }, () => '200'),
  );

test('a node translates at sockets where the kernel can, and says so', { skip: withoutKubectl }, async () => {
  const [first] = (await cluster.status()).nodes;
  assert.deepEqual(first?.services, { mode: 'ebpf', reason: 'the kernel passes all probes' });
  // A pod is led once the agent has told the hooks its addresses.
  await eventually('the client is led at its socket', async () => {
    const none = ledAtSockets();
    isUp(await connect(1), 1);
    return ledAtSockets() > none ? true : undefined;
  });
  const before = ledAtSockets();
  isUp(await connect(20), 20);
  assert.equal(ledAtSockets() - before, 20);
});

test(
  'no connection is lost while the agent is killed and started again',
  { skip: withoutKubectl },
  async () => {
    const agentOf = async () =>
      (await cluster.status()).processes.find(process => process.name === `agent-${node}`);
    const agent = await agentOf();
    assert.ok(agent?.pid);
    const before = ledAtSockets();
    const connecting = connect(300);
    process.kill(agent.pid, 'SIGKILL');
    await eventually('another agent has taken over', async () =>
      (await agentOf())?.pid !== agent.pid && (await modeOf()) === 'ebpf' ? true : undefined,
    );
    isUp(await connecting, 300);
    assert.equal(ledAtSockets() - before, 300, 'all of them at the socket, and none is forgotten');
  },
);

test(
  'a policy holds for what is translated at sockets as for the rest',
  { skip: withoutKubectl },
  async () => {
    for (const mode of ['nftables', 'ebpf'] as const) {
      await switchTo(mode);
      const since = Date.now();
      isUp(await connect(1), 1);
      await cluster.kubectl(['apply', '-f', '-'], { input: denied });
      await eventually(`the policy holds in mode ${mode}`, async () =>
        (await connect(1, 1))[0] === '000' ? true : undefined,
      );
      assert.deepEqual(endsOf(await event(since, 'dropped')), ['default/client', 'default/web', 3000]);
      await cluster.kubectl(['apply', '-f', '-'], { input: allowed });
      await eventually(`the client is let in by its labels in mode ${mode}`, async () =>
        (await connect(1, 1))[0] === '200' ? true : undefined,
      );
      const passed = await event(since, 'allowed', '--policy', 'default/to-web');
      assert.deepEqual(endsOf(passed), ['default/client', 'default/web', 3000]);
      await cluster.kubectl(['delete', '-f', '-'], { input: denied });
      await eventually(`the policy is gone in mode ${mode}`, async () =>
        (await connect(1, 1))[0] === '200' ? true : undefined,
      );
    }
  },
);

test('hooks whose pins somebody took away come back', { skip: withoutKubectl }, async () => {
  await eventually('the node is in mode ebpf', async () => ((await modeOf()) === 'ebpf' ? true : undefined));
  const pins = bpf.services(name, node);
  const linksNow = () => readdirSync(pins).filter(pin => pin.startsWith('link_'));
  const links = linksNow();
  for (const pin of links) rmSync(`${pins}/${pin}`);
  // The agent compares twice a minute, and when its Node changes.
  await cluster.kubectl(['label', 'node', node, 'looked=again']);
  await eventually('the attachments are pinned again', () =>
    linksNow().length === links.length ? true : undefined,
  );
  await eventually('connections are led at sockets again', async () => {
    const before = ledAtSockets();
    isUp(await connect(2), 2);
    return ledAtSockets() - before === 2 ? true : undefined;
  });
});

test(
  'an annotation of the Node switches it live, and connections go on',
  { skip: withoutKubectl },
  async () => {
    const connecting = connect(200);
    await switchTo('nftables');
    // The kernel ends an attachment a moment after its pin is taken away.
    await eventually('new connections are translated by nftables', async () => {
      const before = ledAtSockets();
      isUp(await connect(5), 5);
      return ledAtSockets() === before ? true : undefined;
    });
    await switchTo('ebpf');
    isUp(await connecting, 200);
    await cluster.kubectl(['annotate', 'node', node, `${annotation}-`]);
  },
);
