import { LineCounter, isAlias, isMap, isScalar, isSeq, parseDocument } from 'yaml';
import { badConfig } from './read-document.ts';
import type { Node, Place } from './read-document.ts';

/** Deeper than any configuration, and less than a stack. */
const deepest = 32;

/** The document with places; references are refused, as a small file of them can stand for a huge one. */
export function parseYaml(text: string): Node {
  const counter = new LineCounter();
  const document = parseDocument(text, { lineCounter: counter, uniqueKeys: false, schema: 'core' });
  const placeOf = (offset: number): Place => {
    const { line, col } = counter.linePos(offset);
    return { line, column: col };
  };
  const [problem] = document.errors;
  if (problem !== undefined) {
    const sentence = (problem.message.split('\n')[0] ?? '').replace(/ at line \d+, column \d+:?$/, '');
    throw badConfig(sentence, '', placeOf(problem.pos[0]));
  }
  const read = (node: unknown, depth: number, fallback: Place): Node => {
    if (depth > deepest) throw badConfig('this is nested too deeply', '', fallback);
    if (isAlias(node)) throw badConfig('references (*name) are not read', '', fallback);
    if (isMap(node)) {
      const place = placeOf(node.range?.[0] ?? 0);
      const entries = node.items.map(({ key, value }) => {
        const at = isScalar(key) ? placeOf(key.range?.[0] ?? 0) : place;
        if (!isScalar(key)) throw badConfig('a key has to be a word', '', at);
        return { key: String(key.value), place: at, value: read(value, depth + 1, at) };
      });
      return { kind: 'map', place, entries };
    }
    if (isSeq(node)) {
      const place = placeOf(node.range?.[0] ?? 0);
      return { kind: 'list', place, items: node.items.map(item => read(item, depth + 1, place)) };
    }
    const place = isScalar(node) ? placeOf(node.range?.[0] ?? 0) : fallback;
    const value = isScalar(node) ? node.value : null;
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
      return { kind: 'scalar', place, value };
    return { kind: 'scalar', place, value: null };
  };
  return read(document.contents, 0, { line: 1, column: 1 });
}
