import type { Log } from '../../../base/log.ts';
import type { Authorizer } from '../access/attributes.ts';
import type { Kind } from '../kind.ts';
import type { ApiObject, Fields } from '../object.ts';
import { valueAt } from '../object.ts';
import type { Registry } from '../registry.ts';
import type { Target } from '../resource/target.ts';
import { invalid } from '../status.ts';
import type { Store } from '../store/store.ts';
import type { Policies, BoundPolicy } from './policies.ts';
import { questionOf } from './question.ts';
import type { Operation, Question } from './question.ts';
import { matchedKind } from './rules.ts';
import type { Surroundings } from './rules.ts';
import type { DialPod } from './webhooks/client.ts';
import type { Hook } from './webhooks/hook.ts';
import { hooksOf } from './webhooks/hook.ts';
import type { Webhooks } from './webhooks/webhooks.ts';

const GROUP = 'admissionregistration.k8s.io';
const STORAGES = [
  'validatingadmissionpolicies',
  'validatingadmissionpolicybindings',
  'validatingwebhookconfigurations',
  'mutatingwebhookconfigurations',
].map(plural => `${GROUP}/${plural}`);

export interface AdmissionParts {
  readonly store: Store;
  readonly registry: Registry;
  readonly access: Authorizer;
  readonly dialPod: DialPod | undefined;
  readonly random: () => number;
  readonly newUid: () => string;
  readonly log: Log;
}

/** A write that somebody wants to be asked about. */
export interface Concern {
  /** What clients are to be told with the answer; grows while the others are asked. */
  readonly warnings: readonly string[];
  /** The object as mutating webhooks want it. */
  mutate(object: Fields, before: Fields | undefined): Promise<Fields>;
  /** Asks mutating webhooks about a body that is not stored as it is (Binding, Eviction, Scale, a connection); throws if one changes it. */
  passUnchanged(body: Fields | undefined, before: Fields | undefined): Promise<void>;
  /** Throws the StatusError of a refusal. */
  validate(object: Fields | undefined, before: Fields | undefined): Promise<void>;
}

/** Everything that is configured, in the order in which it is asked. */
interface Configured {
  readonly policies: readonly BoundPolicy[];
  readonly mutating: readonly Hook[];
  readonly validating: readonly Hook[];
}

/** The parts that evaluate and call: loaded with the first write that needs them. */
interface Engine {
  readonly policies: Policies;
  readonly webhooks: Webhooks;
}

/**
 * Policies and webhooks between what a client asks for and what is written:
 *
 *     object, with defaults ─▶ mutating webhooks, one by one, each followed by defaults ─▶ rules of its kind ─▶ policies ─▶ validating webhooks ─▶ store
 *
 * A write that nothing is configured for pays for one look at a list. Configurations themselves are never asked about,
 * so that nobody locks himself out; their expressions are read before they are stored.
 */
export class Admission {
  readonly #parts: AdmissionParts;
  readonly #around: Surroundings;
  #configured: Configured | undefined;
  #engine: Promise<Engine> | undefined;

  constructor(parts: AdmissionParts) {
    this.#parts = parts;
    const { store, registry } = parts;
    this.#around = {
      namespace: name => store.newest('/namespaces', name)?.object,
      kinds: () => registry.all(),
    };
    for (const storage of STORAGES) store.watch(storage, () => (this.#configured = undefined));
  }

  /** Undefined where nobody wants to be asked, which is known without reading the object. */
  concern(target: Target, operation: Operation, name?: string): Concern | undefined {
    const { policies, mutating, validating } = this.#current();
    const isConfiguration = target.kind.group === GROUP;
    const isNone = policies.length === 0 && mutating.length === 0 && validating.length === 0;
    if (!isConfiguration && isNone) return undefined;
    const question = questionOf(target, operation, name);
    if (isConfiguration) {
      return operation === 'DELETE' ? undefined : this.#readable(target.kind);
    }
    const around = this.#around;
    const concerns = ({ fields }: Hook) =>
      matchedKind(fields['rules'], fields['matchPolicy'], question, around) !== undefined;
    const hooks = { mutating: mutating.filter(concerns), validating: validating.filter(concerns) };
    const bound = policies.filter(({ policy }) => isBound(policy, question, around));
    if (bound.length + hooks.mutating.length + hooks.validating.length === 0) return undefined;
    return this.#asking(question, bound, hooks);
  }

  #asking(
    question: Question,
    bound: readonly BoundPolicy[],
    hooks: Pick<Configured, 'mutating' | 'validating'>,
  ): Concern {
    const warnings: string[] = [];
    const warn = (text: string) => void warnings.push(text);
    return {
      warnings,
      mutate: async (object, before) => {
        if (hooks.mutating.length === 0) return object;
        const { webhooks } = await this.#loaded();
        const writing = { ...question, object, before };
        return (await webhooks.mutate(writing, hooks.mutating, warn)) ?? object;
      },
      passUnchanged: async (body, before) => {
        // Where there is no body, they are asked with the validating ones.
        if (body === undefined || hooks.mutating.length === 0) return;
        const { webhooks } = await this.#loaded();
        await webhooks.passUnchanged({ ...question, object: body, before }, hooks.mutating, warn);
      },
      validate: async (object, before) => {
        const { webhooks, policies } = await this.#loaded();
        const writing = { ...question, object, before };
        if (object === undefined) await webhooks.mutate(writing, hooks.mutating, warn);
        const { denied, warnings: said, annotations } = policies.ask(writing, bound);
        said.forEach(warn);
        if (Object.keys(annotations).length > 0) {
          const { name, namespace, kind } = question;
          const about = { kind: kind.kind, namespace, name, annotations };
          this.#parts.log.info(about, 'Policies noted a request');
        }
        if (denied !== undefined) throw denied;
        await webhooks.validate(writing, hooks.validating, warn);
      },
    };
  }

  /** Configurations are refused with expressions that cannot be read, as a real server refuses them. */
  #readable(kind: Kind): Concern {
    return {
      warnings: [],
      mutate: object => Promise.resolve(object),
      passUnchanged: () => Promise.resolve(),
      validate: async (object, before) => {
        const { unreadableIn } = await import('./readable.ts');
        // It is to be stored: it has a head.
        const errors = unreadableIn(kind, object as ApiObject, before as ApiObject | undefined);
        const name = (object as ApiObject).metadata.name ?? '';
        if (errors.length > 0) throw invalid(kind, name, errors);
      },
    };
  }

  #current(): Configured {
    if (this.#configured !== undefined) return this.#configured;
    const [policies = [], bindings = [], validating = [], mutating = []] = STORAGES.map(storage =>
      (this.#parts.store.list(storage, '')?.entries ?? []).map(({ object }) => object),
    );
    const bound = policies.map(policy => ({
      policy,
      bindings: bindings.filter(binding => valueAt(binding, ['spec', 'policyName']) === policy.metadata.name),
    }));
    this.#configured = {
      policies: bound.filter(({ bindings: own }) => own.length > 0),
      mutating: hooksOf(mutating),
      validating: hooksOf(validating),
    };
    return this.#configured;
  }

  #loaded(): Promise<Engine> {
    this.#engine ??= this.#load();
    return this.#engine;
  }

  async #load(): Promise<Engine> {
    const [{ Expressions }, { Policies: Asked }, { Webhooks: Called }, { WebhookClient }] = await Promise.all(
      [
        import('./cel/expression.ts'),
        import('./policies.ts'),
        import('./webhooks/webhooks.ts'),
        import('./webhooks/client.ts'),
      ],
    );
    const expressions = new Expressions();
    const { store, access, newUid, log, dialPod, random } = this.#parts;
    const around = this.#around;
    const client = new WebhookClient({ store, random, dialPod });
    return {
      policies: new Asked(expressions, { store, around, access }),
      webhooks: new Called({ expressions, around, access, client, newUid, log }),
    };
  }
}

/** A policy's own rules, before its selectors and bindings are looked at. */
function isBound(policy: ApiObject, question: Question, around: Surroundings): boolean {
  const rules = valueAt(policy, ['spec', 'matchConstraints', 'resourceRules']);
  const matchPolicy = valueAt(policy, ['spec', 'matchConstraints', 'matchPolicy']);
  return matchedKind(rules, matchPolicy, question, around) !== undefined;
}
