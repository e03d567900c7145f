import type { Context } from '../context.ts';
import { apiVersionOf } from '../kind.ts';
import type { Kind } from '../kind.ts';
import { createObject, ownersBy } from '../resource/create.ts';
import { ownWriter } from '../resource/ownership.ts';
import { priorityOf } from '../routes/group-priorities.ts';
import { StatusError } from '../status.ts';
import { NOTHING } from '../store/store.ts';

const STORAGE = 'apiregistration.k8s.io/apiservices';
const OWN_GROUP = 'apiregistration.k8s.io';
const MANAGED = 'kube-aggregator.kubernetes.io/automanaged';
/** What was there from the start, and what came with a definition. */
const ON_START = 'onstart';
const BY_DEFINITION = 'true';

/** Shows every group version that is served as an APIService, and no other: those of definitions come and go with them. */
export class LocalServices {
  readonly #context: Context;
  readonly #kind: Kind;
  #working: Promise<void> = Promise.resolve();

  constructor(context: Context, kind: Kind) {
    this.#context = context;
    this.#kind = kind;
  }

  /** Undefined in a server without the kind. Returns how to stop. */
  static start(context: Context): (() => void) | undefined {
    const kind = context.registry.find(OWN_GROUP, 'v1', 'apiservices');
    if (kind === undefined) return undefined;
    const services = new LocalServices(context, kind);
    services.#queue();
    const stops = [
      context.registry.onChange(() => services.#queue()),
      context.store.watch(STORAGE, ({ type }) => {
        if (type === 'DELETED') services.#queue();
      }),
    ];
    return () => stops.forEach(stop => stop());
  }

  #queue(): void {
    this.#working = this.#working
      .then(() => this.#follow())
      .catch((error: unknown) => {
        this.#context.log.error({ err: error }, 'The APIServices could not be kept in step');
      });
  }

  async #follow(): Promise<void> {
    const { registry, store } = this.#context;
    const wanted = new Map<string, Kind>();
    for (const kind of registry.all()) {
      const name = `${kind.version}.${kind.group}`;
      // One that is built in counts before those of definitions in the same group.
      if (kind.group === OWN_GROUP) continue;
      if (!wanted.has(name) || registry.isBuiltIn(kind)) wanted.set(name, kind);
    }
    const present = new Set<string>();
    for (const { key, object } of store.newestOf(STORAGE)) {
      present.add(key);
      const isManaged = object.metadata.labels?.[MANAGED] !== undefined;
      if (isManaged && !wanted.has(key)) await this.#remove(key);
    }
    const missing = [...wanted].filter(([name]) => !present.has(name));
    await Promise.all(missing.map(([name, kind]) => this.#create(name, kind)));
  }

  async #create(name: string, served: Kind): Promise<void> {
    const kind = this.#kind;
    const isBuiltIn = this.#context.registry.isBuiltIn(served);
    const labels = { [MANAGED]: isBuiltIn ? ON_START : BY_DEFINITION };
    const object = {
      apiVersion: apiVersionOf(kind),
      kind: kind.kind,
      metadata: { name, labels },
      spec: {
        ...(served.group === '' ? {} : { group: served.group }),
        version: served.version,
        groupPriorityMinimum: priorityOf(served.group),
        versionPriority: served.group === '' ? 1 : isBuiltIn ? 15 : 100,
      },
    };
    const owners = ownersBy(kind, ownWriter(this.#context, kind));
    try {
      await createObject(this.#context, kind, object, { dryRun: false, owners });
    } catch (error) {
      if (!(error instanceof StatusError) || error.reason !== 'AlreadyExists') throw error;
    }
  }

  async #remove(name: string): Promise<void> {
    await this.#context.store.write(STORAGE, name, current =>
      current === undefined ? { do: 'keep', object: NOTHING } : { do: 'remove', object: current.object },
    );
  }
}
