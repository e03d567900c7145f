import { chooseForm, notAcceptable, prefersYaml } from '../codec/accept.ts';
import type { Form } from '../codec/accept.ts';
import { apiVersionOf } from '../kind.ts';
import type { ApiObject } from '../object.ts';
import type { ApiResponse, Sink } from '../request.ts';
import { asStatusError, expired, statusOf } from '../status.ts';
import { entryOf } from '../store/entry.ts';
import type { Change, ChangeType, Entry } from '../store/entry.ts';
import { frame } from './frames.ts';
import { revisionParameter } from './revision.ts';
import { selectionOf } from './selection.ts';
import type { Selection } from './selection.ts';
import { partialOf, tableOf } from './table.ts';
import { booleanParameter, numberParameter, objectsOf } from './target.ts';
import type { Target } from './target.ts';

/** A watch without `timeoutSeconds` ends after 30 to 60 minutes, so that clients spread themselves anew. */
const SHORTEST = 1_800_000;
/** What is there already waits for the client beyond this many bytes, */
const PACED_PENDING = 64 * 1024;
/** and meanwhile no more than this many changes wait behind it. */
const MOST_BACKLOG = 50_000;
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
  const asked = booleanParameter(query, 'sendInitialEvents');
  const sendsInitial = asked ?? (revision === undefined || revision === 0);
  if (prefersYaml(headers['accept'])) throw notAcceptable('application/json;stream=watch');
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
  /** Of the newest event or bookmark that was sent. */
  #sent = 0;
  /** Changes that came while what was there already is still being sent; undefined from then on. */
  #backlog: Change[] | undefined = [];
  #stop: (() => void) | undefined;

  constructor(target: Target, plan: Plan, sink: Sink) {
    this.#target = target;
    this.#plan = plan;
    this.#sink = sink;
  }

  /** Past and future meet without a gap: nothing else runs between reading the one and subscribing to the other. */
  start(): void {
    const { store } = this.#target.context;
    const objects = objectsOf(this.#target);
    const missed = this.#plan.since === undefined ? [] : objects.since(this.#plan.since);
    if (missed === undefined) {
      const { since = 0 } = this.#plan;
      this.#fail(expired(`too old resource version: ${since} (${store.revision})`));
      return;
    }
    const unsubscribe = objects.watch(change => this.#queue(change));
    const unfollow = this.#plan.bookmarks ? this.#follow() : undefined;
    const timeout = setTimeout(() => this.#finish(), this.#plan.milliseconds).unref();
    this.#stop = () => {
      unsubscribe();
      unfollow?.();
      clearTimeout(timeout);
    };
    this.#sink.onClose(() => this.#stop?.());
    const { selection } = this.#plan;
    const present = this.#plan.sendsInitial ? (objects.list(selection.prefix)?.entries ?? []) : [];
    const revision = store.revision;
    this.#guarded(() => this.#catchUp(present.values(), missed.values(), revision));
  }

  /** Sends what was before now at the client's pace, then what came meanwhile; from then on changes are sent at once. */
  #catchUp(present: Iterator<Entry>, missed: Iterator<Change>, revision: number): void {
    const { selection } = this.#plan;
    const isFull = () => {
      if (this.#sink.pending <= PACED_PENDING) return false;
      this.#sink.onDrain(() => this.#guarded(() => this.#catchUp(present, missed, revision)));
      return true;
    };
    while (!isFull()) {
      const { value: entry } = present.next() as IteratorResult<Entry, undefined>;
      if (entry !== undefined) {
        if (selection.inScope(entry.key) && this.#sees(entry)) this.#send('ADDED', entry);
        continue;
      }
      const { value: change } = missed.next() as IteratorResult<Change, undefined>;
      if (change === undefined) {
        this.#goLive(revision);
        return;
      }
      this.#onChange(change);
    }
  }

  #goLive(revision: number): void {
    if (this.#plan.marksInitialEnd) this.#bookmark(revision, { 'k8s.io/initial-events-end': 'true' });
    const backlog = this.#backlog ?? [];
    this.#backlog = undefined;
    for (const change of backlog) this.#onChange(change);
  }

  #queue(change: Change): void {
    if (this.#backlog === undefined) this.#guarded(() => this.#onChange(change));
    else if (this.#backlog.length < MOST_BACKLOG) this.#backlog.push(change);
    else this.#drop();
  }

  /** Bookmarks tell of revisions that changed nothing here. */
  #follow(): () => void {
    return this.#target.context.progress.subscribe(revision => {
      if (revision > this.#sent) this.#guarded(() => this.#bookmark(revision));
    });
  }

  /** Called from the store and from the socket: what goes wrong ends this watch and nothing else. */
  #guarded(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.#target.context.log.error({ resource: this.#target.kind.plural, err: error }, 'A watch failed');
      this.#stop?.();
      this.#fail(error);
    }
  }

  #onChange(change: Change): void {
    if (!this.#plan.selection.inScope(change.after.key)) return;
    const seenBefore = change.before !== undefined && this.#sees(change.before);
    const seenAfter = change.type !== 'DELETED' && this.#sees(change.after);
    if (!seenBefore && !seenAfter) return;
    this.#sent = change.after.revision;
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

  /** Says that everything up to `revision` was sent; not while some of it still waits. */
  #bookmark(revision: number, annotations?: Readonly<Record<string, string>>): void {
    if (!this.#plan.bookmarks || (this.#backlog !== undefined && annotations === undefined)) return;
    this.#sent = revision;
    const { kind } = this.#target;
    const metadata = {
      resourceVersion: String(revision),
      ...(annotations === undefined ? {} : { annotations }),
    };
    const object = { kind: kind.kind, apiVersion: apiVersionOf(kind), metadata };
    const isPartial = this.#plan.form.as === 'PartialObjectMetadata';
    this.#write(frame('BOOKMARK', isPartial ? this.#presented(object) : this.#bookmarkText(object)));
  }

  /** In a Table watch a bookmark is a table of one row, whose object carries its annotations. */
  #bookmarkText(object: ApiObject): string {
    const { form } = this.#plan;
    if (form.as !== 'Table') return JSON.stringify(object);
    const { resourceVersion = '' } = object.metadata;
    return JSON.stringify(
      tableOf(this.#target, [object], {
        version: form.version,
        listMeta: { resourceVersion },
        withColumns: false,
      }),
    );
  }

  #write(chunk: string | Uint8Array): void {
    this.#sink.write(chunk);
    if (this.#sink.pending > MOST_PENDING) this.#drop();
  }

  #drop(): void {
    this.#target.context.log.warn(
      { resource: this.#target.kind.plural, pending: this.#sink.pending },
      'A watcher does not keep up and was disconnected',
    );
    this.#stop?.();
    this.#sink.abort();
  }

  #finish(): void {
    this.#bookmark(this.#target.context.store.revision);
    this.#stop?.();
    this.#sink.end();
  }

  #fail(error: unknown): void {
    this.#write(frame('ERROR', JSON.stringify(statusOf(asStatusError(error)))));
    this.#sink.end();
  }
}
