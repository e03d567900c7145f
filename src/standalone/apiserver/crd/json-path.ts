import { isFields } from '../object.ts';

/** One step of a path: a field, an index, all items, or the items with a field of some value. */
type Step =
  | { readonly is: 'field'; readonly name: string }
  | { readonly is: 'index'; readonly at: number }
  | { readonly is: 'all' }
  | { readonly is: 'where'; readonly path: readonly string[]; readonly equals: string };

/**
 * The JSONPath of printer columns, scales and selectable fields: `.spec.replicas`, `.status.conditions[?(@.type=="Ready")].status`,
 * `.spec.hosts[*]`, `.metadata.labels['a\.b']`. Undefined for what is none.
 */
export function parseJsonPath(text: string): readonly Step[] | undefined {
  const steps: Step[] = [];
  let rest = text.replace(/^\$/, '');
  while (rest !== '') {
    const found = STEPS.map(({ pattern, step }) => {
      const match = pattern.exec(rest);
      return match === null ? undefined : { length: match[0].length, step: step(match) };
    }).find(one => one !== undefined);
    if (found === undefined) return undefined;
    steps.push(found.step);
    rest = rest.slice(found.length);
  }
  return steps.length === 0 ? undefined : steps;
}

const STEPS: readonly { readonly pattern: RegExp; readonly step: (match: RegExpExecArray) => Step }[] = [
  {
    pattern: /^\.((?:[A-Za-z0-9_-]|\\.)+)/,
    step: ([, name = '']) => ({ is: 'field', name: name.replaceAll(/\\(.)/g, '$1') }),
  },
  { pattern: /^\.?\[\*\]/, step: () => ({ is: 'all' }) },
  { pattern: /^\[(-?\d{1,6})\]/, step: ([, at = '0']) => ({ is: 'index', at: Number(at) }) },
  {
    pattern: /^\[['"]([^'"]+)['"]\]/,
    step: ([, name = '']) => ({ is: 'field', name: name.replaceAll(/\\(.)/g, '$1') }),
  },
  {
    pattern: /^\[\?\(\s*@\.([\w.-]+)\s*==\s*(?:"([^"]*)"|'([^']*)'|([^)\s]+))\s*\)\]/,
    step: ([, path = '', double, single, bare = '']) => ({
      is: 'where',
      path: path.split('.'),
      equals: double ?? single ?? bare,
    }),
  },
];

/** Every value that the path leads to. */
export function valuesAt(value: unknown, steps: readonly Step[]): readonly unknown[] {
  return steps.reduce<readonly unknown[]>((at, step) => at.flatMap(one => stepInto(one, step)), [value]);
}

function stepInto(value: unknown, step: Step): readonly unknown[] {
  switch (step.is) {
    case 'field':
      return isFields(value) && Object.hasOwn(value, step.name) ? [value[step.name]] : [];
    case 'index': {
      const item: unknown = Array.isArray(value) ? value.at(step.at) : undefined;
      return item === undefined ? [] : [item];
    }
    case 'all':
      return Array.isArray(value) ? value : isFields(value) ? Object.values(value) : [];
    case 'where':
      return Array.isArray(value) ? value.filter(item => fieldText(item, step.path) === step.equals) : [];
    default:
      return step satisfies never;
  }
}

function fieldText(value: unknown, path: readonly string[]): string | undefined {
  let at = value;
  for (const name of path) at = isFields(at) && Object.hasOwn(at, name) ? at[name] : undefined;
  return typeof at === 'string' || typeof at === 'number' || typeof at === 'boolean' ? String(at) : undefined;
}
