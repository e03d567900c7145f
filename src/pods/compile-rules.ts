import { formatAddress, formatPrefix } from '../base/ip.ts';
import { interfaces, nft } from '../kernel/contract.ts';
import { digestOf, renderStructure } from '../kernel/nft/table.ts';
import type { ChainProgram, Elements, TableProgram, TableState } from '../kernel/nft/table.ts';
import {
  fromLoopbackOrItself,
  hostPortChain,
  hostPortElements,
  hostPortSets,
  loopback,
  toHostPorts,
} from './compile-host-port-rules.ts';
import type { ClusterSets } from './compile-program.ts';

/** The table of this block, with the elements of its sets by their names. */
export interface RulesProgram extends TableProgram {
  readonly elements: ReadonlyMap<string, Elements>;
}

/**
 * A pod sends from its own addresses alone: a packet from its veth whose way back does not lead there is dropped before
 * anything else looks at it (RFC 2827). The routes say so already, in both families and at a constant cost.
 *
 * Pods keep their address towards pods and nodes and leave the cluster with their node's. Ports are chosen at random, so
 * that two pods' connections to one server do not race for the same port; TCP learns the smallest MTU of the way when it
 * connects, for networks that lose the packets that would tell it later.
 */
export function compileRules(sets: ClusterSets): RulesProgram {
  const masquerade = (ip: 'ip' | 'ip6', digit: 4 | 6) =>
    `${ip} saddr @pods${digit} ${ip} daddr != @pods${digit} ${ip} daddr != @nodes${digit} masquerade fully-random`;
  const ofFamily = <T extends { readonly family: 4 | 6 }>(
    family: 4 | 6,
    entries: readonly T[],
    format: (entry: T) => string,
  ): Elements => new Map(entries.filter(entry => entry.family === family).map(entry => [format(entry), '']));
  const prefixes = 'flags interval ;';
  return {
    name: nft.tables.pods,
    sets: [
      { name: 'pods4', kind: 'set', declaration: `type ipv4_addr ; ${prefixes}` },
      { name: 'pods6', kind: 'set', declaration: `type ipv6_addr ; ${prefixes}` },
      { name: 'nodes4', kind: 'set', declaration: 'type ipv4_addr ;' },
      { name: 'nodes6', kind: 'set', declaration: 'type ipv6_addr ;' },
      ...hostPortSets,
    ],
    chains: [
      chain('filter', 'prerouting-source', [
        `${fromPods} fib saddr . iif oif missing counter drop`,
        `${fromPods} ip daddr ${loopback} counter drop`,
      ]),
      hostPortChain,
      chain('nat', 'prerouting-host-ports', toHostPorts),
      chain('nat', 'output-host-ports', [...toHostPorts, `ip daddr ${loopback} goto ${hostPortChain.name}`]),
      chain('filter', 'forward-mss', ['tcp flags & (syn | rst) == syn tcp option maxseg size set rt mtu']),
      chain('nat', 'postrouting-masquerade', [
        ...fromLoopbackOrItself,
        masquerade('ip', 4),
        masquerade('ip6', 6),
      ]),
    ],
    elements: new Map([
      ['pods4', ofFamily(4, sets.pods, formatPrefix)],
      ['pods6', ofFamily(6, sets.pods, formatPrefix)],
      ['nodes4', ofFamily(4, sets.nodes, formatAddress)],
      ['nodes6', ofFamily(6, sets.nodes, formatAddress)],
      ...hostPortElements(sets),
    ]),
  };
}

const fromPods = `iifname "${interfaces.podHostPrefix}*" iifname != "${interfaces.vxlan}"`;

function chain(
  type: 'filter' | 'nat',
  name:
    | 'prerouting-source'
    | 'prerouting-host-ports'
    | 'output-host-ports'
    | 'forward-mss'
    | 'postrouting-masquerade',
  rules: readonly string[],
): ChainProgram {
  const { hook, priority } = nft.chains[`pods/${name}`];
  return { name, base: `type ${type} hook ${hook} priority ${priority} ; policy accept ;`, rules };
}

/** What the table looks like once the program is applied. */
export function stateOf(program: RulesProgram): TableState {
  return {
    sets: new Map(
      program.sets.map(({ name, declaration }) => [
        name,
        { digest: digestOf(declaration), elements: program.elements.get(name) ?? new Map() },
      ]),
    ),
    chains: new Map(program.chains.map(({ name, rules }) => [name, rules.map(digestOf)])),
  };
}

/**
 * One transaction that turns `actual` into `desired`; empty when nothing differs. What is right is not touched: an
 * established flow survives.
 */
export function renderDelta(actual: TableState | undefined, desired: RulesProgram): string {
  const structure = renderStructure(actual, desired);
  if (structure === undefined) return `delete table inet ${desired.name}\n${renderDelta(undefined, desired)}`;
  const lines = desired.sets.flatMap(({ name }) =>
    elementLines(
      `inet ${desired.name} ${name}`,
      actual?.sets.get(name)?.elements ?? new Map(),
      desired.elements.get(name) ?? new Map(),
    ),
  );
  return `${structure}${lines.map(line => `${line}\n`).join('')}`;
}

/**
 * The same when somebody else has changed chains or rules: every chain of the table is written anew, in
 * the same transaction, and strange ones go.
 */
export function renderAnew(actual: TableState, desired: RulesProgram): string {
  const names = [...actual.chains.keys()];
  const removal = ['flush', 'delete'].flatMap(verb =>
    names.map(name => `${verb} chain inet ${desired.name} ${name}\n`),
  );
  const rest = renderDelta({ ...actual, chains: new Map() }, desired);
  return rest.startsWith('delete table') ? rest : `${removal.join('')}${rest}`;
}

/** Old elements first: a prefix may only come in when what overlaps it has gone. */
function elementLines(set: string, present: Elements, desired: Elements): readonly string[] {
  const gone = [...present].filter(([key, value]) => desired.get(key) !== value).map(([key]) => key);
  const added = [...desired]
    .filter(([key, value]) => present.get(key) !== value)
    .map(([key, value]) => (value === '' ? key : `${key} : ${value}`));
  return [
    ...(gone.length > 0 ? [`delete element ${set} { ${gone.join(', ')} }`] : []),
    ...(added.length > 0 ? [`add element ${set} { ${added.join(', ')} }`] : []),
  ];
}
