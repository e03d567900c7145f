import type { Authorizer } from '../access/attributes.ts';
import { ruleValue } from '../crd/cel/values.ts';
import { storageKey } from '../context.ts';
import { apiVersionOf } from '../kind.ts';
import type { Kind } from '../kind.ts';
import type { ApiObject, Fields } from '../object.ts';
import { isFields, textsOf, valueAt } from '../object.ts';
import { StatusError, forbidden } from '../status.ts';
import type { Reason } from '../status.ts';
import { Objects } from '../store/objects.ts';
import type { Store } from '../store/store.ts';
import { matchesSelector } from '../../../kube/selector.ts';
import { bindingsFor } from './cel/bindings.ts';
import type { Bindings, Expressions } from './cel/expression.ts';
import { Policy } from './policy.ts';
import type { Failure, PolicyResult } from './policy.ts';
import type { Writing } from './question.ts';
import { matchResources } from './rules.ts';
import type { Surroundings } from './rules.ts';

/** What the bound policies say of a request. */
export interface PolicyVerdict {
  readonly denied: StatusError | undefined;
  readonly warnings: readonly string[];
  /** What an audit log would hold. */
  readonly annotations: Readonly<Record<string, string>>;
}

/** A policy with the bindings that put it into force. */
export interface BoundPolicy {
  readonly policy: ApiObject;
  readonly bindings: readonly ApiObject[];
}

interface Denial extends Failure {
  readonly policy: string;
  readonly binding: string;
}

const CODES: Readonly<Record<string, number>> = {
  Forbidden: 403,
  Unauthorized: 401,
  RequestEntityTooLarge: 413,
  Invalid: 422,
};

/** Asks ValidatingAdmissionPolicies (admissionregistration.k8s.io/v1) about a write. */
export class Policies {
  readonly #expressions: Expressions;
  readonly #store: Store;
  readonly #around: Surroundings;
  readonly #access: Authorizer;
  /** By the stored object: a policy that changes is another object. */
  readonly #read = new WeakMap<ApiObject, Policy | Error>();

  constructor(
    expressions: Expressions,
    parts: { readonly store: Store; readonly around: Surroundings; readonly access: Authorizer },
  ) {
    this.#expressions = expressions;
    this.#store = parts.store;
    this.#around = parts.around;
    this.#access = parts.access;
  }

  ask(writing: Writing, bound: readonly BoundPolicy[]): PolicyVerdict {
    const verdict = new Verdict(writing);
    for (const { policy, bindings } of bound) {
      const constraints = fieldsAt(policy, 'matchConstraints');
      const kind = matchResources(constraints, writing, this.#around);
      if (kind === undefined) continue;
      const read = this.#policyOf(policy);
      const namespace =
        writing.kind.plural === 'namespaces' && writing.kind.group === ''
          ? undefined
          : this.#around.namespace(writing.namespace);
      const request = bindingsFor(writing, kind, namespace, this.#access);
      for (const binding of bindings) {
        const resources = fieldsAt(binding, 'matchResources');
        if (matchResources(resources, writing, this.#around) === undefined) continue;
        for (const result of this.#results(read, request, { policy, binding, writing })) {
          verdict.add(policy, binding, result);
        }
      }
    }
    return verdict.finish();
  }

  #policyOf(object: ApiObject): Policy | Error {
    let read = this.#read.get(object);
    if (read === undefined) {
      try {
        read = new Policy(this.#expressions, object);
      } catch (error) {
        read = error as Error;
      }
      this.#read.set(object, read);
    }
    return read;
  }

  /** One result for each object that the binding reads as params; without any, one with none. */
  #results(
    read: Policy | Error,
    request: Bindings,
    of: { readonly policy: ApiObject; readonly binding: ApiObject; readonly writing: Writing },
  ): readonly PolicyResult[] {
    if (read instanceof Error) return [misconfigured(of.policy, read.message)];
    const params = this.#paramsOf(of.policy, of.binding, of.writing.namespace);
    if ('error' in params) {
      return [misconfigured(of.policy, `failed to configure binding: ${params.error}`)];
    }
    return params.objects.map(object => read.ask(request, ruleValue(undefined, object)));
  }

  #paramsOf(
    policy: ApiObject,
    binding: ApiObject,
    namespace: string,
  ): { readonly objects: readonly (ApiObject | null)[] } | { readonly error: string } {
    const wanted = valueAt(policy, ['spec', 'paramKind']);
    const reference = valueAt(binding, ['spec', 'paramRef']);
    if (!isFields(wanted) || !isFields(reference)) return { objects: [null] };
    const kind = this.#around
      .kinds()
      .find(one => apiVersionOf(one) === wanted['apiVersion'] && one.kind === wanted['kind']);
    if (kind === undefined) {
      return {
        error: `paramKind kind \`${String(wanted['apiVersion'])}, Kind=${String(wanted['kind'])}\` not known`,
      };
    }
    const place = placeOf(kind, reference, namespace);
    if ('error' in place) return place;
    const objects = this.#objectsOf(kind, reference, place.namespace);
    if (objects.length === 0 && reference['parameterNotFoundAction'] === 'Deny') {
      return { error: 'no params found for policy binding with `Deny` parameterNotFoundAction' };
    }
    return { objects };
  }

  #objectsOf(kind: Kind, reference: Fields, namespace: string): readonly ApiObject[] {
    const objects = new Objects(this.#store, kind);
    const { name, selector } = reference;
    if (typeof name === 'string' && name !== '') {
      const found = objects.newest(storageKey(namespace, name))?.object;
      return found === undefined ? [] : [found];
    }
    const prefix = namespace === '' ? '' : `${namespace}/`;
    return (objects.list(prefix)?.entries ?? [])
      .map(({ object }) => object)
      .filter(object => matchesSelector(isFields(selector) ? selector : {}, object.metadata.labels));
  }
}

/** Namespaced params come from the namespace that the binding names, or from the request's own. */
function placeOf(
  kind: Kind,
  reference: Fields,
  requested: string,
): { readonly namespace: string } | { readonly error: string } {
  const named = typeof reference['namespace'] === 'string' ? reference['namespace'] : '';
  if (!kind.namespaced) {
    if (named === '') return { namespace: '' };
    return { error: 'paramRef.namespace must not be provided for a cluster-scoped `paramKind`' };
  }
  const namespace = named === '' ? requested : named;
  if (namespace !== '') return { namespace };
  return {
    error: 'cannot use namespaced paramRef in policy binding that matches cluster-scoped resources',
  };
}

const fieldsAt = (object: ApiObject, field: string): Fields => {
  const value = valueAt(object, ['spec', field]);
  return isFields(value) ? value : {};
};

function misconfigured(policy: ApiObject, message: string): PolicyResult {
  const fails = valueAt(policy, ['spec', 'failurePolicy']) !== 'Ignore';
  return {
    failures: fails ? [{ index: 0, message, reason: 'Invalid', always: true }] : [],
    annotations: {},
  };
}

/** Gathers what follows from the failures: each binding says whether one denies, warns or is only noted. */
class Verdict {
  readonly #writing: Writing;
  readonly #denials: Denial[] = [];
  readonly #warnings: string[] = [];
  readonly #annotations: Record<string, string> = {};

  constructor(writing: Writing) {
    this.#writing = writing;
  }

  add(policy: ApiObject, binding: ApiObject, result: PolicyResult): void {
    const [policyName, bindingName] = [policy.metadata.name ?? '', binding.metadata.name ?? ''];
    const actions = textsOf(valueAt(binding, ['spec', 'validationActions']));
    for (const failure of result.failures) {
      const denial = { ...failure, policy: policyName, binding: bindingName };
      if (failure.always === true || actions.includes('Deny')) this.#denials.push(denial);
      if (failure.always === true) continue;
      if (actions.includes('Warn')) {
        this.#warnings.push(
          `Validation failed for ValidatingAdmissionPolicy '${policyName}' with binding '${bindingName}': ${failure.message}`,
        );
      }
      if (actions.includes('Audit')) {
        const { message, index: expressionIndex } = failure;
        this.#annotations['validation.policy.admission.k8s.io/validation_failure'] = JSON.stringify([
          {
            message,
            policy: policyName,
            binding: bindingName,
            expressionIndex,
            validationActions: actions,
          },
        ]);
      }
    }
    for (const [key, value] of Object.entries(result.annotations)) {
      const name = `${policyName}/${key}`;
      const present = this.#annotations[name];
      const isNew = present === undefined || !present.split(', ').includes(value);
      if (isNew) this.#annotations[name] = present === undefined ? value : `${present}, ${value}`;
    }
  }

  finish(): PolicyVerdict {
    const [first] = this.#denials;
    return {
      denied: first === undefined ? undefined : this.#refusal(first),
      warnings: this.#warnings,
      annotations: this.#annotations,
    };
  }

  #refusal({ policy, binding, message, reason }: Denial): StatusError {
    const sentence = `ValidatingAdmissionPolicy '${policy}' with binding '${binding}' denied request: ${message}`;
    const { kind, name, object } = this.#writing;
    const called = name || nameIn(object);
    const refused = forbidden(kind, called, sentence, [{ message: sentence }]);
    // The reason is one of those that a policy may name, which validation saw to.
    return new StatusError(CODES[reason] ?? 422, reason as Reason, refused.message, refused.details);
  }
}

function nameIn(object: Fields | undefined): string {
  const metadata = object?.['metadata'];
  const { name, generateName } = isFields(metadata) ? metadata : {};
  if (typeof name === 'string' && name !== '') return name;
  return typeof generateName === 'string' && generateName !== '' ? generateName : 'Unknown';
}
