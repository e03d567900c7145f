import type { Kind } from '../kind.ts';
import type { ApiObject } from '../object.ts';
import { badRequest } from '../status.ts';

export interface FieldSelector {
  readonly matches: (object: ApiObject) => boolean;
  /** The one name that can match, if the selector asks for one: a list is a look-up then. */
  readonly name: string | undefined;
}

/** `metadata.name=web,status.phase!=Running`, with `\` before `,`, `=` and `\` in values. Undefined selects all. */
export function parseFieldSelector(text: string | undefined, kind: Kind): FieldSelector | undefined {
  if (text === undefined || text.trim() === '') return undefined;
  let name: string | undefined;
  const terms = splitTerms(text).map(term => {
    const found = /^\s*([^=!\s]+)\s*(==|=|!=)(.*)$/s.exec(term);
    if (found === null) throw badRequest(`invalid selector: '${text}'; can't understand '${term}'`);
    const [, field = '', operator, raw = ''] = found;
    const read = readerOf(field, kind);
    const wanted = unescape(raw, text);
    if (field === 'metadata.name' && operator !== '!=') name = wanted;
    return (object: ApiObject) => (read(object) === wanted) === (operator !== '!=');
  });
  return { matches: object => terms.every(term => term(object)), name };
}

function readerOf(field: string, kind: Kind): (object: ApiObject) => string {
  if (field === 'metadata.name') return object => object.metadata.name ?? '';
  if (field === 'metadata.namespace' && kind.namespaced) return object => object.metadata.namespace ?? '';
  const read = Object.hasOwn(kind.fieldSelectors, field) ? kind.fieldSelectors[field] : undefined;
  if (read !== undefined) return read;
  throw badRequest(
    Object.keys(kind.fieldSelectors).length === 0
      ? `${JSON.stringify(field)} is not a known field selector: only "metadata.name", "metadata.namespace"`
      : `field label not supported: ${field}`,
  );
}

function splitTerms(text: string): readonly string[] {
  const terms: string[] = [];
  let term = '';
  for (let at = 0; at < text.length; at++) {
    const letter = text[at] ?? '';
    if (letter === '\\') term += letter + (text[++at] ?? '');
    else if (letter === ',') {
      terms.push(term);
      term = '';
    } else term += letter;
  }
  terms.push(term);
  return terms.filter(part => part.trim() !== '');
}

function unescape(raw: string, text: string): string {
  const value = raw.replace(/\\([\\,=])/g, '$1');
  if (/(^|[^\\])(\\\\)*\\([^\\,=]|$)/.test(raw))
    throw badRequest(`invalid selector: '${text}'; bad escape in '${raw}'`);
  return value;
}
