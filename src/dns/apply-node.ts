import { parseAddress } from '../base/ip.ts';
import { nft } from '../kernel/contract.ts';
import { RouteSocket } from '../kernel/netlink/index.ts';
import { runInChild } from '../kernel/nft/index.ts';

/** Gives this node the DNS addresses, on `lo`. May be repeated. */
export function takeAddresses(addresses: readonly string[]): void {
  using socket = RouteSocket.open();
  socket.apply(
    addresses.map(address => ({
      do: 'address-add',
      dev: 'lo',
      address: `${address}/${address.includes(':') ? 128 : 32}`,
      nodad: true,
    })),
  );
}

/**
 * Takes the packets of the DNS addresses out of connection tracking: no entry can be lost, run full or race (two
 * questions from one socket), and nothing translates them. May be repeated.
 */
export const leaveUntracked = (addresses: readonly string[]): Promise<void> =>
  runInChild(notrackTable(addresses));

/**
 * One transaction: there is no moment without the rules. Both directions on both hooks: a node asks itself, too. Every
 * packet of the node comes by: two comparisons send on what is not for the addresses, and none is looked at twice.
 */
function notrackTable(addresses: readonly string[]): string {
  const table = `inet ${nft.tables.dns}`;
  const chain = (name: string, lines: readonly string[]) =>
    `  chain ${name} {\n${lines.map(line => `    ${line}\n`).join('')}  }`;
  const untracked = (end: 'dport' | 'sport') =>
    ['udp', 'tcp'].map(protocol => `${protocol} ${end} 53 notrack accept`);
  const hooked = (['dns/notrack-prerouting', 'dns/notrack-output'] as const).map(name => {
    const { hook, priority } = nft.chains[name];
    const type = `type filter hook ${hook} priority ${priority}; policy accept;`;
    return chain(name.slice('dns/'.length), [type, ...addresses.flatMap(rulesOf)]);
  });
  const chains = [chain('asked', untracked('dport')), chain('answered', untracked('sport')), ...hooked];
  return `add table ${table}\ndelete table ${table}\ntable ${table} {\n${chains.join('\n')}\n}\n`;
}

function rulesOf(address: string): readonly string[] {
  const family = parseAddress(address)?.family === 6 ? 'ip6' : 'ip';
  // A packet from one of the addresses to itself has a port of its own at one end: it is found by either.
  return [`${family} daddr ${address} jump asked`, `${family} saddr ${address} jump answered`];
}
