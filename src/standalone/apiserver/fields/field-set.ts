import { isFields } from '../object.ts';
import type { Fields } from '../object.ts';

/**
 * A set of places in an object, as a tree by path elements. An element is written as FieldsV1 of meta/v1 writes it:
 * `f:name` a field, `k:{"port":80}` a list item by its keys, `v:"text"` an item of a set, `i:0` an item by its index.
 */
export interface FieldSet {
  readonly [element: string]: FieldNode;
}

/** One place: whether it is itself in the set, and which places within it are. */
export interface FieldNode {
  readonly member: boolean;
  readonly inside: FieldSet;
}

export const NO_FIELDS: FieldSet = Object.freeze(Object.create(null) as FieldSet);

const isEmptyNode = (node: FieldNode): boolean => !node.member && isEmpty(node.inside);

export function isEmpty(set: FieldSet): boolean {
  for (const _ in set) return false;
  return true;
}

/** Collects places while a walk goes down an object; `build` has no empty nodes. */
export class FieldSetBuilder {
  readonly #nodes = new Map<string, { member: boolean; inside: FieldSetBuilder | undefined }>();

  add(element: string): void {
    this.#node(element).member = true;
  }

  within(element: string): FieldSetBuilder {
    return (this.#node(element).inside ??= new FieldSetBuilder());
  }

  build(): FieldSet {
    const set = Object.create(null) as Record<string, FieldNode>;
    for (const [element, { member, inside }] of this.#nodes) {
      const node = { member, inside: inside?.build() ?? NO_FIELDS };
      if (!isEmptyNode(node)) set[element] = node;
    }
    return set;
  }

  #node(element: string): { member: boolean; inside: FieldSetBuilder | undefined } {
    let node = this.#nodes.get(element);
    if (node === undefined) {
      node = { member: false, inside: undefined };
      this.#nodes.set(element, node);
    }
    return node;
  }
}

const ABSENT: FieldNode = { member: false, inside: NO_FIELDS };

/** The set of all places for which `decide` says so, given whether they are in `a` and in `b`. */
function combined(a: FieldSet, b: FieldSet, decide: (inA: boolean, inB: boolean) => boolean): FieldSet {
  const set = Object.create(null) as Record<string, FieldNode>;
  const put = (element: string, left: FieldNode, right: FieldNode) => {
    const node = {
      member: decide(left.member, right.member),
      inside: combined(left.inside, right.inside, decide),
    };
    if (!isEmptyNode(node)) set[element] = node;
  };
  for (const element in a) put(element, a[element] ?? ABSENT, b[element] ?? ABSENT);
  for (const element in b) if (a[element] === undefined) put(element, ABSENT, b[element] ?? ABSENT);
  return set;
}

export const union = (a: FieldSet, b: FieldSet): FieldSet => {
  if (isEmpty(a)) return b;
  return isEmpty(b) ? a : combined(a, b, (inA, inB) => inA || inB);
};

export const intersection = (a: FieldSet, b: FieldSet): FieldSet =>
  isEmpty(a) || isEmpty(b) ? NO_FIELDS : combined(a, b, (inA, inB) => inA && inB);

export const difference = (a: FieldSet, b: FieldSet): FieldSet =>
  isEmpty(a) || isEmpty(b) ? a : combined(a, b, (inA, inB) => inA && !inB);

/** Every place of the set as the elements that lead to it. */
export function* pathsOf(set: FieldSet, before: readonly string[] = []): IterableIterator<readonly string[]> {
  for (const element of Object.keys(set).toSorted(compareElements)) {
    const node = set[element] ?? ABSENT;
    const path = [...before, element];
    if (node.member) yield path;
    yield* pathsOf(node.inside, path);
  }
}

/** As people read it: `.spec.containers[name="web"].image`. */
export function pathText(path: readonly string[]): string {
  return path
    .map(element => {
      const rest = element.slice(2);
      if (element.startsWith('f:')) return `.${rest}`;
      if (element.startsWith('v:')) return `[=${rest}]`;
      if (!element.startsWith('k:')) return `[${rest}]`;
      const keys = JSON.parse(rest) as Fields; // written by us, or checked when it was read
      const pairs = Object.entries(keys).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
      return `[${pairs.join(',')}]`;
    })
    .join('');
}

const compareElements = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** FieldsV1: `{}` for a place itself, `.` for one that has places within as well. */
export function writeFields(set: FieldSet): Fields {
  const written: Record<string, unknown> = {};
  for (const element of Object.keys(set).toSorted(compareElements)) {
    const { member, inside } = set[element] ?? ABSENT;
    const within = writeFields(inside);
    Object.defineProperty(written, element, {
      value: member && !isEmpty(inside) ? { '.': {}, ...within } : within,
      enumerable: true,
    });
  }
  return written;
}

const DEEPEST = 100;

/** The set that a FieldsV1 says; undefined for what is none. It comes from clients. */
export function readFields(value: unknown, depth = 0): FieldSet | undefined {
  if (!isFields(value) || depth > DEEPEST) return undefined;
  const set = Object.create(null) as Record<string, FieldNode>;
  for (const [element, inner] of Object.entries(value)) {
    if (element === '.') continue;
    if (!isElement(element) || !isFields(inner)) return undefined;
    const inside = readFields(inner, depth + 1);
    if (inside === undefined) return undefined;
    const node = { member: Object.hasOwn(inner, '.') || Object.keys(inner).length === 0, inside };
    if (!isEmptyNode(node)) set[element] = node;
  }
  return set;
}

function isElement(text: string): boolean {
  switch (text.slice(0, 2)) {
    case 'f:':
      return true;
    case 'i:':
      return /^\d{1,9}$/.test(text.slice(2));
    case 'k:':
      return isFields(parsed(text.slice(2)));
    case 'v:':
      return parsed(text.slice(2)) !== undefined;
    default:
      return false;
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined; // the caller says that it is no element
  }
}
