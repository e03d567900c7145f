import { parseNamedScalar, parseType, splitTable } from './notation.ts';
import type { Field, Names, ObjectType, Shape } from './notation.ts';

/** A group version's part of the tables. `load` is called when a type of it is first asked for. */
export interface Group {
  /** How other tables refer to it: `meta` in `meta.ObjectMeta`. */
  readonly alias: string;
  /** Empty for the core group and for meta/v1. */
  readonly group: string;
  readonly version: string;
  /** What stands before a type's name in OpenAPI: `io.k8s.api.core.v1.`. */
  readonly prefix: string;
  readonly load: () => string;
  /** Its kinds are custom resources: their OpenAPI has no schemas to refer to, their rules stand in the tables. */
  readonly custom?: boolean;
}

/** All types by full name. Text is split per group and read per type, when asked for: most servers touch a few. */
export class Types {
  readonly groups: readonly Group[];
  readonly #texts = new Map<Group, ReadonlyMap<string, readonly string[]>>();
  readonly #types = new Map<string, ObjectType>();

  constructor(groups: readonly Group[]) {
    this.groups = groups;
  }

  /** The type, or undefined where no table has it. */
  find(fullName: string): ObjectType | undefined {
    const known = this.#types.get(fullName);
    if (known !== undefined) return known;
    const group = this.groupOf(fullName);
    if (group === undefined) return undefined;
    const lines = this.#textsOf(group).get(fullName.slice(group.prefix.length));
    if (lines === undefined) return undefined;
    const type = parseType(fullName, lines, this.#namesOf(group));
    this.#types.set(fullName, type);
    return type;
  }

  /** The type; its absence is a mistake in the tables. */
  get(fullName: string): ObjectType {
    const type = this.find(fullName);
    if (type === undefined) throw new TypeError(`no table describes ${fullName}`);
    return type;
  }

  groupOf(fullName: string): Group | undefined {
    return this.groups.find(
      group => fullName.startsWith(group.prefix) && !fullName.slice(group.prefix.length).includes('.'),
    );
  }

  /** Full names of the types in a group's table. */
  namesIn(group: Group): readonly string[] {
    const names = [...this.#textsOf(group)].filter(
      ([, lines]) => parseNamedScalar(lines[0] ?? '') === undefined,
    );
    return names.map(([name]) => group.prefix + name);
  }

  #textsOf(group: Group): ReadonlyMap<string, readonly string[]> {
    let texts = this.#texts.get(group);
    if (texts === undefined) {
      texts = splitTable(group.load());
      this.#texts.set(group, texts);
    }
    return texts;
  }

  #namesOf(group: Group): Names {
    return {
      resolve: name => {
        const dot = name.indexOf('.');
        if (dot < 0) return group.prefix + name;
        const other = this.groups.find(candidate => candidate.alias === name.slice(0, dot));
        if (other === undefined)
          throw new TypeError(`the table of ${group.alias} refers to an unknown group in ${name}`);
        return other.prefix + name.slice(dot + 1);
      },
      scalar: name => this.#scalar(group, name),
      fieldsOf: (fullName): ReadonlyMap<string, Field> => this.get(fullName).fields,
    };
  }

  #scalar(group: Group, name: string): Shape | undefined {
    const line = this.#textsOf(group).get(name)?.[0];
    return line === undefined ? undefined : parseNamedScalar(line);
  }
}
