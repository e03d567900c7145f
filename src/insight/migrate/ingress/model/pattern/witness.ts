import type { OctetSet, PatternNode } from './syntax.ts';

/** Longer texts are cut off: what they would show is seen with shorter ones. */
const LONGEST = 200;

/**
 * Texts that a pattern matches, or nearly does: each alternative once, each repetition at its bounds and just past them.
 * At most `most`, always the same for the same pattern; assertions count as nothing, so that not all of them do match.
 */
export function witnesses(node: PatternNode, most: number): readonly string[] {
  return [...new Set(textsOf(node, most))].slice(0, most);
}

function textsOf(node: PatternNode, most: number): readonly string[] {
  switch (node.type) {
    case 'empty':
    case 'assertion':
      return [''];
    case 'set':
      return members(node.members);
    case 'group':
      return textsOf(node.node, most);
    case 'choice':
      return interleave(node.nodes.map(one => textsOf(one, most))).slice(0, most);
    case 'sequence':
      return sequenceTexts(node.nodes, most);
    case 'repeat':
      return repeatTexts(node, most);
    default:
      return node satisfies never;
  }
}

/** Each part varies by itself, the others stay at their first text; so their number is a sum, not a product. */
function sequenceTexts(nodes: readonly PatternNode[], most: number): readonly string[] {
  const parts = nodes.map(node => textsOf(node, most));
  const first = parts.map(texts => texts[0] ?? '');
  const results = [first.join('')];
  for (const [index, texts] of parts.entries())
    for (const text of texts.slice(1)) {
      if (results.length >= most) return results;
      results.push(first.with(index, text).join(''));
    }
  // All last alternatives together: what a pattern with several choices is most often written for.
  results.push(parts.map(texts => texts.at(-1) ?? '').join(''));
  return results.map(text => text.slice(0, LONGEST));
}

function repeatTexts(
  { node, least, most: upTo }: Extract<PatternNode, { type: 'repeat' }>,
  most: number,
): readonly string[] {
  const texts = textsOf(node, most);
  const [one = ''] = texts;
  const counts = new Set([Math.max(least, 1), least, least + 1, ...(upTo === Infinity ? [] : [upTo])]);
  const results = [...counts]
    .filter(count => count <= upTo)
    .map(count => one.repeat(Math.min(count, Math.floor(LONGEST / Math.max(one.length, 1)))));
  return [...results, ...texts.slice(1)].slice(0, most);
}

/** The friendliest octets first: letters, digits, signs of paths. */
const order = [...Buffer.from('aZ7-_./%~ \n\u00ff', 'latin1')];

function members(set: OctetSet): readonly string[] {
  const friendly = order.filter(octet => set[octet] === 1);
  const octets = friendly.length > 0 ? friendly.slice(0, 4) : [set.indexOf(1)].filter(octet => octet !== -1);
  return octets.map(octet => String.fromCharCode(octet));
}

function interleave(lists: readonly (readonly string[])[]): readonly string[] {
  const longest = Math.max(0, ...lists.map(({ length }) => length));
  return Array.from({ length: longest }, (_, index) =>
    lists.flatMap(list => list.slice(index, index + 1)),
  ).flat();
}
