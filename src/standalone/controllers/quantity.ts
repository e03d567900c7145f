/**
 * Resource quantities (`100m`, `1.5`, `2Gi`, `1e3`) as numbers in base units: cores, bytes, pieces. A double holds
 * every amount that a node can have exactly enough to compare; undefined for what the API server would refuse.
 */
export function parseQuantity(text: string | number): number | undefined {
  if (typeof text === 'number') return Number.isFinite(text) ? text : undefined;
  const found = /^([+-]?(?:\d+\.?\d*|\.\d+))([eE][+-]?\d+|[numkKMGTPE]i?|)$/.exec(text);
  if (found === null) return undefined;
  const [, number = '', suffix = ''] = found;
  const scale = scaleOf(suffix);
  return scale === undefined ? undefined : Number(number) * scale;
}

function scaleOf(suffix: string): number | undefined {
  if (/^[eE][+-]?\d+$/.test(suffix)) return 10 ** Number(suffix.slice(1));
  return SCALES.get(suffix);
}

const SCALES: ReadonlyMap<string, number> = new Map([
  ['', 1],
  ['n', 1e-9],
  ['u', 1e-6],
  ['m', 1e-3],
  ['k', 1e3],
  ['M', 1e6],
  ['G', 1e9],
  ['T', 1e12],
  ['P', 1e15],
  ['E', 1e18],
  ['Ki', 2 ** 10],
  ['Mi', 2 ** 20],
  ['Gi', 2 ** 30],
  ['Ti', 2 ** 40],
  ['Pi', 2 ** 50],
  ['Ei', 2 ** 60],
]);
