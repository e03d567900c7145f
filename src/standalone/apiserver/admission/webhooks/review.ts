import type { Kind } from '../../kind.ts';
import type { Fields } from '../../object.ts';
import { isFields, textsOf } from '../../object.ts';
import { StatusError } from '../../status.ts';
import type { Reason } from '../../status.ts';
import { inVersion } from '../question.ts';
import type { Writing } from '../question.ts';
import { requestOf } from '../request-fields.ts';
import { textOf } from '../rules.ts';

/** The newest version of AdmissionReview that a webhook speaks, of those that are spoken here. */
export function reviewVersion(versions: unknown): 'v1' | 'v1beta1' | undefined {
  return textsOf(versions).find(version => version === 'v1' || version === 'v1beta1');
}

/** AdmissionReview of admission.k8s.io, with the objects in the form of `kind`. */
export function reviewOf(writing: Writing, kind: Kind, uid: string, version: 'v1' | 'v1beta1'): object {
  const converts = writing.subresource === '' || writing.subresource === 'status';
  const shown = (object: Fields | undefined) =>
    (converts ? inVersion(object, writing.kind, kind) : object) ?? null;
  return {
    kind: 'AdmissionReview',
    apiVersion: `admission.k8s.io/${version}`,
    request: {
      uid,
      ...requestOf(writing, kind),
      object: shown(writing.object),
      oldObject: shown(writing.before),
    },
  };
}

export interface ReviewAnswer {
  readonly allowed: boolean;
  /** JSON patch operations (RFC 6902); undefined where nothing is to change. */
  readonly patch: unknown;
  readonly warnings: readonly string[];
  readonly result: Fields | undefined;
}

/** Reads what a webhook answered; throws an Error that says what is wrong with it. */
export function readAnswer(
  review: Fields,
  asked: { readonly uid: string; readonly version: 'v1' | 'v1beta1'; readonly mutates: boolean },
): ReviewAnswer {
  const { response, apiVersion, kind } = review;
  if (!isFields(response)) throw new Error('webhook response was absent');
  if (asked.version === 'v1') {
    const said = `${textOf(apiVersion)}, Kind=${textOf(kind)}`;
    if (response['uid'] !== asked.uid) {
      throw new Error(
        `expected response.uid=${JSON.stringify(asked.uid)}, got ${JSON.stringify(response['uid'] ?? '')}`,
      );
    }
    if (apiVersion !== 'admission.k8s.io/v1' || kind !== 'AdmissionReview') {
      throw new Error(`expected webhook response of admission.k8s.io/v1, Kind=AdmissionReview, got ${said}`);
    }
  }
  const { status, warnings } = response;
  return {
    allowed: response['allowed'] === true,
    patch: asked.mutates ? patchIn(response, asked.version) : refusePatch(response),
    warnings: textsOf(warnings),
    result: isFields(status) ? status : undefined,
  };
}

function refusePatch({ patch, patchType }: Fields): undefined {
  if (patch !== undefined && patch !== null && patch !== '') {
    throw new Error('validating webhook may not return response.patch');
  }
  if (patchType !== undefined && patchType !== null) {
    throw new Error('validating webhook may not return response.patchType');
  }
}

function patchIn({ patch, patchType }: Fields, version: string): unknown {
  const isEmpty = patch === undefined || patch === null || patch === '';
  const isTyped = patchType !== undefined && patchType !== null;
  if (version === 'v1') {
    if (!isEmpty && !isTyped) {
      throw new Error('webhook returned response.patch but not response.patchType');
    }
    if (isEmpty && isTyped) {
      throw new Error('webhook returned response.patchType but not response.patch');
    }
    if (isTyped && patchType !== 'JSONPatch') {
      throw new Error(`unsupported patch type ${JSON.stringify(patchType)}`);
    }
  }
  if (isEmpty) return undefined;
  try {
    return JSON.parse(Buffer.from(textOf(patch), 'base64').toString()) as unknown;
  } catch {
    throw new Error('response.patch is no JSON');
  }
}

/** The Status of a refusal, with the webhook's own words, code and reason. */
export function refusalOf(name: string, result: Fields = {}): StatusError {
  const deniedBy = `admission webhook ${JSON.stringify(name)} denied the request`;
  const code = typeof result['code'] === 'number' && result['code'] >= 400 ? result['code'] : 400;
  const [message, reason] = [textOf(result['message']), textOf(result['reason'])];
  const why = message || reason;
  return new StatusError(
    Math.min(code, 599),
    // A webhook may give any reason; clients branch on those that they know.
    reason as Reason,
    why === '' ? `${deniedBy} without explanation` : `${deniedBy}: ${why}`,
    isFields(result['details']) ? result['details'] : undefined,
  );
}
