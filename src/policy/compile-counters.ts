import type { Provenance } from '../base/provenance.ts';
import { contains, formatAddress, parseAddress, parseInterface, prefixOf } from '../base/ip.ts';
import type { Address } from '../base/ip.ts';
import { decide, goesWith, matchesPeer, matchesPort, namesOf } from './decide.ts';
import type { DirectionVerdict, Flow, Question } from './decide.ts';
import { allowParts, partOf as tablePart } from './compile-allows.ts';
import type { AllowPart } from './compile-allows.ts';
import { closedChain, dropChainOf, setNameOf } from './compile-nft.ts';
import type { PolicyProgram } from './compile-program.ts';
import { auditSection, sectionsOf, suffixOf } from './compile-sections.ts';
import type { Section } from './compile-sections.ts';
import { directions } from './model.ts';
import type { Direction, Peer, PolicyModel, PortRange, Rule } from './model.ts';

/** A place in the table that counts new connections of a flow. */
export interface CounterPlace {
  readonly direction: Direction;
  /** `namespace/name` of the pod that is isolated. */
  readonly pod: string;
  readonly does: 'allow' | 'drop';
  readonly chain: string;
  /** Absent where the chain itself counts. */
  readonly element?: {
    readonly set: string;
    readonly type: string;
    readonly isInterval: boolean;
    readonly key: string;
  };
  /** What the element is made of; empty for a drop. */
  readonly rules: readonly { readonly id: number; readonly provenance: Provenance }[];
  /** Who isolates the pod. */
  readonly policies: readonly Provenance[];
}

/** What counts a new connection of the flow on `node`, at each end whose pod policies cover there. */
export function compileCounters(
  model: PolicyModel,
  program: PolicyProgram,
  node: string,
  flow: Flow,
): readonly CounterPlace[] {
  const verdict = decide(model, flow);
  return directions.flatMap(direction => countersOf(model, program, node, flow, verdict[direction]));
}

function countersOf(
  model: PolicyModel,
  program: PolicyProgram,
  node: string,
  flow: Flow,
  { direction, pod: key = '', reason, isolatedBy: policies }: DirectionVerdict,
): readonly CounterPlace[] {
  const pod = model.pods.get(key);
  if (pod?.node !== node || reason === 'loopback' || reason === 'own-node') return [];
  const [own, address] =
    direction === 'egress' ? [flow.source, flow.destination] : [flow.destination, flow.source];
  const jump = program.sets.get(`${direction}${own.family}`)?.elements.get(formatAddress(own)) ?? '';
  const chain = jump.slice('jump '.length);
  if (chain === '') return [];
  const peer = model.podsByAddress.get(formatAddress(address));
  const question: Question = {
    flow,
    direction,
    peer,
    address,
    target: direction === 'egress' ? peer : pod,
    nodeLabels: model.nodeLabels.get(model.nodesByAddress.get(formatAddress(address)) ?? ''),
    names: namesOf(model, flow, direction),
  };
  const place = { direction, pod: key, policies };
  if (chain === closedChain) return [{ ...place, does: 'drop', chain, rules: [] }];
  const named = (section: Section, part: AllowPart | 'all') =>
    [...section.rules]
      .filter(rule => partsOf(rule, question).has(part))
      .map(({ id, provenance }) => ({ id, provenance }));
  const sections = sectionsOf(direction, model.covering[direction].get(key) ?? []);
  const drop = dropChainOf(chain);
  const [only] = sections;
  if (!program.chains.has(drop) && only !== undefined)
    return [{ ...place, does: 'allow', chain, rules: named(only, 'all') }];
  const identity = program.sets.get(`identity${address.family}`)?.elements.get(formatAddress(address));
  const packet: readonly Field[] = [identity ?? '', protocolOf(flow), String(flow.port ?? '')];
  const found: CounterPlace[] = [];
  for (const section of sections)
    for (const part of section.action === 'Pass' || section.name === auditSection ? [] : allowParts) {
      const set = setNameOf(chain, suffixOf(section.name, part));
      const fields = fieldsOf(part, packet, address);
      const { type, isInterval } = tablePart(direction, part);
      const elements = program.sets.get(set)?.elements.keys() ?? [];
      const element = [...elements].find(text => covers(text, fields));
      if (element === undefined) continue;
      const does = section.action === 'Deny' ? 'drop' : 'allow';
      found.push({
        ...place,
        does,
        chain,
        element: { set, type, isInterval, key: element },
        rules: named(section, part),
      });
    }
  return [...found, { ...place, does: 'drop', chain: drop, rules: [] }];
}

type Field = string | Address;

function fieldsOf(
  part: AllowPart,
  [identity = '', protocol = '', port = '']: readonly Field[],
  address: Address,
) {
  switch (part) {
    case 'peers':
      return [identity];
    case 'ports':
    case 'ranges':
      return [identity, protocol, port];
    case 'anybody':
      return [protocol, port];
    case 'blocks4':
    case 'blocks6':
      return [address]; // with every protocol
    case 'nets4':
    case 'nets6':
      return [address, protocol, port];
    default:
      return part satisfies never;
  }
}

/** `7 . tcp . 80-90` and the packet's fields in that order. */
function covers(element: string, fields: readonly Field[]): boolean {
  const texts = element.split(' . ');
  return fields.every((field, index) => {
    const text = texts[index] ?? '';
    if (typeof field !== 'string') return coversAddress(text, field);
    if (text === field) return true;
    const [from, to] = text.split('-');
    return to !== undefined && field !== '' && Number(from) <= Number(field) && Number(field) <= Number(to);
  });
}

function coversAddress(text: string, address: Address): boolean {
  const [from = '', to] = text.split('-');
  if (to === undefined) {
    const found = parseInterface(from.includes('/') ? from : `${from}/${address.family === 4 ? 32 : 128}`);
    return found !== undefined && contains(prefixOf(found.address, found.length), address);
  }
  const [first, last] = [parseAddress(from), parseAddress(to)];
  if (first === undefined || last === undefined || first.family !== address.family) return false;
  return first.value <= address.value && address.value <= last.value;
}

const protocolOf = ({ protocol }: Flow): string => protocol.toLowerCase();

/** In which sets a rule's matching pairs of peer and port stand; `all` where it allows everything. */
function partsOf(rule: Rule, question: Question): ReadonlySet<AllowPart | 'all'> {
  const found = new Set<AllowPart | 'all'>();
  const peers = (rule.peers ?? [undefined]).filter(peer => matchesPeer(rule, peer, question));
  const ports = (rule.ports ?? [undefined]).filter(port => matchesPort(port, question));
  for (const peer of peers)
    for (const port of ports)
      if (goesWith(peer, port, question)) for (const part of partOf(peer, port, question)) found.add(part);
  return found;
}

function partOf(
  peer: Peer | undefined,
  port: PortRange | undefined,
  { direction, address: { family } }: Question,
): readonly (AllowPart | 'all')[] {
  if (peer?.is === 'block' || peer?.is === 'nodes' || peer?.is === 'domains')
    return [port === undefined ? `blocks${family}` : `nets${family}`];
  if (peer !== undefined && peer.is !== 'everybody')
    return port === undefined ? ['peers'] : ['ports', 'ranges'];
  if (port === undefined) return ['all'];
  // A name in egress to anybody is looked up on each pod.
  return direction === 'egress' && port.is === 'named' ? ['ports', 'ranges'] : ['anybody'];
}
