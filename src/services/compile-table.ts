import { nft } from '../kernel/contract.ts';
import { pickChain } from './compile-nft.ts';
import type { SetName } from './compile-nft.ts';
import { families } from './model.ts';
import type { Family } from '../base/ip.ts';

/** The table's fixed part, in the shape of kernel/nft's TableProgram: sets, maps and chains, without elements. */
export interface ServiceTable {
  readonly name: string;
  readonly sets: readonly {
    readonly name: SetName;
    readonly kind: 'set' | 'map';
    readonly declaration: string;
  }[];
  readonly chains: readonly Chain[];
}

export interface Chain {
  readonly name: string;
  readonly base?: string;
  readonly rules: readonly string[];
}

/**
 * ```
 * nat (first packet of a connection)       filter (what nat left at a cluster address)
 *   known address.protocol.port?             new connection to one of the addresses?
 *     counted, sent to pick-N                  counted where it is a port without endpoints
 *   pick-N: draw a slot, translate             refused: reset for TCP, else ICMP port unreachable
 * ```
 */
export const serviceTable: ServiceTable = {
  name: nft.tables.services,
  sets: families.flatMap(setsOf),
  chains: [
    {
      name: 'refuse',
      rules: [
        ...families.map(family => `${destination(family)} @rejected${family}`),
        // A reset is not subject to the kernel's limit on ICMP errors: every connection is refused at once.
        'meta l4proto tcp reject with tcp reset',
        'reject with icmpx type port-unreachable',
      ],
    },
    natChain('prerouting', 'services/nat-prerouting'),
    natChain('output', 'services/nat-output'),
    filterChain('services/filter-forward'),
    filterChain('services/filter-output'),
    {
      name: 'postrouting-masquerade',
      base: baseOf('nat', 'services/postrouting-masquerade'),
      // A pod that reaches itself through a Service would answer itself directly, past the translation.
      rules: families.map(
        family =>
          `ct status dnat ${ip(family)} saddr . ${ip(family)} daddr @hairpins${family} masquerade fully-random`,
      ),
    },
  ],
};

/**
 * The chain that chooses among as many endpoints. The slot stands in the packet's priority while the chain runs:
 * expressions cannot draw inside of a key, and the packet's mark belongs to those who route by it. Forwarding sets the
 * priority anew.
 */
export function compilePick(choices: number): Chain {
  return {
    name: pickChain(choices),
    rules: [
      `meta priority set numgen random mod ${choices} offset 1`,
      ...families.map(
        family => `dnat ${ip(family)} to ${destination(family)} . meta priority map @endpoints${family}`,
      ),
    ],
  };
}

function setsOf(family: Family): ServiceTable['sets'] {
  const type = family === 4 ? 'ipv4_addr' : 'ipv6_addr';
  const at = `${type} . inet_proto . inet_service`;
  return [
    // Counters of their own: those in a map would start again whenever the number of endpoints changes.
    { name: `counters${family}`, kind: 'set', declaration: `type ${at} ; counter ;` },
    { name: `frontends${family}`, kind: 'map', declaration: `type ${at} : verdict ;` },
    {
      name: `endpoints${family}`,
      kind: 'map',
      declaration: `type ${at} . classid : ${type} . inet_service ;`,
    },
    { name: `rejected${family}`, kind: 'set', declaration: `type ${at} ; counter ;` },
    { name: `addresses${family}`, kind: 'set', declaration: `type ${type} ;` },
    { name: `hairpins${family}`, kind: 'set', declaration: `type ${type} . ${type} ;` },
  ];
}

function natChain(hook: string, name: keyof typeof nft.chains): Chain {
  return {
    name: `nat-${hook}`,
    base: baseOf('nat', name),
    rules: families.map(
      family => `${destination(family)} @counters${family} ${destination(family)} vmap @frontends${family}`,
    ),
  };
}

/** Only what connection tracking sees as new: the cluster's DNS address is answered untracked. */
function filterChain(name: 'services/filter-forward' | 'services/filter-output'): Chain {
  return {
    name: name.slice('services/'.length),
    base: baseOf('filter', name),
    rules: families.map(family => `ct state new ${ip(family)} daddr @addresses${family} goto refuse`),
  };
}

function baseOf(type: 'nat' | 'filter', name: keyof typeof nft.chains): string {
  const { hook, priority } = nft.chains[name];
  return `type ${type} hook ${hook} priority ${priority} ; policy accept ;`;
}

function ip(family: Family): string {
  return family === 4 ? 'ip' : 'ip6';
}

function destination(family: Family): string {
  return `${ip(family)} daddr . meta l4proto . th dport`;
}
