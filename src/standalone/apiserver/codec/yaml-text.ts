/**
 * JSON values as YAML 1.2 text in block style, fields in the order of their names, as upstream writes them. Text that could
 * be read as anything else is quoted. Never recursive deeper than the value: stored objects are bounded in depth.
 */
export function yamlText(value: unknown): string {
  if (isBlock(value)) return `${lines(value, '').join('\n')}\n`;
  return `${scalar(value)}\n`;
}

const isBlock = (value: unknown): value is object =>
  typeof value === 'object' &&
  value !== null &&
  (Array.isArray(value) ? value.length > 0 : Object.keys(value).length > 0);

function lines(value: object, indent: string): readonly string[] {
  return Array.isArray(value)
    ? value.flatMap((item: unknown) => itemLines(item, indent))
    : Object.entries(value)
        .filter(([, field]) => field !== undefined)
        .toSorted(([a], [b]) => (a < b ? -1 : 1))
        .flatMap(([name, field]) => fieldLines(name, field, indent));
}

function itemLines(item: unknown, indent: string): readonly string[] {
  if (!isBlock(item)) return [`${indent}- ${scalar(item)}`];
  const [first = '', ...rest] = lines(item, `${indent}  `);
  return [`${indent}- ${first.slice(indent.length + 2)}`, ...rest];
}

function fieldLines(name: string, value: unknown, indent: string): readonly string[] {
  const head = `${indent}${scalar(name)}:`;
  if (!isBlock(value)) return [`${head} ${scalar(value)}`];
  return [head, ...lines(value, Array.isArray(value) ? indent : `${indent}  `)];
}

const PLAIN = /^[A-Za-z_/][A-Za-z0-9_./-]*(?: [A-Za-z0-9_./-]+)*$/;
/** Read as truth values, null or numbers by YAML 1.1, which many clients still speak. */
const RESERVED = /^(?:true|false|yes|no|on|off|y|n|null|[e_.-]*\d[\de_.-]*)$/i;

function scalar(value: unknown): string {
  if (typeof value === 'string' && PLAIN.test(value) && !RESERVED.test(value)) return value;
  return JSON.stringify(value ?? null);
}
