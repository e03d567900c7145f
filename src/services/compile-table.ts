import { connectionMarks, interfaces, nft } from '../kernel/contract.ts';
import { affinityName, dropChain, noLocalChain, drawName, reasonSet, serviceReasons } from './compile-nft.ts';
import type { Affinity } from './model.ts';
import type { Draw, ServiceReason, SetName } from './compile-nft.ts';
import { families } from './model.ts';
import type { Family } from '../base/ip.ts';

/** The table's fixed part, in the shape of kernel/nft's TableProgram: sets, maps and chains, without elements. */
export interface ServiceTable {
  readonly name: string;
  readonly sets: readonly (SetDeclaration & { readonly name: SetName })[];
  readonly chains: readonly Chain[];
}

export interface SetDeclaration {
  readonly name: string;
  readonly kind: 'set' | 'map';
  readonly declaration: string;
}

export interface Chain {
  readonly name: string;
  readonly base?: string;
  readonly rules: readonly string[];
}

const mark = `0x${connectionMarks.masquerade.toString(16)}`;

/** How the elements of the table's sets are to be read. */
export function elementTypes(): ReadonlyMap<string, { readonly key: string; readonly value?: string }> {
  return new Map(
    serviceTable.sets.map(({ name, declaration }) => {
      const [, key = '', value] = /^type (.+?)(?: : (.+?))? ;/.exec(declaration) ?? [];
      return [name, value === undefined ? { key } : { key, value }];
    }),
  );
}

/** Sets whose elements are ranges. */
export const intervalSets: ReadonlySet<SetName> = new Set(
  families.flatMap(family => [`allowed${family}`, `prefixes${family}`] as const),
);

/** Counts, and goes on. */
const because = (reason: ServiceReason): string => `meta l4proto @${reasonSet(reason)}`;

/** Counts at the front end, and drops. */
const endChain = 'drop-counted';

const markIt = `ct mark set ct mark or ${mark}`;

const counted: readonly string[] = families.map(family => `${destination(family)} @counters${family}`);

const guarded: readonly string[] = families.map(
  family => `${destination(family)} @guarded${family} jump guard`,
);

/**
 * ```
 * nat (first packet of a connection)           filter (what nat left at a Service's address)
 *   guarded, and the client not allowed? drop    new connection to a port without endpoints: counted,
 *   from outside:                                or to one of the addresses?
 *     its own way (Local)? ─▶ local-N, no-local    refused: reset for TCP, else ICMP port unreachable
 *     else marked to be masqueraded
 *   known address.protocol.port?
 *     counted, sent to pick-N or masquerade-N; from the node itself: marked to be masqueraded
 *   pick-N: draw a slot, translate
 * ```
 */
export const serviceTable: ServiceTable = {
  name: nft.tables.services,
  sets: [
    ...families.flatMap(setsOf),
    ...serviceReasons.map(
      reason =>
        ({ name: reasonSet(reason), kind: 'set', declaration: 'type inet_proto ; counter ;' }) as const,
    ),
  ],
  chains: [
    {
      name: 'refuse',
      rules: [
        // A reset is not subject to the kernel's limit on ICMP errors: every connection is refused at once.
        'meta l4proto tcp reject with tcp reset',
        'reject with icmpx type port-unreachable',
      ],
    },
    {
      name: endChain,
      rules: [...families.map(family => `${destination(family)} @dropped${family} drop`), 'drop'],
    },
    { name: dropChain, rules: [because('no-local-endpoints'), `goto ${endChain}`] },
    { name: noLocalChain, rules: [...counted, `goto ${dropChain}`] },
    {
      name: 'guard',
      rules: [
        ...families.map(family => `${destination(family)} . ${ip(family)} saddr @allowed${family} return`),
        ...counted,
        because('source-range'),
        `goto ${endChain}`,
      ],
    },
    {
      name: 'inside',
      rules: families.map(
        family => `${destination(family)} @counters${family} ${destination(family)} vmap @frontends${family}`,
      ),
    },
    {
      name: 'inside-node',
      rules: families.map(
        family =>
          `${destination(family)} @counters${family} ${markIt} ${destination(family)} vmap @frontends${family}`,
      ),
    },
    {
      name: 'nat-prerouting',
      base: baseOf('nat', 'services/nat-prerouting'),
      rules: [
        ...guarded,
        `iifname "${interfaces.podHostPrefix}*" iifname != "${interfaces.vxlan}" goto inside`,
        ...families.map(family => `${destination(family)} vmap @outside${family}`),
        // Its answer has to come back through this node.
        ...families.map(family => `${ip(family)} daddr @addresses${family} ${markIt}`),
        'goto inside',
      ],
    },
    {
      name: 'nat-output',
      base: baseOf('nat', 'services/nat-output'),
      rules: [...guarded, 'goto inside-node'],
    },
    filterChain('services/filter-input'),
    filterChain('services/filter-forward'),
    filterChain('services/filter-output'),
    {
      name: 'as-node',
      rules: [
        // Links to pods and the tunnel have no address: the kernel would take any of the node's, also one that is a Service's.
        ...[`${interfaces.podHostPrefix}*`, 'lo'].flatMap(link =>
          families.map(
            family => `oifname "${link}" snat ${ip(family)} to meta l4proto map @self${family} fully-random`,
          ),
        ),
        'masquerade fully-random',
      ],
    },
    {
      name: 'postrouting-masquerade',
      base: baseOf('nat', 'services/postrouting-masquerade'),
      rules: [
        `ct mark and ${mark} != 0 ct status dnat goto as-node`,
        // A pod that reaches itself through a Service would answer itself directly, past the translation.
        ...families.map(
          family =>
            `ct status dnat ${ip(family)} saddr . ${ip(family)} daddr @hairpins${family} goto as-node`,
        ),
      ],
    },
  ],
};

/**
 * The chain that chooses among as many endpoints. The slot stands in the packet's priority while the chain runs:
 * expressions cannot draw inside of a key, and the packet's mark belongs to those who route by it. Forwarding sets the
 * priority anew.
 */
export function compileDraw(draw: Draw): Chain {
  const { kind, choices, affinity } = draw;
  const name = drawName(draw);
  const first = [...(kind === 'local' ? counted : []), ...(kind === 'masquerade' ? [markIt] : [])];
  if (affinity !== undefined) return { name, rules: [...first, ...stickyRules(draw, affinity)] };
  if (kind === 'masquerade')
    return { name, rules: [...first, `goto ${drawName({ kind: 'pick', choices })}`] };
  return { name, rules: [...first, drawSlot(draw), ...families.map(translate)] };
}

/** As a number, a slot has its major part in the upper 16 bits. */
const drawSlot = ({ kind, choices }: Draw): string =>
  `meta priority set numgen random mod ${choices} offset ${kind === 'local' ? 0x1_0001 : 1}`;

const translate = (family: Family): string =>
  `dnat ${ip(family)} to ${destination(family)} . meta priority map @endpoints${family}`;

/**
 * The endpoint's id stands where otherwise the slot does. One that is no longer an endpoint translates nothing: the
 * client is forgotten, and draws again.
 */
function stickyRules(draw: Draw, { seconds }: Affinity): readonly string[] {
  const ofEach = (rule: (family: Family, clients: string) => string) =>
    families.map(family => rule(family, `@${affinityName(draw, family)}`));
  const remember = (family: Family, clients: string) =>
    `update ${clients} { ${ip(family)} saddr timeout ${seconds}s : meta priority }`;
  return [
    'meta priority set 0:0',
    ...ofEach((family, clients) => `meta priority set ${ip(family)} saddr map ${clients}`),
    ...ofEach((family, clients) => `meta priority != 0:0 ${remember(family, clients)}`),
    ...ofEach(translate),
    ...ofEach((family, clients) => `delete ${clients} { ${ip(family)} saddr : meta priority }`),
    drawSlot(draw),
    ...ofEach(family => `meta priority set ${destination(family)} . meta priority map @ids${family}`),
    ...ofEach(remember),
    ...ofEach(translate),
  ];
}

/** The maps that a draw needs besides those of the table. */
export function compileDrawMaps(draw: Draw): readonly SetDeclaration[] {
  if (draw.affinity === undefined) return [];
  return families.map(family => ({
    name: affinityName(draw, family),
    kind: 'map',
    declaration: `type ${addressType(family)} : classid ; flags dynamic,timeout ; size ${mostClients} ;`,
  }));
}

/** Of one Service port; more than this choose anew each time. */
const mostClients = 65_536;

function addressType(family: Family): string {
  return family === 4 ? 'ipv4_addr' : 'ipv6_addr';
}

function setsOf(family: Family): ServiceTable['sets'] {
  const type = addressType(family);
  const at = `${type} . inet_proto . inet_service`;
  return [
    // Counters of their own: those in a map would start again whenever the number of endpoints changes.
    { name: `counters${family}`, kind: 'set', declaration: `type ${at} ; counter ;` },
    { name: `frontends${family}`, kind: 'map', declaration: `type ${at} : verdict ;` },
    { name: `outside${family}`, kind: 'map', declaration: `type ${at} : verdict ;` },
    {
      name: `endpoints${family}`,
      kind: 'map',
      declaration: `type ${at} . classid : ${type} . inet_service ; counter ;`,
    },
    { name: `ids${family}`, kind: 'map', declaration: `type ${at} . classid : classid ;` },
    { name: `rejected${family}`, kind: 'set', declaration: `type ${at} ; counter ;` },
    { name: `dropped${family}`, kind: 'set', declaration: `type ${at} ; counter ;` },
    { name: `guarded${family}`, kind: 'set', declaration: `type ${at} ;` },
    { name: `allowed${family}`, kind: 'set', declaration: `type ${at} . ${type} ; flags interval ;` },
    { name: `addresses${family}`, kind: 'set', declaration: `type ${type} ;` },
    {
      name: `prefixes${family}`,
      kind: 'set',
      // With the protocol, as only sets of several fields tell both ends of a range together.
      declaration: `type ${type} . inet_proto ; flags interval ;`,
    },
    { name: `self${family}`, kind: 'map', declaration: `type inet_proto : ${type} ;` },
    { name: `hairpins${family}`, kind: 'set', declaration: `type ${type} . ${type} ;` },
  ];
}

/** Only what connection tracking sees as new: the cluster's DNS address is answered untracked. */
function filterChain(
  name: 'services/filter-input' | 'services/filter-forward' | 'services/filter-output',
): Chain {
  return {
    name: name.slice('services/'.length),
    base: baseOf('filter', name),
    rules: families.flatMap(family => [
      `ct state new ${destination(family)} @rejected${family} ${because('no-endpoints')} goto refuse`,
      `ct state new ${ip(family)} daddr @addresses${family} ${because('no-such-port')} goto refuse`,
      `ct state new ${ip(family)} daddr @addresses${family} goto refuse`, // pings
      // Nobody has the address now; whoever answers would speak for a Service that may get it. One that the node has
      // itself was given to it by somebody.
      ...(name === 'services/filter-input'
        ? []
        : [
            `ct state new ${ip(family)} daddr . meta l4proto @prefixes${family} ${because('no-such-address')} drop`,
            `ct state new ${ip(family)} daddr . meta l4proto @prefixes${family} drop`, // pings
          ]),
    ]),
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
