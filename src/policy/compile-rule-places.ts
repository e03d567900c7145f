import { bitsOf, parseAddress, parseInterface, prefixOf } from '../base/ip.ts';
import { allowParts, compileOthers, compilePeer, partOf } from './compile-allows.ts';
import type { Allows, PeerAddresses } from './compile-allows.ts';
import type { Interval } from './compile-boxes.ts';
import type { LiveGroup } from './compile-group-tables.ts';
import { setNameOf } from './compile-nft.ts';
import type { PolicyProgram } from './compile-program.ts';
import { auditSection, suffixOf } from './compile-sections.ts';
import type { Section } from './compile-sections.ts';
import type { Rule } from './model.ts';

/** A place in the table that counts new connections, with all rules that it is made of. */
export interface RulePlace {
  readonly chain: string;
  /** Absent where the chain itself counts. */
  readonly element?: {
    readonly set: string;
    readonly type: string;
    readonly isInterval: boolean;
    readonly key: string;
  };
  readonly rules: Rule[];
}

export interface CountedGroup {
  readonly name: string;
  /** In force, whether anything of them is in the kernel or not. */
  rules(): readonly Rule[];
  places(): readonly RulePlace[];
}

/** A rule's intervals are looked for among not more elements than this: what is beyond is found by its own text alone. */
const mostOverlaps = 1000;

/** Where the kernel counts what the rules of a group do; not what those do that are only tried. */
export function rulePlaces(
  group: LiveGroup,
  program: PolicyProgram,
  known: PeerAddresses,
): readonly RulePlace[] {
  const [member] = group.pods.values();
  if (member === undefined || group.isRefused) return [];
  const { direction, name, named } = group;
  const found: RulePlace[] = [];
  const wholes = new Set<string>();
  const isPassed = group.sections.some(({ action, tier }) => tier === 'Admin' && action === 'Pass');
  for (const section of group.sections) {
    if (section.name === auditSection) continue;
    const ownRules = [...section.rules];
    if (group.all.has(section.name)) {
      const chain = isPassed && section.tier !== 'Admin' ? `${name}-rest` : name;
      const rules = ownRules.filter(rule => compileOthers(direction, [rule], member, known) === 'all');
      // Behind it the chain goes on for nobody.
      if (!wholes.has(chain)) found.push({ chain, rules });
      wholes.add(chain);
      continue;
    }
    const places = new SectionPlaces(group, section, program);
    for (const rule of ownRules) {
      const others = compileOthers(direction, [rule], member, known);
      if (others !== 'all') places.add(rule, others);
    }
    for (const { identity, rules } of named.values())
      for (const rule of [...rules.values()].flat())
        if (section.rules.has(rule)) places.add(rule, compilePeer(direction, [rule], member, identity));
    found.push(...places.found());
  }
  return found;
}

/** Elements of one section: rules that say the same, or that are neighbours, share them. */
class SectionPlaces {
  readonly #group: LiveGroup;
  readonly #section: Section;
  readonly #program: PolicyProgram;
  readonly #places = new Map<string, RulePlace>();
  /** By set: its elements, read once for all rules. */
  readonly #spans = new Map<string, readonly Span[]>();

  constructor(group: LiveGroup, section: Section, program: PolicyProgram) {
    this.#group = group;
    this.#section = section;
    this.#program = program;
  }

  found(): Iterable<RulePlace> {
    return this.#places.values();
  }

  add(rule: Rule, allows: Allows): void {
    for (const part of allowParts) {
      for (const written of allows.get(part) ?? []) {
        const here = this.#elementsOf(part, written);
        // A single port may have become a part of a range.
        const elements = here.length === 0 && part === 'ports' ? this.#elementsOf('ranges', written) : here;
        const where = here.length === 0 && part === 'ports' ? 'ranges' : part;
        for (const key of elements) this.#take(where, key, rule);
      }
    }
  }

  #elementsOf(part: (typeof allowParts)[number], written: string): readonly string[] {
    const elements = this.#program.sets.get(this.#setOf(part))?.elements;
    if (elements === undefined) return [];
    if (elements.has(written)) return [written];
    if (!partOf(this.#group.direction, part).isInterval || elements.size > mostOverlaps) return [];
    const wanted = spanOf(written);
    return this.#spansOf(this.#setOf(part), elements.keys())
      .filter(span => overlaps(span, wanted))
      .map(({ key }) => key);
  }

  #spansOf(set: string, keys: Iterable<string>): readonly Span[] {
    const present = this.#spans.get(set);
    if (present !== undefined) return present;
    const spans = [...keys].map(spanOf);
    this.#spans.set(set, spans);
    return spans;
  }

  #setOf(part: (typeof allowParts)[number]): string {
    return setNameOf(this.#group.name, suffixOf(this.#section.name, part));
  }

  #take(part: (typeof allowParts)[number], key: string, rule: Rule): void {
    const set = this.#setOf(part);
    const present = this.#places.get(`${set} ${key}`);
    if (present !== undefined) {
      if (!present.rules.includes(rule)) present.rules.push(rule);
      return;
    }
    const { isInterval, type } = partOf(this.#group.direction, part);
    const element = { set, type, isInterval, key };
    this.#places.set(`${set} ${key}`, { chain: this.#group.name, element, rules: [rule] });
  }
}

/** An element as it is written, and its fields. */
interface Span {
  readonly key: string;
  readonly fields: readonly (Interval<bigint> | string)[];
}

const spanOf = (key: string): Span => ({
  key,
  fields: key.split(' . ').map(field => intervalOf(field) ?? field),
});

const overlaps = (a: Span, b: Span): boolean =>
  a.fields.every((one, index) => {
    const other = b.fields[index];
    if (typeof one === 'string' || typeof other === 'string' || other === undefined) return one === other;
    return one.from <= other.to && other.from <= one.to;
  });

/** Of `80`, `80-90`, `10.0.0.0/8` and `10.0.0.1-10.0.0.5`. */
function intervalOf(field: string): Interval<bigint> | undefined {
  const [first = '', last = first] = field.split('-');
  if (/^\d+$/.test(first) && /^\d+$/.test(last)) return { from: BigInt(first), to: BigInt(last) };
  const prefix = parseInterface(field);
  if (prefix !== undefined) {
    const { family, length, value } = prefixOf(prefix.address, prefix.length);
    return { from: value, to: value + (1n << BigInt(bitsOf(family) - length)) - 1n };
  }
  const [from, to] = [parseAddress(first), parseAddress(last)];
  return from === undefined || to === undefined ? undefined : { from: from.value, to: to.value };
}
