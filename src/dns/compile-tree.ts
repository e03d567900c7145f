import type { NamedRecord } from './compile-names.ts';
import type { CompiledAnswer } from './compile-answer.ts';
import { keyOfName, parentKey } from './wire/index.ts';
import type { NameKey } from './wire/index.ts';

/** A name that exists: it has records, or a name below it does. */
export interface TreeNode {
  /** Of all owners, in the order in which they came. */
  readonly records: readonly NamedRecord[];
  /** Finished answers by type number, made when first asked for; empty again when a record changes. */
  readonly answers: Map<number, CompiledAnswer>;
}

interface MutableNode extends TreeNode {
  records: readonly NamedRecord[];
  readonly owners: Map<string, readonly NamedRecord[]>;
  children: number;
}

/**
 * Every name that exists, by its key, with those in between that have no records of their own (RFC 8020): what has no
 * node does not exist, and nothing below it does. Owners replace what they brought before; the work is that of the
 * names that they bring.
 */
export class NameTree {
  readonly #nodes = new Map<NameKey, MutableNode>();
  readonly #broughtBy = new Map<string, readonly NameKey[]>();
  #changed: (key: NameKey) => void = () => undefined;

  get size(): number {
    return this.#nodes.size;
  }

  get(key: NameKey): TreeNode | undefined {
    return this.#nodes.get(key);
  }

  entries(): Iterable<readonly [NameKey, TreeNode]> {
    return this.#nodes;
  }

  /** Tells one follower of each name that comes, goes or has other records, within the change; returns how to stop it. */
  watch(changed: (key: NameKey) => void): () => void {
    this.#changed = changed;
    return () => {
      if (this.#changed === changed) this.#changed = () => undefined;
    };
  }

  /** `bare` names exist without a record. Nothing at all takes the owner out. */
  replace(owner: string, records: readonly NamedRecord[], bare: readonly string[] = []): void {
    const wanted = new Map<NameKey, NamedRecord[]>(bare.map(name => [keyOfName(name), []]));
    for (const record of records) {
      const key = keyOfName(record.name);
      const list = wanted.get(key);
      if (list === undefined) wanted.set(key, [record]);
      else list.push(record);
    }
    const gone = (this.#broughtBy.get(owner) ?? []).filter(key => !wanted.has(key));
    for (const [key, list] of wanted) {
      const node = this.#ensure(key);
      node.owners.set(owner, list);
      refresh(node);
      this.#changed(key);
    }
    for (const key of gone) {
      const node = this.#nodes.get(key);
      node?.owners.delete(owner);
      if (node !== undefined) refresh(node);
      this.#changed(key);
      this.#prune(key);
    }
    if (wanted.size === 0) this.#broughtBy.delete(owner);
    else this.#broughtBy.set(owner, [...wanted.keys()]);
  }

  /** The nearest name above (or itself) that exists; the root where none does. */
  closest(key: NameKey): NameKey {
    let at = key;
    while (at.length > 1 && !this.#nodes.has(at)) at = parentKey(at);
    return at;
  }

  #ensure(key: NameKey): MutableNode {
    const present = this.#nodes.get(key);
    if (present !== undefined) return present;
    const node: MutableNode = { records: [], answers: new Map(), owners: new Map(), children: 0 };
    this.#nodes.set(key, node);
    this.#changed(key);
    if (key.length > 1) this.#ensure(parentKey(key)).children++;
    return node;
  }

  #prune(key: NameKey): void {
    const node = this.#nodes.get(key);
    if (node === undefined || node.owners.size > 0 || node.children > 0 || key.length <= 1) return;
    this.#nodes.delete(key);
    this.#changed(key);
    const parent = this.#nodes.get(parentKey(key));
    if (parent !== undefined) parent.children--;
    this.#prune(parentKey(key));
  }
}

function refresh(node: MutableNode): void {
  node.records = [...node.owners.values()].flat();
  node.answers.clear();
}
