import { CLEANUP } from '../kinds/apiextensions/custom-resource-definition.ts';
import type { Context } from '../context.ts';
import { timestamp } from '../context.ts';
import type { OwnershipSchema } from '../fields/ownership-schema.ts';
import { UNKNOWN } from '../fields/ownership-schema.ts';
import type { Kind } from '../kind.ts';
import { storageOf } from '../kind.ts';
import { isFields, valueAt } from '../object.ts';
import type { ApiObject, Fields } from '../object.ts';
import { isReadyToGo } from '../resource/metadata.ts';
import type { Change } from '../store/entry.ts';
import { NOTHING } from '../store/store.ts';
import type { Decision } from '../store/store.ts';
import { customKinds } from './custom-kind.ts';
import type { RuleChecker } from './custom-kind.ts';
import { boundBacktracking } from '../../../base/pattern/bound-backtracking.ts';

const STORAGE = 'apiextensions.k8s.io/customresourcedefinitions';

/**
 * Serves what definitions define:
 *
 *     CustomResourceDefinition written ─▶ kinds in the registry ─▶ conditions NamesAccepted and Established
 *     … marked for deletion ─▶ its objects are removed ─▶ finalizer taken away ─▶ the kinds go
 */
export class CustomResources {
  readonly #context: Context;
  #rules: Promise<RuleChecker> | undefined;
  #working = Promise.resolve();

  constructor(context: Context) {
    this.#context = context;
    boundBacktracking();
  }

  /** Serves the definitions that are stored, and from now on each that is written. Returns how to stop. */
  async start(): Promise<() => void> {
    const { store } = this.#context;
    const stop = store.watch(STORAGE, change => this.#queue(change));
    for (const { object } of store.list(STORAGE, '')?.entries ?? []) await this.#serve(object);
    return stop;
  }

  /** One after the other: a definition that changes while its kinds are made is made anew after that. */
  #queue(change: Change): void {
    this.#working = this.#working
      .then(() => this.#follow(change))
      .catch((error: unknown) => {
        this.#context.log.error(
          { definition: change.after.key, err: error },
          'A definition could not be served',
        );
      });
  }

  async #follow(change: Change): Promise<void> {
    const { registry, store } = this.#context;
    const { key } = change.after;
    const object = store.newest(STORAGE, key)?.object;
    if (object === undefined) {
      registry.setCustom(key, []);
      await this.#serveWaiting();
    } else if (object.metadata.deletionTimestamp !== undefined) {
      await this.#remove(key, object);
    } else if (
      change.before === undefined ||
      !isSameSpec(change.before.object, object) ||
      !isEstablished(object)
    ) {
      await this.#serve(object);
    }
  }

  async #serve(definition: ApiObject): Promise<void> {
    const name = definition.metadata.name ?? '';
    const clash = this.#clash(definition);
    if (clash === undefined) {
      const rules = await this.#ruleChecker();
      this.#context.registry.setCustom(name, customKinds(definition, { metadata: this.#metadata(), rules }));
    }
    await this.#say(name, clash);
  }

  /** Definitions whose names another one had: they are free with its end. */
  async #serveWaiting(): Promise<void> {
    for (const { object } of this.#context.store.newestOf(STORAGE)) {
      if (object.metadata.deletionTimestamp === undefined && isRefused(object)) await this.#serve(object);
    }
  }

  /** Another resource of the group that has one of the names. */
  #clash(definition: ApiObject): string | undefined {
    const group = valueAt(definition, ['spec', 'group']);
    const plural = valueAt(definition, ['spec', 'names', 'plural']);
    const others = this.#context.registry
      .all()
      .filter(kind => kind.group === group && kind.plural !== plural);
    for (const [field, of] of NAMES) {
      const name = valueAt(definition, ['spec', 'names', field]);
      if (others.some(kind => of(kind) === name)) return `${JSON.stringify(name)} is already in use`;
    }
    return undefined;
  }

  async #say(name: string, clash: string | undefined): Promise<void> {
    const { store, clock } = this.#context;
    const now = timestamp(clock.now());
    await store.write(STORAGE, name, current => {
      if (current === undefined) return { do: 'keep', object: NOTHING } satisfies Decision;
      const status = statusOf(current.object, clash, now);
      if (JSON.stringify(status) === JSON.stringify(current.object['status'])) {
        return { do: 'keep', object: current.object } satisfies Decision;
      }
      return { do: 'put', object: { ...current.object, status } } satisfies Decision;
    });
  }

  /** Its objects go with it: those without finalizers at once, the others when they may; then it is asked again. */
  async #remove(name: string, definition: ApiObject): Promise<void> {
    const { store, registry, clock } = this.#context;
    if (definition.metadata.finalizers?.includes(CLEANUP) !== true) return;
    const kind = registry
      .all()
      .find(one => `${one.plural}.${one.group}` === name && !registry.isBuiltIn(one));
    const storage = kind === undefined ? undefined : storageOf(kind);
    const left =
      storage === undefined || kind === undefined ? 0 : await this.#removeObjects(storage, kind, clock.now());
    if (left > 0) {
      setTimeout(() => this.#again(name), 500).unref();
      return;
    }
    registry.setCustom(name, []);
    await store.write(STORAGE, name, current => {
      if (current === undefined) return { do: 'keep', object: NOTHING } satisfies Decision;
      const finalizers = (current.object.metadata.finalizers ?? []).filter(one => one !== CLEANUP);
      const { finalizers: _old, ...metadata } = current.object.metadata;
      const object = {
        ...current.object,
        metadata: finalizers.length === 0 ? metadata : { ...metadata, finalizers },
      };
      return { do: finalizers.length === 0 ? 'remove' : 'put', object } satisfies Decision;
    });
  }

  #again(name: string): void {
    const entry = this.#context.store.get(STORAGE, name);
    if (entry === undefined) return;
    this.#queue({ type: 'MODIFIED', storage: STORAGE, before: entry, after: entry });
  }

  /** How many are still held by finalizers. */
  async #removeObjects(storage: string, kind: Kind, now: number): Promise<number> {
    const { store } = this.#context;
    const keys = (store.list(storage, '')?.entries ?? []).map(({ key }) => key);
    const outcomes = await Promise.all(
      keys.map(key =>
        store.write(storage, key, current => {
          if (current === undefined) return { do: 'keep', object: NOTHING } satisfies Decision;
          const marked: ApiObject = {
            ...current.object,
            metadata: {
              ...current.object.metadata,
              deletionTimestamp: current.object.metadata.deletionTimestamp ?? timestamp(now),
              deletionGracePeriodSeconds: 0,
            },
          };
          if (isReadyToGo(kind, marked)) return { do: 'remove', object: current.object } satisfies Decision;
          return current.object.metadata.deletionTimestamp === undefined
            ? ({ do: 'put', object: marked } satisfies Decision)
            : ({ do: 'keep', object: current.object } satisfies Decision);
        }),
      ),
    );
    return outcomes.filter(({ did, entry }) => did !== 'remove' && entry.object !== NOTHING).length;
  }

  /** The language of rules costs some megabytes: it is loaded with the first definition. */
  #ruleChecker(): Promise<RuleChecker> {
    this.#rules ??= (async () => {
      const [{ Rules }, { RuleCheck }] = await Promise.all([
        import('./cel/rule.ts'),
        import('./cel/check-rules.ts'),
      ]);
      return new RuleCheck(new Rules());
    })();
    return this.#rules;
  }

  /** Every object's metadata is owned alike. */
  #metadata(): OwnershipSchema {
    const known = this.#context.registry.find('', 'v1', 'configmaps')?.ownership?.();
    return (known?.owned === 'by-field' ? known.field('metadata')?.schema : undefined) ?? UNKNOWN;
  }
}

const NAMES: readonly (readonly [string, (kind: Kind) => string])[] = [
  ['plural', kind => kind.plural],
  ['singular', kind => kind.singular],
  ['kind', kind => kind.kind],
  ['listKind', kind => kind.listKind],
];

const isSameSpec = (a: ApiObject, b: ApiObject): boolean =>
  a['spec'] === b['spec'] || a.metadata.generation === b.metadata.generation;

const isEstablished = (definition: ApiObject): boolean =>
  conditionsOf(definition).some(one => one['type'] === 'Established');

const isRefused = (definition: ApiObject): boolean =>
  conditionsOf(definition).some(one => one['type'] === 'NamesAccepted' && one['status'] === 'False');

function conditionsOf(definition: ApiObject): readonly Fields[] {
  const conditions = valueAt(definition, ['status', 'conditions']);
  return Array.isArray(conditions) ? conditions.filter(isFields) : [];
}

function statusOf(definition: ApiObject, clash: string | undefined, now: string): Fields {
  const before = conditionsOf(definition);
  const condition = (type: string, holds: boolean, reason: string, message: string) => {
    const status = holds ? 'True' : 'False';
    const same = before.find(one => one['type'] === type && one['status'] === status);
    return { type, status, lastTransitionTime: same?.['lastTransitionTime'] ?? now, reason, message };
  };
  const stored = valueAt(definition, ['status', 'storedVersions']);
  const versions = valueAt(definition, ['spec', 'versions']);
  const storage = Array.isArray(versions)
    ? versions.filter(isFields).find(version => version['storage'] === true)
    : undefined;
  const storedVersions = new Set([
    ...(Array.isArray(stored) ? stored.map(String) : []),
    String(storage?.['name']),
  ]);
  return {
    conditions:
      clash === undefined
        ? [
            condition('NamesAccepted', true, 'NoConflicts', 'no conflicts found'),
            condition('Established', true, 'InitialNamesAccepted', 'the initial names have been accepted'),
          ]
        : [
            condition('NamesAccepted', false, 'NameConflict', clash),
            condition('Established', false, 'NotAccepted', 'not all names are accepted'),
          ],
    acceptedNames: clash === undefined ? valueAt(definition, ['spec', 'names']) : { plural: '', kind: '' },
    storedVersions: [...storedVersions],
  };
}
