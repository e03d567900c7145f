import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AskedAddresses, withAsked } from '../../src/agent/policy-flow-asked.ts';
import { logGroups } from '../../src/kernel/contract.ts';
import { ConntrackSocket } from '../../src/kernel/netlink/index.ts';
import { PacketLog } from '../../src/kernel/nflog/index.ts';
import type { ReportedPacket } from '../../src/flows/index.ts';
import { place, policyWorld } from './policy-node-world.ts';
import { eventually, reachesTcp } from './policy-rig.ts';
import { tcpServers } from './services-node.ts';

const asked = ['10.96.0.7', 'fd00:10:96::7'] as const;

test('an event says which address was asked for, of what a Service led to and policies dropped or let pass', async context => {
  const { again, rig, policies, worker } = policyWorld(context, 'pol-asked');
  const [client, server] = [place(rig, 0), place(rig, 1)];
  await worker.nft(
    [
      'add table inet translation',
      'add chain inet translation nat { type nat hook prerouting priority -110; }',
      `add rule inet translation nat ip daddr ${asked[0]} tcp dport 80 dnat ip to ${server.addresses[0]}:7`,
      `add rule inet translation nat ip6 daddr ${asked[1]} tcp dport 80 dnat ip6 to [${server.addresses[1]}]:7`,
    ].join('\n'),
    rig.router,
  );
  await tcpServers(context, server.namespace, 7);
  const packets: ReportedPacket[] = [];
  using connections = ConntrackSocket.open(rig.router);
  const addresses = new AskedAddresses(packet =>
    packets.push(withAsked(packet, connections.find.bind(connections))),
  );
  context.after(() => addresses.flush());
  using _log = PacketLog.open({
    group: logGroups.policyReports,
    namespacePath: rig.router,
    onPacket: packet => addresses.take(packet),
  });
  const node = again({ reportsPasses: true });
  const put = (...ports: readonly number[]) => {
    policies.splice(0, 1, {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: { namespace: 'default', name: 'one', uid: 'one', generation: ports.length },
      spec: {
        podSelector: {},
        policyTypes: ['Ingress'],
        ingress: ports.map(port => ({ ports: [{ port }] })),
      },
    });
    return node.sync();
  };
  const askedFor = async (host: string, port: number, isExpected: boolean) => {
    packets.length = 0;
    assert.equal(await reachesTcp(client.namespace, host, port, isExpected ? 10_000 : 300), isExpected);
    await eventually('the report', () => packets.length > 0);
    const [packet] = packets;
    return [
      packet?.destination,
      packet?.port,
      packet?.original?.destination,
      packet?.original?.destinationPort,
    ];
  };
  for (const ports of [[], [7]] as const) {
    await put(...ports);
    for (const family of [0, 1] as const) {
      const own = server.addresses[family];
      assert.deepEqual(await askedFor(asked[family], 80, ports.length > 0), [own, 7, asked[family], 80]);
      const [destination, , original = own] = await askedFor(own, 7, ports.length > 0);
      assert.deepEqual([destination, original], [own, own], 'nothing was translated');
    }
  }
});
