/** An escape, text that stands for itself, a class of characters, the beginning of a group, how often, or anything else. */
const TOKENS =
  /\\Q(?<literal>.*?)(?:\\E|$)|\\x\{(?<code>[\da-fA-F]+)\}|\\[\s\S]|\[\^?\]?(?:\[:\^?\w+:\]|\\[\s\S]|[^\]\\])*\]|\(\?P<|\{(?<least>\d+)(?:,(?<most>\d*))?\}|[\s\S]/gs;
const IN_CLASS = /\[:(?<not>\^?)(?<name>\w+):\]|\\x\{(?<code>[\da-fA-F]+)\}|\\[\s\S]|[\s\S]/gs;

/** Escapes that mean the same to both; others of letters are none in RE2, or nothing that V8 knows without Unicode sets. */
const SAME = /^\\(?:[dDwWsSfnrtvx]|[^A-Za-z])$/;

/** What RE2 calls by name inside of a class. */
const CLASSES: Readonly<Record<string, string>> = {
  alnum: '0-9A-Za-z',
  alpha: 'A-Za-z',
  ascii: '\\x00-\\x7F',
  blank: '\\t ',
  cntrl: '\\x00-\\x1F\\x7F',
  digit: '0-9',
  graph: '!-~',
  lower: 'a-z',
  print: ' -~',
  punct: '!-\\/:-@\\[-`{-~',
  space: '\\t\\n\\v\\f\\r ',
  upper: 'A-Z',
  word: '0-9A-Za-z_',
  xdigit: '0-9A-Fa-f',
};
/** RE2 refuses to repeat more often. */
const MOST_REPEATED = 1000;

/**
 * A pattern of RE2 in V8's syntax; undefined for what RE2 does not have, and for what cannot be said in V8's (`\p{Greek}`,
 * `\C`). Left alone, V8 would take much of it for something else: `[[:digit:]]` for a class and a bracket, `\z` for a letter.
 */
export function fromRe2(pattern: string): string | undefined {
  let result = '';
  const isMultiline = /\(\?[a-z]*m/.test(pattern);
  for (const { 0: token, groups = {} } of pattern.matchAll(TOKENS)) {
    const { code, least, literal, most } = groups;
    let written: string | undefined = token;
    if (literal !== undefined) written = literal.replaceAll(/[$()*+./?[\\\]^{|}]/g, String.raw`\$&`);
    else if (code !== undefined) written = characterOf(code);
    else if (token === '\\A' || token === '\\z') written = isMultiline ? undefined : anchors[token];
    else if (token === '(?P<') written = '(?<';
    else if (least !== undefined)
      written = Math.max(Number(least), Number(most ?? 0)) > MOST_REPEATED ? undefined : token;
    else if (token.startsWith('[')) written = token === '[' ? undefined : classOf(token);
    else if (token.startsWith('\\') && token !== '\\b' && token !== '\\B') written = escapeOf(token);
    if (written === undefined) return undefined;
    result += written;
  }
  return result;
}

const anchors = { '\\A': '^', '\\z': '$' } as const;

const escapeOf = (token: string): string | undefined =>
  token === '\\a' ? '\\x07' : SAME.test(token) ? token : undefined;

/** One of 16 bits: V8 reads patterns in such units. */
const characterOf = (code: string): string | undefined =>
  Number.parseInt(code, 16) > 0xff_ff
    ? undefined
    : `\\u${Number.parseInt(code, 16).toString(16).padStart(4, '0')}`;

/** A class, in which the first bracket stands for itself. */
function classOf(token: string): string | undefined {
  const [start = ''] = /^\[\^?/.exec(token) ?? [];
  let result = start;
  for (const { 0: part, groups = {} } of token.slice(start.length, -1).matchAll(IN_CLASS)) {
    const { code, name, not } = groups;
    let written: string | undefined = part === ']' || part === '[' ? `\\${part}` : part;
    if (name !== undefined) written = not === '' ? CLASSES[name] : undefined;
    else if (code !== undefined) written = characterOf(code);
    else if (part.startsWith('\\')) written = escapeOf(part);
    if (written === undefined) return undefined;
    result += written;
  }
  return `${result}]`;
}
