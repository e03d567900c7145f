import { chooseForm } from '../codec/accept.ts';
import type { ApiObject } from '../object.ts';
import type { ApiResponse, Headers } from '../request.ts';
import type { Entry } from '../store/entry.ts';
import { partialOf, tableOf } from './table.ts';
import type { Target } from './target.ts';

/** One object in the form that the client accepts. */
export function answerObject(
  target: Target,
  entry: Pick<Entry, 'object' | 'text'>,
  status = 200,
  warnings: readonly string[] = [],
): ApiResponse {
  const form = chooseForm(target.request.headers['accept'], ['object', 'Table', 'PartialObjectMetadata']);
  if (form.as === 'object') return json(status, entry.text, warnings);
  return json(status, JSON.stringify(presented(target, entry.object, form)), warnings);
}

function presented(target: Target, object: ApiObject, form: { as: string; version: string }): object {
  if (form.as !== 'Table') return partialOf(object, form.version);
  const { resourceVersion = '' } = object.metadata;
  return tableOf(target, [object], {
    version: form.version,
    listMeta: { resourceVersion },
    withColumns: true,
  });
}

/** A JSON answer with `Warning` headers (RFC 9111, 299 = miscellaneous persistent warning). */
export function json(status: number, body: string, warnings: readonly string[] = []): ApiResponse {
  return { status, headers: { 'content-type': 'application/json', ...warningHeaders(warnings) }, body };
}

const MOST_WARNINGS = 32;

function warningHeaders(warnings: readonly string[]): Headers {
  const lines = [...new Set(warnings)].slice(0, MOST_WARNINGS).map(text => {
    const printable = text
      .replace(/[^\x20-\x7e]/g, '?')
      .slice(0, 1024)
      .replace(/["\\]/g, '\\$&');
    return `299 - "${printable}"`;
  });
  return lines.length === 0 ? {} : { warning: lines };
}
