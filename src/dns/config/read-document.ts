import { FairleadError } from '../../base/errors.ts';

/** Where something stands in a configuration file. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** A node of a YAML document: its value, and where it stands. */
export type Node =
  | { readonly kind: 'map'; readonly place: Place; readonly entries: readonly Entry[] }
  | { readonly kind: 'list'; readonly place: Place; readonly items: readonly Node[] }
  | { readonly kind: 'scalar'; readonly place: Place; readonly value: string | number | boolean | null };

interface Entry {
  readonly key: string;
  readonly place: Place;
  readonly value: Node;
}

/** Reads a field's value; `path` is how the file's reader would name it. */
export type Reader<T> = (node: Node, path: string) => T;

export function badConfig(sentence: string, path: string, { line, column }: Place): FairleadError {
  return new FairleadError('dns/bad-config', `line ${line}, column ${column}: ${sentence}`, {
    field: path,
    hint: 'docs/reference/dns.md lists every key; the server goes on with the last good configuration',
  });
}

/** The fields of a map, each with its reader; keys that no reader is for are refused. */
export function readMap<T extends object>(
  readers: { readonly [K in keyof T]-?: Reader<T[K]> },
  defaults: T,
): Reader<T> {
  return (node, path) => {
    if (node.kind === 'scalar' && node.value === null) return defaults;
    if (node.kind !== 'map') throw badConfig('this has to be a map of keys and values', path, node.place);
    const found: Partial<T> = {};
    const seen = new Set<string>();
    for (const { key, place, value } of node.entries) {
      const at = path === '' ? key : `${path}.${key}`;
      if (!Object.hasOwn(readers, key)) {
        const known = Object.keys(readers).join(', ');
        throw badConfig(`there is no key "${key}" here; these there are: ${known}`, at, place);
      }
      if (seen.has(key)) throw badConfig(`"${key}" stands here twice`, at, place);
      seen.add(key);
      const own = key as keyof T; // one of the readers
      found[own] = readers[own](value, at);
    }
    return { ...defaults, ...found };
  };
}

export const readList =
  <T>(reader: Reader<T>, most = 1000): Reader<readonly T[]> =>
  (node, path) => {
    if (node.kind === 'scalar' && node.value === null) return [];
    if (node.kind !== 'list') throw badConfig('this has to be a list', path, node.place);
    if (node.items.length > most) throw badConfig(`there may be ${most} of these at most`, path, node.place);
    return node.items.map((item, index) => reader(item, `${path}[${index}]`));
  };

export const readText: Reader<string> = (node, path) => {
  if (node.kind !== 'scalar' || node.value === null || typeof node.value === 'boolean')
    throw badConfig('this has to be a text', path, node.place);
  return String(node.value);
};

export const readBoolean: Reader<boolean> = (node, path) => {
  if (node.kind !== 'scalar' || typeof node.value !== 'boolean')
    throw badConfig('this has to be true or false', path, node.place);
  return node.value;
};

export const readNumber =
  (least: number, most: number, isWhole = true): Reader<number> =>
  (node, path) => {
    const value = node.kind === 'scalar' ? node.value : null;
    if (typeof value !== 'number' || (isWhole && !Number.isInteger(value)) || value < least || value > most)
      throw badConfig(
        `this has to be a ${isWhole ? 'whole ' : ''}number from ${least} to ${most}`,
        path,
        node.place,
      );
    return value;
  };

export const readChoice =
  <T extends string>(...choices: readonly T[]): Reader<T> =>
  (node, path) => {
    const found = choices.find(choice => node.kind === 'scalar' && node.value === choice);
    if (found === undefined) throw badConfig(`this has to be one of ${choices.join(', ')}`, path, node.place);
    return found;
  };

/** A text that `parse` makes something of; it says undefined where it cannot. */
export const readParsed =
  <T>(parse: (text: string) => T | undefined, what: string): Reader<T> =>
  (node, path) => {
    const text = readText(node, path);
    const found = parse(text);
    if (found === undefined) throw badConfig(`"${text.slice(0, 80)}" is not ${what}`, path, node.place);
    return found;
  };
