import type { Authorizer } from '../../access/attributes.ts';
import { equalJson } from '../../codec/json.ts';
import type { Log } from '../../../../base/log.ts';
import type { Kind } from '../../kind.ts';
import type { Fields } from '../../object.ts';
import { isFields } from '../../object.ts';
import { JsonPatchError, jsonPatch } from '../../patch/json-patch.ts';
import { StatusError, badRequest, forbidden } from '../../status.ts';
import { bindingsFor } from '../cel/bindings.ts';
import { MatchConditions } from '../cel/conditions.ts';
import type { Expressions } from '../cel/expression.ts';
import { inVersion } from '../question.ts';
import type { Writing } from '../question.ts';
import { matchedKind, selects } from '../rules.ts';
import type { Surroundings } from '../rules.ts';
import type { WebhookClient } from './client.ts';
import type { Hook } from './hook.ts';
import type { ReviewAnswer } from './review.ts';
import { readAnswer, refusalOf, reviewOf, reviewVersion } from './review.ts';

export interface WebhookParts {
  readonly expressions: Expressions;
  readonly around: Surroundings;
  readonly access: Authorizer;
  readonly client: WebhookClient;
  readonly newUid: () => string;
  readonly log: Log;
}

/** What is thrown is a StatusError: a refusal, or a webhook that could not be asked and has to be. */
export class Webhooks {
  readonly #parts: WebhookParts;
  readonly #conditions = new WeakMap<Fields, MatchConditions>();

  constructor(parts: WebhookParts) {
    this.#parts = parts;
  }

  /** The object as mutating webhooks want it: one after the other, and once more those that want to see later changes. */
  async mutate(writing: Writing, hooks: readonly Hook[], warn: Warn): Promise<Fields | undefined> {
    const asked = new Set<string>();
    const again = new Set<string>();
    let { object } = writing;
    const round = async (isFirst: boolean) => {
      for (const hook of hooks) {
        if (!isFirst && !again.has(hook.id)) continue;
        const current = { ...writing, object };
        const kind = this.#concerned(hook, current);
        if (kind === undefined) continue;
        const changed = await this.#changed(hook, kind, current, warn);
        if (changed !== object && !equalJson(changed, object)) {
          object = changed;
          for (const id of asked) again.add(id);
          if (isFirst) asked.clear();
        }
        if (hook.isReinvoked && isFirst) asked.add(hook.id);
      }
    };
    await round(true);
    if (again.size > 0) await round(false);
    return object;
  }

  /** As `mutate`, for what cannot be changed: a webhook that wants to is told so. */
  async passUnchanged(writing: Writing, hooks: readonly Hook[], warn: Warn): Promise<void> {
    const wanted = await this.mutate(writing, hooks, warn);
    if (equalJson(wanted, writing.object)) return;
    const what = writing.subresource === '' ? 'object' : writing.subresource;
    throw internal(
      `admission webhooks attempted to modify the ${what}, which is not supported for this operation`,
    );
  }

  /** Asks all validating webhooks at once; the first refusal in their order counts. */
  async validate(writing: Writing, hooks: readonly Hook[], warn: Warn): Promise<void> {
    const concerned = hooks.flatMap(hook => {
      const kind = this.#concerned(hook, writing);
      return kind === undefined ? [] : [{ hook, kind }];
    });
    const outcomes = await Promise.allSettled(
      concerned.map(({ hook, kind }) => this.#ask(hook, kind, writing, false, warn)),
    );
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  }

  /** The kind in whose form the webhook is to be asked; undefined where it is not concerned. */
  #concerned(hook: Hook, writing: Writing): Kind | undefined {
    const { around, access, expressions } = this.#parts;
    const { rules, matchPolicy, matchConditions } = hook.fields;
    const kind = matchedKind(rules, matchPolicy, writing, around);
    if (kind === undefined || !selects(hook.fields, writing, around)) return undefined;
    let conditions = this.#conditions.get(hook.fields);
    if (conditions === undefined) {
      conditions = new MatchConditions(expressions, matchConditions, SCOPE);
      this.#conditions.set(hook.fields, conditions);
    }
    if (conditions.areNone) return kind;
    const outcome = conditions.ask(bindingsFor(writing, kind, undefined, access));
    if ('holds' in outcome) return outcome.holds ? kind : undefined;
    if (hook.failsOpen) return undefined;
    throw forbidden(writing.kind, writing.name, outcome.error);
  }

  async #changed(hook: Hook, kind: Kind, writing: Writing, warn: Warn): Promise<Fields | undefined> {
    const { object, kind: own } = writing;
    const answer = await this.#ask(hook, kind, writing, true, warn);
    if (answer?.patch === undefined) return object;
    if (object === undefined) {
      throw internal(
        `admission webhook ${JSON.stringify(hook.name)} attempted to modify the object, which is not supported for this operation`,
      );
    }
    try {
      const patched = jsonPatch(inVersion(object, own, kind), answer.patch);
      if (!isFields(patched)) throw new JsonPatchError('the patch makes the object none');
      return inVersion(patched, kind, own);
    } catch (error) {
      if (!(error instanceof JsonPatchError)) throw error;
      throw internal(
        `the patch of admission webhook ${JSON.stringify(hook.name)} cannot be applied: ${error.message}`,
      );
    }
  }

  /** What the webhook answered; undefined where it could not be asked and need not be. */
  async #ask(
    hook: Hook,
    kind: Kind,
    writing: Writing,
    mutates: boolean,
    warn: Warn,
  ): Promise<ReviewAnswer | undefined> {
    const { fields, name } = hook;
    const effects = fields['sideEffects'];
    if (writing.dryRun && effects !== 'None' && effects !== 'NoneOnDryRun') {
      throw badRequest(`admission webhook ${JSON.stringify(name)} does not support dry run`);
    }
    let answer: ReviewAnswer;
    try {
      answer = await this.#call(hook, kind, writing, mutates);
    } catch (error) {
      const sentence = `failed calling webhook ${JSON.stringify(name)}: ${(error as Error).message}`;
      if (!hook.failsOpen) throw internal(sentence);
      this.#parts.log.warn({ webhook: name, err: error }, `Goes on without a webhook: ${sentence}`);
      return undefined;
    }
    for (const warning of answer.warnings) warn(warning);
    if (!answer.allowed) throw refusalOf(name, answer.result);
    return answer;
  }

  async #call(hook: Hook, kind: Kind, writing: Writing, mutates: boolean): Promise<ReviewAnswer> {
    const { fields, timeoutSeconds } = hook;
    const version = reviewVersion(fields['admissionReviewVersions']);
    if (version === undefined) {
      throw new Error('webhook does not accept known AdmissionReview versions (v1, v1beta1)');
    }
    const uid = this.#parts.newUid();
    const config = isFields(fields['clientConfig']) ? fields['clientConfig'] : {};
    const review = reviewOf(writing, kind, uid, version);
    let answer: Fields;
    try {
      answer = await this.#parts.client.post(config, review, timeoutSeconds);
    } catch (error) {
      throw new Error(`failed to call webhook: ${(error as Error).message}`, { cause: error });
    }
    try {
      return readAnswer(answer, { uid, version, mutates });
    } catch (error) {
      throw new Error(`received invalid webhook response: ${(error as Error).message}`, {
        cause: error,
      });
    }
  }
}

/** Takes a warning for the client. */
export type Warn = (text: string) => void;

/** What match conditions of webhooks may speak of. */
export const SCOPE = { params: false, variables: false, authorizer: true, namespaceObject: false };

const internal = (sentence: string): StatusError =>
  new StatusError(500, 'InternalError', `Internal error occurred: ${sentence}`, {
    causes: [{ message: sentence }],
  });
