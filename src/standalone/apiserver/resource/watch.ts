import { chooseForm } from '../codec/accept.ts';
import type { Form } from '../codec/accept.ts';
import { apiVersionOf } from '../kind.ts';
import type { ApiObject } from '../object.ts';
import type { ApiResponse, Sink } from '../request.ts';
import { asStatusError, expired, statusOf } from '../status.ts';
import { entryOf } from '../store/entry.ts';
import type { Change, ChangeType, Entry } from '../store/entry.ts';
import { frame } from './frames.ts';
import { forbiddenOption, matchParameter, revisionParameter } from './revision.ts';
import { selectionOf } from './selection.ts';
import type { Selection } from './selection.ts';
import { partialOf, tableOf } from './table.ts';
import { booleanParameter, numberParameter, storageOfTarget } from './target.ts';
import type { Target } from './target.ts';

const BOOKMARK_EVERY = 60_000;
/** A watch without `timeoutSeconds` ends after 30 to 60 minutes, so that clients spread themselves anew. */
const SHORTEST = 1_800_000;
/** Bytes that a client may be behind before its connection is dropped. It lists or resumes, and loses nothing. */
const MOST_PENDING = 16 * 1024 * 1024;

/** GET of a collection with `watch=true`: lines of events until the timeout, the client's end, or an error. */
export function watch(target: Target): ApiResponse {
  const plan = planOf(target);
  const headers = { 'content-type': 'application/json', 'cache-control': 'no-cache, private' };
  return { status: 200, headers, stream: sink => new WatchStream(target, plan, sink).start() };
}

interface Plan {
  readonly selection: Selection;
  readonly form: Form;
  /** Undefined: begin with what is there. */
  readonly since: number | undefined;
  readonly sendsInitial: boolean;
  readonly marksInitialEnd: boolean;
  readonly bookmarks: boolean;
  readonly milliseconds: number;
}

function planOf(target: Target): Plan {
  const { query, headers } = target.request;
  const { store, random } = target.context;
  const revision = revisionParameter(query, store);
  const match = matchParameter(query);
  const asked = booleanParameter(query, 'sendInitialEvents');
  if (asked !== undefined && match !== 'NotOlderThan') {
    throw forbiddenOption(
      'resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan',
    );
  }
  if (asked === undefined && match !== undefined) {
    throw forbiddenOption(
      'resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided',
    );
  }
  const sendsInitial = asked ?? (revision === undefined || revision === 0);
  const seconds = numberParameter(query, 'timeoutSeconds') ?? 0;
  return {
    selection: selectionOf(target),
    form: chooseForm(headers['accept'], ['object', 'Table', 'PartialObjectMetadata']),
    since: sendsInitial || revision === undefined || revision === 0 ? undefined : revision,
    sendsInitial,
    marksInitialEnd: asked === true,
    bookmarks: booleanParameter(query, 'allowWatchBookmarks') === true,
    milliseconds: seconds > 0 ? Math.min(seconds, 86_400) * 1000 : SHORTEST * (1 + random()),
  };
}

/** One watcher: what it was told, and when it ends. */
class WatchStream {
  readonly #target: Target;
  readonly #plan: Plan;
  readonly #sink: Sink;
  #columnsSent = false;
  #stop: (() => void) | undefined;

  constructor(target: Target, plan: Plan, sink: Sink) {
    this.#target = target;
    this.#plan = plan;
    this.#sink = sink;
  }

  /** Past and future meet without a gap: nothing else runs between reading the one and subscribing to the other. */
  start(): void {
    const { store } = this.#target.context;
    const storage = storageOfTarget(this.#target);
    const missed = this.#plan.since === undefined ? [] : store.since(storage, this.#plan.since);
    if (missed === undefined) {
      const { since = 0 } = this.#plan;
      this.#fail(expired(`too old resource version: ${since} (${store.revision})`));
      return;
    }
    const unsubscribe = store.watch(storage, change => this.#onChange(change));
    const bookmark = setInterval(() => this.#bookmark(), BOOKMARK_EVERY);
    const timeout = setTimeout(() => this.#finish(), this.#plan.milliseconds);
    this.#stop = () => {
      unsubscribe();
      clearInterval(bookmark);
      clearTimeout(timeout);
    };
    this.#sink.onClose(() => this.#stop?.());
    if (this.#plan.sendsInitial) this.#sendInitial();
    for (const change of missed) this.#onChange(change);
  }

  #sendInitial(): void {
    const { store } = this.#target.context;
    const { selection } = this.#plan;
    for (const entry of store.list(storageOfTarget(this.#target), selection.prefix)?.entries ?? []) {
      if (selection.inScope(entry.key) && this.#sees(entry)) this.#send('ADDED', entry);
    }
    if (this.#plan.marksInitialEnd && this.#plan.bookmarks)
      this.#bookmark({ 'k8s.io/initial-events-end': 'true' });
  }

  #onChange(change: Change): void {
    if (!this.#plan.selection.inScope(change.after.key)) return;
    const seenBefore = change.before !== undefined && this.#sees(change.before);
    const seenAfter = change.type !== 'DELETED' && this.#sees(change.after);
    if (!seenBefore && !seenAfter) return;
    const type = seenAfter ? (seenBefore ? 'MODIFIED' : 'ADDED') : 'DELETED';
    if (type === change.type && this.#plan.form.as === 'object') {
      this.#write(this.#target.context.frames.of(change));
      return;
    }
    // An object that leaves the selection is shown as it was last seen, with the revision at which it left.
    const leaves = type === 'DELETED' && change.type !== 'DELETED' && change.before !== undefined;
    this.#send(
      type,
      leaves ? entryOf(change.after.key, change.before.object, change.after.revision) : change.after,
    );
  }

  #sees(entry: Entry): boolean {
    return this.#plan.selection.matches?.(entry.object) !== false;
  }

  #send(type: ChangeType, entry: Entry): void {
    this.#write(frame(type, this.#plan.form.as === 'object' ? entry.text : this.#presented(entry.object)));
  }

  #presented(object: ApiObject): string {
    const { form } = this.#plan;
    if (form.as === 'object') return JSON.stringify(object);
    if (form.as !== 'Table') return JSON.stringify(partialOf(object, form.version));
    const { resourceVersion = '' } = object.metadata;
    const options = { version: form.version, listMeta: { resourceVersion }, withColumns: !this.#columnsSent };
    this.#columnsSent = true;
    return JSON.stringify(tableOf(this.#target, [object], options));
  }

  #bookmark(annotations?: Readonly<Record<string, string>>): void {
    if (!this.#plan.bookmarks) return;
    const { kind, context } = this.#target;
    const metadata = {
      resourceVersion: String(context.store.revision),
      creationTimestamp: null,
      ...(annotations === undefined ? {} : { annotations }),
    };
    const object = { kind: kind.kind, apiVersion: apiVersionOf(kind), metadata };
    const isPartial = this.#plan.form.as === 'PartialObjectMetadata';
    this.#write(frame('BOOKMARK', isPartial ? this.#presented(object) : this.#bookmarkText(object)));
  }

  /** In a Table watch a bookmark is a table with one row, as its events are. */
  #bookmarkText(object: ApiObject): string {
    const { form } = this.#plan;
    if (form.as !== 'Table') return JSON.stringify(object);
    const { resourceVersion = '' } = object.metadata;
    return JSON.stringify(
      tableOf(this.#target, [], { version: form.version, listMeta: { resourceVersion }, withColumns: false }),
    );
  }

  #write(chunk: string | Uint8Array): void {
    this.#sink.write(chunk);
    if (this.#sink.pending <= MOST_PENDING) return;
    this.#target.context.log.warn(
      { resource: this.#target.kind.plural, pending: this.#sink.pending },
      'A watcher does not keep up and was disconnected',
    );
    this.#stop?.();
    this.#sink.abort();
  }

  #finish(): void {
    this.#bookmark();
    this.#stop?.();
    this.#sink.end();
  }

  #fail(error: unknown): void {
    this.#write(frame('ERROR', JSON.stringify(statusOf(asStatusError(error)))));
    this.#sink.end();
  }
}
