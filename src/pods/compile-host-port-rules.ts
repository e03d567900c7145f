import { formatAddress } from '../base/ip.ts';
import type { Family } from '../base/ip.ts';
import type { ChainProgram, Elements, SetProgram } from '../kernel/nft/table.ts';
import { hostPortKey } from './compile-host-ports.ts';
import type { ClusterSets, HostPortEntry } from './compile-program.ts';

/*
 * Ports of the node that are a pod's are translated where packets to the node come in and where the node's own go out,
 * and keep their source: policies judge who it is. A new connection costs two look-ups however many ports there are.
 */

const families = [
  { family: 4, ip: 'ip', type: 'ipv4_addr' },
  { family: 6, ip: 'ip6', type: 'ipv6_addr' },
] as const;

/**
 * The node reaches ports of pods by these addresses, too, where its kernel can translate them: for IPv6 there is no
 * such way (route_localnet is a setting of IPv4).
 */
export const loopback = '127.0.0.0/8';

export const hostPortSets: readonly SetProgram[] = families.flatMap(({ family, type }) => {
  const target = `${type} . inet_service`;
  return [
    { name: `local${family}`, kind: 'set', declaration: `type ${type} ;` },
    { name: `self${family}`, kind: 'map', declaration: `type inet_proto : ${type} ;` },
    {
      name: `ports${family}`,
      kind: 'map',
      declaration: `type ${type} . inet_proto . inet_service : ${target} ;`,
    },
    { name: `anyports${family}`, kind: 'map', declaration: `type inet_proto . inet_service : ${target} ;` },
    { name: `itself${family}`, kind: 'set', declaration: `type ${type} . ${type} ;` },
  ];
});

/** Translates; what finds nothing goes on to the node. */
export const hostPortChain: ChainProgram = {
  name: 'host-ports',
  rules: families.flatMap(({ family, ip }) => [
    `dnat ${ip} to ${ip} daddr . meta l4proto . th dport map @ports${family}`,
    `dnat ${ip} to meta l4proto . th dport map @anyports${family}`,
  ]),
};

/** Only at addresses of the node: a pod that names another one would take everybody's traffic to it. */
export const toHostPorts: readonly string[] = families.map(
  ({ family, ip }) => `${ip} daddr @local${family} goto ${hostPortChain.name}`,
);

/** Two sources would be answered past the translation and become the node's address: the pod itself, and loopback. */
export const fromLoopbackOrItself: readonly string[] = [
  ...families.map(
    ({ family, ip }) => `ct status dnat ${ip} saddr . ${ip} daddr @itself${family} snat ${asNode(family)}`,
  ),
  `ct status dnat ip saddr ${loopback} snat ${asNode(4)}`,
];

/** Links to pods have no address: the kernel would take any of the node's, also one that is a Service's. */
function asNode(family: Family): string {
  return `${family === 4 ? 'ip' : 'ip6'} to meta l4proto map @self${family} fully-random`;
}

export function hostPortElements(sets: ClusterSets): readonly (readonly [string, Elements])[] {
  return families.flatMap(({ family }): [string, Elements][] => {
    const own = sets.hostPorts.filter(({ to }) => to.family === family);
    const at = (name: string): Elements =>
      new Map(own.filter(entry => mapOf(entry) === name).map(entry => [hostPortKey(entry), targetOf(entry)]));
    const self = sets.self.find(address => address.family === family);
    const protocols = self === undefined ? [] : ['tcp', 'udp', 'sctp'];
    const local = sets.local.filter(address => address.family === family);
    const itself = own.map(({ to }) => `${formatAddress(to)} . ${formatAddress(to)}`);
    return [
      [`local${family}`, new Map(local.map(address => [formatAddress(address), '']))],
      [
        `self${family}`,
        new Map(protocols.map(name => [name, self === undefined ? '' : formatAddress(self)])),
      ],
      [`ports${family}`, at(`ports${family}`)],
      [`anyports${family}`, at(`anyports${family}`)],
      [`itself${family}`, new Map(itself.map(pair => [pair, '']))],
    ];
  });
}

const mapOf = ({ address, to }: HostPortEntry): string =>
  `${address === undefined ? 'anyports' : 'ports'}${to.family}`;

const targetOf = ({ to, toPort }: HostPortEntry): string => `${formatAddress(to)} . ${toPort}`;

/** The entries that a table does not have, by the keys of their maps. */
export function missingHostPorts(
  sets: ReadonlyMap<string, { readonly elements: Elements }>,
  entries: readonly HostPortEntry[],
): readonly string[] {
  return entries
    .filter(entry => sets.get(mapOf(entry))?.elements.get(hostPortKey(entry)) !== targetOf(entry))
    .map(hostPortKey);
}
