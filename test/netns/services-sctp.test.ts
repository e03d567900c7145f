import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAddress } from '../../src/base/ip.ts';
import type { Address } from '../../src/base/ip.ts';
import { interfaces } from '../../src/kernel/contract.ts';
import { RouteSocket } from '../../src/kernel/netlink/index.ts';
import { eventually } from '../e2e/cluster.ts';
import { sendSctpInit } from './sctp-packets.ts';
import { serverPort, service, slice, startNode } from './services-node.ts';

const cluster = { 4: '10.96.0.10', 6: 'fd00:10:96::10' } as const;
const client = { 4: '10.244.0.2', 6: 'fd00:10:244::2' } as const;
const families = [4, 6] as const;

const at = (text: string): Address => {
  const address = parseAddress(text);
  assert.ok(address, text);
  return address;
};

test('SCTP associations are led to an endpoint, independent of TCP and UDP at the same port', async context => {
  const node = startNode(context);
  const ports = [
    { name: 'http', port: 80 },
    { name: 'diameter', port: 80, protocol: 'SCTP' as const },
  ];
  const withSctp = (addresses: readonly string[]) => {
    const one = slice('web', addresses);
    return { ...one, ports: [{ name: 'diameter', port: serverPort, protocol: 'SCTP' as const }] };
  };
  const { objects, places } = node;
  objects.put(service('web', Object.values(cluster), { ports }), withSctp(places[4]), withSctp(places[6]));
  const network = node.network();
  await network.load();
  for (const family of families) {
    sendSctpInit(node.client, {
      gatewayMac: macToPods(node.node),
      source: at(client[family]),
      destination: at(cluster[family]),
      sourcePort: 40_000,
      port: 80,
    });
    const counted = (protocol: 'SCTP' | 'TCP') =>
      network.counters({ address: at(cluster[family]), protocol, port: 80 });
    const counters = await eventually('it is counted', async () => {
      const found = await counted('SCTP');
      return found?.accepted === 1 ? found : undefined;
    });
    const met = counters.endpoints.filter(({ packets }) => packets === 1);
    assert.equal(met.length, 1, 'one endpoint');
    assert.equal(met[0]?.port, serverPort);
    assert.equal((await counted('TCP'))?.accepted, 0);
  }
});

/** Of the node's end of the link to the client. */
function macToPods(node: string): string {
  using route = RouteSocket.open(node);
  const mac = route.link(interfaces.podHost('0000000000a'))?.mac;
  assert.ok(mac);
  return mac;
}
