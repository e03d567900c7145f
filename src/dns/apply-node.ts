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

/** One transaction: there is no moment without the rules. Both directions on both hooks: a node asks itself, too. */
export function notrackTable(addresses: readonly string[]): string {
  const table = `inet ${nft.tables.dns}`;
  const chains = (['dns/notrack-prerouting', 'dns/notrack-output'] as const).map(name => {
    const { hook, priority } = nft.chains[name];
    return `  chain ${name.slice('dns/'.length)} {\n    type filter hook ${hook} priority ${priority}; policy accept;\n${rules(addresses)}\n  }`;
  });
  return `add table ${table}\ndelete table ${table}\ntable ${table} {\n${chains.join('\n')}\n}\n`;
}

function rules(addresses: readonly string[]): string {
  return addresses
    .flatMap(text => {
      const family = parseAddress(text)?.family === 6 ? 'ip6' : 'ip';
      return [
        `    ${family} daddr ${text} meta l4proto { tcp, udp } th dport 53 notrack`,
        `    ${family} saddr ${text} meta l4proto { tcp, udp } th sport 53 notrack`,
      ];
    })
    .join('\n');
}
