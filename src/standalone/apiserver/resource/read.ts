import { chooseForm } from '../codec/accept.ts';
import { apiVersionOf } from '../kind.ts';
import type { Kind } from '../kind.ts';
import type { ApiObject } from '../object.ts';
import type { ApiResponse } from '../request.ts';
import { badRequest, expired, notFound } from '../status.ts';
import type { Entry } from '../store/entry.ts';
import type { Snapshot } from '../store/store.ts';
import { answerObject, json } from './present.ts';
import { matchParameter, revisionParameter } from './revision.ts';
import { selectionOf } from './selection.ts';
import type { Selection } from './selection.ts';
import { partialOf, tableOf } from './table.ts';
import { keyOfTarget, numberParameter, objectsOf } from './target.ts';
import type { Target } from './target.ts';

/** GET of one object. */
export function get(target: Target): ApiResponse {
  const { context, kind, name, request } = target;
  revisionParameter(request.query, context.store);
  const entry = objectsOf(target).get(keyOfTarget(target));
  if (entry === undefined) throw notFound(kind, name);
  return answerObject(target, entry);
}

/** GET of a collection. */
export function list(target: Target): ApiResponse {
  const selection = selectionOf(target);
  const page = readPage(target, selection);
  return answerList(target, page);
}

/** Items a page; 0 for all. Whoever takes any revision (`0`) gets everything at once. */
function pageSize(query: URLSearchParams): number {
  numberParameter(query, 'timeoutSeconds');
  const limit = Math.max(0, numberParameter(query, 'limit') ?? 0);
  const takesAny = query.get('resourceVersion') === '0' && query.get('resourceVersionMatch') !== 'Exact';
  return takesAny ? 0 : limit;
}

interface Page {
  readonly entries: readonly Entry[];
  readonly listMeta: {
    readonly resourceVersion: string;
    readonly continue?: string;
    readonly remainingItemCount?: number;
  };
}

function readPage(target: Target, selection: Selection): Page {
  const limit = pageSize(target.request.query);
  const snapshot = snapshotFor(target, selection, limit);
  const entries: Entry[] = [];
  for (const [index, entry] of snapshot.entries.entries()) {
    if (!selection.inScope(entry.key) || selection.matches?.(entry.object) === false) continue;
    entries.push(entry);
    if (entries.length === limit) return cutPage(entries, snapshot, index, selection);
  }
  return { entries, listMeta: { resourceVersion: String(snapshot.revision) } };
}

/** A full page: there is a token only if something may follow, and a count only where no selector hides some of it. */
function cutPage(entries: readonly Entry[], snapshot: Snapshot, index: number, selection: Selection): Page {
  const resourceVersion = String(snapshot.revision);
  const left = snapshot.entries.length - index - 1;
  const last = entries.at(-1);
  if (left === 0 || last === undefined) return { entries, listMeta: { resourceVersion } };
  const token = writeToken({ revision: snapshot.revision, after: last.key });
  const count = selection.matches === undefined ? { remainingItemCount: left } : {};
  return { entries, listMeta: { resourceVersion, continue: token, ...count } };
}

function snapshotFor(target: Target, selection: Selection, limit: number): Snapshot {
  const { context, request } = target;
  const { query } = request;
  const match = matchParameter(query);
  const token = query.get('continue') ?? '';
  if (token !== '') {
    if (!['', '0'].includes(query.get('resourceVersion') ?? '')) {
      throw badRequest('specifying resource version is not allowed when using continue');
    }
    return continued(target, selection, readToken(token));
  }
  const revision = revisionParameter(query, context.store);
  // A page of a named revision is a page of exactly that one, as upstream has it for older clients.
  const isExact = match === 'Exact' || (match === undefined && limit > 0 && (revision ?? 0) > 0);
  const asOf = isExact ? revision : undefined;
  const snapshot = objectsOf(target).list(selection.prefix, '', asOf);
  if (snapshot === undefined) throw expired('The resourceVersion for the provided list is too old.');
  return snapshot;
}

function continued(target: Target, selection: Selection, token: Token): Snapshot {
  const { store } = target.context;
  const revision = token.revision === undefined ? store.revision : token.revision;
  if (revision > store.revision) throw badRequest('continue key is not valid: it is of another store');
  const snapshot = objectsOf(target).list(selection.prefix, token.after, revision);
  if (snapshot !== undefined) return snapshot;
  const message =
    'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.';
  throw expired(message, writeToken({ revision: undefined, after: token.after }));
}

/** Where a list goes on. Without a revision it goes on in whatever is there then. */
interface Token {
  readonly revision: number | undefined;
  readonly after: string;
}

const writeToken = (token: Token): string =>
  Buffer.from(JSON.stringify({ v: 'meta.k8s.io/v1', rv: token.revision ?? -1, start: token.after })).toString(
    'base64url',
  );

function readToken(text: string): Token {
  try {
    const { v, rv, start } = JSON.parse(Buffer.from(text, 'base64url').toString()) as Record<string, unknown>;
    if (v === 'meta.k8s.io/v1' && Number.isSafeInteger(rv) && typeof start === 'string') {
      return { revision: Number(rv) < 0 ? undefined : Number(rv), after: start };
    }
  } catch {
    // falls through to the answer for every other token that is not ours
  }
  throw badRequest('continue key is not valid');
}

function answerList(target: Target, page: Page): ApiResponse {
  const { kind, request } = target;
  const form = chooseForm(request.headers['accept'], ['object', 'Table', 'PartialObjectMetadataList']);
  const objects = (): readonly ApiObject[] => page.entries.map(entry => entry.object);
  if (form.as === 'object') return json(200, listText(kind, page));
  if (form.as === 'Table') {
    const options = { version: form.version, listMeta: page.listMeta, withColumns: true };
    return json(200, JSON.stringify(tableOf(target, objects(), options)));
  }
  const { version } = form;
  const items = objects().map(object => partialOf(object, version));
  return json(
    200,
    JSON.stringify({
      kind: 'PartialObjectMetadataList',
      apiVersion: `meta.k8s.io/${version}`,
      metadata: page.listMeta,
      items,
    }),
  );
}

/**
 * The entries' texts, joined: a list is never written anew from its objects. Items of built-in kinds do not repeat what
 * kind they are, as upstream; those of custom resources do.
 */
export function listText(kind: Kind, page: Page): string {
  const apiVersion = JSON.stringify(apiVersionOf(kind));
  const head = `{"kind":${JSON.stringify(kind.listKind)},"apiVersion":${apiVersion}`;
  const itemHead = `{"apiVersion":${apiVersion},"kind":${JSON.stringify(kind.kind)},`;
  const shortened = (text: string) => (text.startsWith(itemHead) ? `{${text.slice(itemHead.length)}` : text);
  const isTyped = kind.mergeSchema !== undefined;
  const items = page.entries.map(({ text }) => (isTyped ? shortened(text) : text)).join(',');
  return `${head},"metadata":${JSON.stringify(page.listMeta)},"items":[${items}]}`;
}
