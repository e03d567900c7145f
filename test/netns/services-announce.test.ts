import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { followAnnouncements } from '../../src/agent/announce.ts';
import type { Announcer } from '../../src/agent/announce.ts';
import { systemClock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import { routing } from '../../src/kernel/contract.ts';
import { bindUdpIn } from '../../src/kernel/ns/index.ts';
import { RouteSocket } from '../../src/kernel/netlink/index.ts';
import { setSysctl } from '../../src/kernel/sysctl/index.ts';
import { KernelWorker } from '../../src/kernel/worker/index.ts';
import { createClientOver } from '../../src/kube/client.ts';
import { FakeApi } from '../../src/kube/fake-api.ts';
import { Informer } from '../../src/kube/informer.ts';
import { NODES } from '../../src/kube/resources.ts';
import type { Node } from '../../src/kube/types/node.ts';
import { buildServiceModel } from '../../src/services/index.ts';
import type { AnnouncingKernel, Frontend } from '../../src/services/index.ts';
import { eventually } from '../e2e/cluster.ts';
import { temporaryNamespace } from './kernel-fixture.ts';
import { service, slice } from './services-node.ts';

/** Two nodes and a client on one link, and the addresses of a load balancer that move between the nodes. */

const balancer = ['172.30.200.1', 'fd00:172:30::c8:1'] as const;
const nodes = ['node-1', 'node-2'] as const;
type NodeName = (typeof nodes)[number];

interface Link {
  readonly client: string;
  readonly nodes: Readonly<Record<NodeName, string>>;
  readonly macs: Readonly<Record<NodeName, string>>;
}

function startLink(context: TestContext): Link {
  const [fabric, client, first, second] = ['fabric', 'client', 'first', 'second'].map(part =>
    temporaryNamespace(context, part),
  ) as [string, string, string, string];
  using switchboard = RouteSocket.open(fabric);
  switchboard.apply([{ do: 'link-add', kind: 'bridge', name: 'link', forwardDelay: 0, up: true }]);
  const members = [first, second, client];
  const macs = members.map((path, index) => {
    setSysctl(path, 'net.ipv6.conf.default.accept_dad', 0);
    switchboard.apply([
      {
        do: 'link-add',
        kind: 'veth',
        name: `port${index}`,
        peer: { name: 'eth0', namespace: path },
        master: 'link',
        up: true,
      },
    ]);
    using own = RouteSocket.open(path);
    own.apply([
      { do: 'address-add', dev: 'eth0', address: `172.30.0.${index + 1}/16` },
      { do: 'address-add', dev: 'eth0', address: `fd00:172:30::${index + 1}/64`, nodad: true },
      { do: 'link-set', dev: 'eth0', up: true },
    ]);
    setSysctl(path, 'net.ipv6.conf.all.forwarding', 1);
    return own.link('eth0')?.mac ?? '';
  });
  return {
    client,
    nodes: { 'node-1': first, 'node-2': second },
    macs: { 'node-1': macs[0] ?? '', 'node-2': macs[1] ?? '' },
  };
}

const nodeOf = (name: NodeName, isReady = true): Node => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name },
  status: {
    addresses: [
      { type: 'InternalIP', address: `172.30.0.${nodes.indexOf(name) + 1}` },
      { type: 'InternalIP', address: `fd00:172:30::${nodes.indexOf(name) + 1}` },
    ],
    conditions: [{ type: 'Ready', status: isReady ? 'True' : 'False' }],
  },
});

function kernelIn(context: TestContext, namespace: string): AnnouncingKernel {
  const worker = new KernelWorker();
  context.after(() => worker.close());
  return {
    links: () => worker.links(namespace),
    addresses: () => worker.addresses(namespace),
    routes: () => worker.routes(namespace),
    proxies: () => worker.proxies(namespace),
    netlink: (_, operations) => worker.netlink(namespace, operations),
    sysctls: settings => worker.sysctls(settings, namespace),
    announce: announcements => worker.announce(announcements, namespace),
  };
}

function start(context: TestContext) {
  const link = startLink(context);
  const api = new FakeApi([NODES]);
  for (const name of nodes) api.store.put(NODES, nodeOf(name));
  const client = createClientOver(api, { clock: systemClock });
  const run = (name: NodeName): Announcer => {
    const stop = new AbortController();
    const informer = new Informer(client, NODES, { clock: systemClock });
    informer.start(stop.signal);
    const kernel = kernelIn(context, link.nodes[name]);
    const options = { node: name, kernel, nodes: informer, clock: systemClock, log: silentLog };
    const announcer = followAnnouncements({ ...options, signal: stop.signal });
    context.after(async () => {
      stop.abort(new Error('the test has ended'));
      await announcer.close();
    });
    return announcer;
  };
  return { link, api, run };
}

/** Front ends of a Service with the policy Local and an endpoint on each of some nodes. */
function frontends(...on: readonly NodeName[]): readonly Frontend[] {
  const spec = { type: 'LoadBalancer', externalTrafficPolicy: 'Local' } as const;
  const status = { loadBalancer: { ingress: balancer.map(ip => ({ ip })) } };
  const slices = [slice('web', ['10.244.1.2', '10.244.1.3']), slice('web', ['fd00::2', 'fd00::3'])].map(
    one => ({
      ...one,
      endpoints: (one.endpoints ?? []).flatMap((endpoint, index) => {
        const nodeName = nodes[index];
        return nodeName !== undefined && on.includes(nodeName) ? [{ ...endpoint, nodeName }] : [];
      }),
    }),
  );
  const model = buildServiceModel(
    [{ ...service('web', ['10.96.0.10', 'fd00:10:96::10'], spec), status }],
    slices,
  );
  return [...model.frontends.values()].filter(({ exposure }) => exposure.of === 'load-balancer');
}

/** Makes the client ask who has the addresses. */
async function send(client: string): Promise<void> {
  for (const address of balancer) {
    const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
    const listening = once(socket, 'listening');
    socket.bind({ fd: bindUdpIn(client, { host: address.includes(':') ? '::' : '0.0.0.0', port: 0 }) });
    await listening;
    await new Promise(resolve => socket.send('hello', 9, address, resolve));
    socket.close();
  }
}

/** The MAC addresses at which a client has the balancer's addresses, by the nodes that they are of. */
function seen({ client, macs }: Link): readonly string[] {
  using socket = RouteSocket.open(client);
  const known = new Map(socket.neighbours().map(({ address, mac }) => [address, mac]));
  return balancer.map(address => nodes.find(name => macs[name] === known.get(address)) ?? 'nobody');
}

const bothAt = (name: NodeName) => [name, name];

test('one node answers for an address on its link, in both families; with its last endpoint the address moves', async context => {
  const { link, run } = start(context);
  const announcers = nodes.map(run);
  for (const announcer of announcers) {
    announcer.change('shop/web', frontends('node-1'));
    announcer.begin();
  }
  await eventually('the client finds node-1', async () => {
    await send(link.client);
    assert.deepEqual(seen(link), bothAt('node-1'));
    return true;
  });
  for (const announcer of announcers) announcer.change('shop/web', frontends('node-2'));
  // The client is told; it does not ask.
  await eventually('the client finds node-2', () => {
    assert.deepEqual(seen(link), bothAt('node-2'));
    return true;
  });
  assert.deepEqual(
    announcers.map(announcer => announcer.announced()),
    [[], [...balancer]],
  );
});

test('an agent that starts again adopts what is announced, and takes away what is another’s now', async context => {
  const { link, run } = start(context);
  const before = run('node-1');
  before.change('shop/web', frontends('node-1'));
  before.begin();
  await eventually('node-1 answers', () => (before.announced().length === 2 ? true : undefined));
  await before.close();
  using socket = RouteSocket.open(link.nodes['node-1']);
  const ours = () => [
    ...socket
      .routes()
      .filter(({ protocol }) => protocol === routing.protocol)
      .map(({ dst }) => dst),
    ...socket.proxies().map(({ address }) => address),
  ];
  assert.deepEqual(ours(), ['172.30.200.1/32', 'fd00:172:30::c8:1']);
  const after = run('node-1');
  after.change('shop/web', frontends('node-1', 'node-2'));
  assert.deepEqual(
    ours(),
    ['172.30.200.1/32', 'fd00:172:30::c8:1'],
    'nothing is taken away before all is known',
  );
  after.change('shop/web', frontends('node-2'));
  after.begin();
  await eventually('node-1 is silent', () => (ours().length === 0 ? true : undefined));
});

test('what somebody else takes out of the kernel comes back; what is no Service’s any more goes', async context => {
  const { link, run } = start(context);
  const announcer = run('node-1');
  announcer.change('shop/web', frontends('node-1'));
  announcer.begin();
  using socket = RouteSocket.open(link.nodes['node-1']);
  const answers = () =>
    socket.proxies().length +
    socket
      .routes()
      .filter(
        ({ type, table, protocol }) =>
          type === 'local' && table === routing.localTable && protocol === routing.protocol,
      ).length;
  await eventually('node-1 answers', () => (answers() === 2 ? true : undefined));
  socket.apply([{ do: 'proxy-delete', dev: 'eth0', address: balancer[1] }]);
  assert.equal(answers(), 1);
  announcer.reconcile();
  await eventually('node-1 answers again', () => (answers() === 2 ? true : undefined));
  announcer.change('shop/web', []);
  await eventually('node-1 is silent', () => (answers() === 0 ? true : undefined));
});

test('a node that is not ready any more is left out', async context => {
  const { api, run } = start(context);
  const announcers = nodes.map(run);
  const anywhere = () => frontends('node-1', 'node-2');
  for (const announcer of announcers) {
    announcer.change('shop/web', anywhere());
    announcer.begin();
  }
  const holders = () => announcers.map(announcer => announcer.announced().length);
  await eventually('each address has one node', () =>
    holders().reduce((sum, count) => sum + count, 0) === 2 ? true : undefined,
  );
  api.store.put(NODES, nodeOf('node-1', false));
  await eventually('node-2 has both', () => (holders().join() === '0,2' ? true : undefined));
});
