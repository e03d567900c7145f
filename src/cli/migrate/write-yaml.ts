/** Comments by the path of the field that they stand above (`spec.rules[0]`); '' is the object itself. */
export type Comments = Readonly<Record<string, readonly string[]>>;

/**
 * A plain object as a YAML document in block style, in the order of its keys, with comments. What reads YAML 1.1 or 1.2
 * reads the same object: every text that could be anything else is quoted. `undefined` is left out.
 */
export function writeYaml(object: unknown, comments: Comments = {}): string {
  const lines = [...commentLines(comments[''], ''), ...blockOf(object, '', '', comments)];
  return `${lines.join('\n')}\n`;
}

const commentLines = (comments: readonly string[] | undefined, indent: string): readonly string[] =>
  (comments ?? []).map(comment => `${indent}# ${comment.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ')}`);

function blockOf(value: unknown, indent: string, path: string, comments: Comments): readonly string[] {
  if (Array.isArray(value))
    return value.flatMap((item: unknown, index) => {
      const at = `${path}[${index}]`;
      const above = commentLines(comments[at], indent);
      if (!isBlock(item)) return [...above, `${indent}- ${flowOf(item)}`];
      const [first = '', ...rest] = blockOf(item, `${indent}  `, at, comments);
      // The first line of the item takes the place after the dash.
      return [...above, `${indent}- ${first.slice(indent.length + 2)}`, ...rest];
    });
  return entriesOf(value).flatMap(([key, item]) => {
    const at = path === '' ? key : `${path}.${key}`;
    const name = scalarOf(key);
    const above = Array.isArray(value) ? [] : commentLines(comments[at], indent);
    if (!isBlock(item)) return [...above, `${indent}${name}: ${flowOf(item)}`];
    return [...above, `${indent}${name}:`, ...blockOf(item, `${indent}  `, at, comments)];
  });
}

const entriesOf = (value: unknown): readonly (readonly [string, unknown])[] =>
  Object.entries((value ?? {}) as Readonly<Record<string, unknown>>).filter(([, item]) => item !== undefined);

const isBlock = (value: unknown): boolean =>
  Array.isArray(value) ? value.length > 0 : typeof value === 'object' && entriesOf(value).length > 0;

function flowOf(value: unknown): string {
  if (Array.isArray(value)) return '[]';
  if (typeof value === 'object' && value !== null) return '{}';
  return scalarOf(value);
}

/** Words that some version of YAML takes for something else than text. */
const special = /^(?:true|false|yes|no|on|off|y|n|null|nan|e[-\d._]*)$/i;
const plain = /^[A-Za-z/][-A-Za-z0-9_./]*$/;

function scalarOf(value: unknown): string {
  if (typeof value !== 'string') return JSON.stringify(value ?? null);
  if (plain.test(value) && !special.test(value)) return value;
  // JSON's escapes are YAML's; what JSON leaves as it is and YAML takes for a line's end is escaped too.
  return JSON.stringify(value).replaceAll(
    /[\u007f-\u009f\u2028\u2029\ufeff]/g,
    letter => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
