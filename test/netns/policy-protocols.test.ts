import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RouteSocket } from '../../src/kernel/netlink/index.ts';
import type { NetworkPolicyPort } from '../../src/kube/types/networking.ts';
import { place, policyWorld } from './policy-node-world.ts';
import { eventually } from './policy-rig.ts';
import { sendRaw, withPorts } from './raw-packets.ts';

/** IP protocol numbers; ICMP's is that of its family. */
const protocols = { TCP: 6, UDP: 17, SCTP: 132, ICMP: 1, GRE: 47 } as const;
type Name = keyof typeof protocols;
const names = Object.keys(protocols) as Name[]; // its own keys

const numberOf = (name: Name, isSix: boolean): number => (name === 'ICMP' && isSix ? 58 : protocols[name]);

/** What the kernels take for the beginning of a connection of each protocol. */
function payloadOf(name: Name, isSix: boolean): Uint8Array {
  const payload = withPorts(40_000, 80, name === 'TCP' ? 20 : 32);
  if (name === 'TCP') payload.set([0x50, 0x02, 0xff, 0xff], 12); // SYN
  if (name === 'UDP') payload.set([0, 32], 4); // its length
  if (name === 'SCTP') payload.set([1, 0, 0, 20, 0, 0, 0x12, 0x34], 12); // INIT
  if (name === 'ICMP') payload.set([isSix ? 128 : 8, 0, 0, 0], 0); // echo request
  if (name === 'GRE') payload.set([0, 0, 0x08, 0], 0);
  return payload;
}

const cases: readonly {
  readonly what: string;
  readonly ports: readonly NetworkPolicyPort[] | undefined;
  readonly passes: readonly Name[];
}[] = [
  { what: 'a rule without ports lets every protocol in', ports: undefined, passes: names },
  { what: 'a rule for a TCP port lets nothing else in', ports: [{ port: 80 }], passes: ['TCP'] },
  {
    what: 'a rule for a UDP port lets nothing else in',
    ports: [{ protocol: 'UDP', port: 80 }],
    passes: ['UDP'],
  },
  {
    what: 'a rule for an SCTP port lets in SCTP, and is neither TCP’s nor skipped',
    ports: [{ protocol: 'SCTP', port: 80 }],
    passes: ['SCTP'],
  },
  {
    what: 'a rule for all ports of a protocol is for that protocol',
    ports: [{ protocol: 'SCTP' }, { protocol: 'UDP' }],
    passes: ['UDP', 'SCTP'],
  },
  { what: 'a rule for another port lets nothing in', ports: [{ port: 81 }], passes: [] },
];

test('each protocol passes by rules that are for it, and what has no ports by rules without ports alone', async context => {
  const { rig, set, worker } = policyWorld(context, 'pol-protocols');
  const counting = (name: Name, isSix: boolean) => `${name.toLowerCase()}${isSix ? 6 : 4}`;
  const chains = names.flatMap(name => [false, true].map(isSix => ({ name, isSix })));
  // Behind all that drops; only from the client, so that replies do not count.
  await worker.nft(
    [
      'add table inet seen',
      'add chain inet seen out { type filter hook postrouting priority 0; }',
      ...chains.map(({ name, isSix }) => `add chain inet seen ${counting(name, isSix)}`),
      ...chains.flatMap(({ name, isSix }) => [
        `add rule inet seen ${counting(name, isSix)} counter`,
        `add rule inet seen out ${isSix ? 'ip6' : 'ip'} saddr ${place(rig, 0).addresses[isSix ? 1 : 0]} meta l4proto ${numberOf(name, isSix)} jump ${counting(name, isSix)}`,
      ]),
      '',
    ].join('\n'),
    rig.router,
  );
  const seen = async () => {
    const places = chains.map(({ name, isSix }) => ({ table: 'seen', chain: counting(name, isSix) }));
    const counters = await worker.nftCounters(places, rig.router);
    return new Map(places.map(({ chain }, index) => [chain, counters[index]?.packets ?? 0]));
  };
  const gatewayMac = macOf(rig.router, 'veth0');
  for (const [round, { what, ports, passes }] of cases.entries()) {
    await set({
      podSelector: { matchLabels: { pod: '1' } },
      ingress: [ports === undefined ? {} : { ports }],
    });
    const before = await seen();
    for (const { name, isSix } of chains) {
      const family = isSix ? 1 : 0;
      const payload = payloadOf(name, isSix);
      // Each round is a connection of its own, so that none is established.
      if (name === 'ICMP') payload.set([0, round + 1], 4);
      else if (name !== 'GRE') payload.set(withPorts(40_000 + round, 80, 4), 0);
      sendRaw(place(rig, 0).namespace, gatewayMac, {
        source: place(rig, 0).addresses[family],
        destination: place(rig, 1).addresses[family],
        protocol: numberOf(name, isSix),
        payload,
      });
    }
    const passed = (counted: ReadonlyMap<string, number>) =>
      chains
        .filter(({ name, isSix }) => {
          const chain = counting(name, isSix);
          return (counted.get(chain) ?? 0) > (before.get(chain) ?? 0);
        })
        .map(({ name, isSix }) => counting(name, isSix));
    const wanted = chains
      .filter(({ name }) => passes.includes(name))
      .map(({ name, isSix }) => counting(name, isSix));
    // Frames are forwarded before they are sent: what passes is counted when the call is back, or soon.
    await eventually(what, async () => same(passed(await seen()), wanted));
    assert.deepEqual(passed(await seen()), wanted, what);
    await worker.forgetConnections([{}], rig.router);
  }
});

const same = (a: readonly string[], b: readonly string[]): boolean => a.join() === b.join();

function macOf(namespace: string, dev: string): string {
  using route = RouteSocket.open(namespace);
  return route.link(dev)?.mac ?? assert.fail(`${dev} has an address`);
}
