import { ISSUER } from '../access/service-account-tokens.ts';
import type { BoundObject } from '../access/service-account-tokens.ts';
import { decodeBody } from '../codec/body.ts';
import { storageKey, timestamp } from '../context.ts';
import { isFields, valueAt } from '../object.ts';
import type { ApiObject, Fields } from '../object.ts';
import type { ApiResponse } from '../request.ts';
import { StatusError, badRequest, invalid, notFound } from '../status.ts';
import { json } from './present.ts';
import { keyOfTarget, objectsOf } from './target.ts';
import type { Target } from './target.ts';

const SHORTEST = 600;
const LONGEST = 2 ** 32;
const DEFAULT = 3600;
const MOST_AUDIENCES = 64;

/** POST of `serviceaccounts/NAME/token`: TokenRequest of authentication.k8s.io/v1. */
export async function requestToken(target: Target): Promise<ApiResponse> {
  const { context, namespace, name } = target;
  const body = (await decodeBody(target.request, context.schemas))?.fields;
  const account = objectsOf(target).get(keyOfTarget(target))?.object;
  if (account === undefined) throw notFound(target.kind, name);
  if (body === undefined) throw badRequest('the body of a token request is empty');
  const named = valueAt(body, ['metadata', 'name']) ?? name;
  if (named !== '' && named !== name) {
    const detail = 'must match the service account name if specified';
    throw invalid({ group: 'authentication.k8s.io', kind: 'TokenRequest' }, name, [
      { type: 'Invalid', field: 'metadata.name', value: named, detail },
    ]);
  }
  const asked = spec(body);
  const bound = boundObject(target, asked.reference);
  const uid = account.metadata.uid ?? '';
  const { token, expires } = context.tokens.issue({
    namespace,
    account: { name, uid },
    audiences: asked.audiences,
    seconds: asked.seconds,
    ...bound,
  });
  const answer = {
    kind: 'TokenRequest',
    apiVersion: 'authentication.k8s.io/v1',
    metadata: { name, namespace, creationTimestamp: timestamp(context.clock.now()) },
    spec: {
      audiences: asked.audiences.length === 0 ? [ISSUER] : asked.audiences,
      expirationSeconds: asked.seconds,
      boundObjectRef: isFields(asked.reference) ? asked.reference : null,
    },
    status: { token, expirationTimestamp: timestamp(expires * 1000) },
  };
  return json(201, JSON.stringify(answer));
}

interface Asked {
  readonly audiences: readonly string[];
  readonly seconds: number;
  readonly reference: unknown;
}

function spec(body: Fields): Asked {
  const audiences = valueAt(body, ['spec', 'audiences']) ?? [];
  const seconds = valueAt(body, ['spec', 'expirationSeconds']) ?? DEFAULT;
  const isTexts =
    Array.isArray(audiences) && audiences.every(item => typeof item === 'string' && item.length <= 1024);
  if (!isTexts || audiences.length > MOST_AUDIENCES)
    throw badRequest('spec.audiences has to be a list of texts');
  if (!Number.isSafeInteger(seconds)) throw badRequest('spec.expirationSeconds has to be a whole number');
  const wrong =
    Number(seconds) < SHORTEST
      ? 'may not specify a duration less than 10 minutes'
      : Number(seconds) > LONGEST
        ? 'may not specify a duration larger than 2^32 seconds'
        : undefined;
  if (wrong !== undefined) {
    throw invalid({ group: 'authentication.k8s.io', kind: 'TokenRequest' }, '', [
      { type: 'Invalid', field: 'spec.expirationSeconds', value: seconds, detail: wrong },
    ]);
  }
  return {
    audiences,
    seconds: Number(seconds),
    reference: valueAt(body, ['spec', 'boundObjectRef']) ?? undefined,
  };
}

/** The object that the token lives as long as; it has to be there, and a pod has to be of this account. */
function boundObject(
  target: Target,
  reference: unknown,
): { readonly bound?: BoundObject; readonly node?: { readonly name: string; readonly uid: string } } {
  if (!isFields(reference)) return {};
  const { kind, name, uid } = reference;
  if ((kind !== 'Pod' && kind !== 'Secret' && kind !== 'Node') || typeof name !== 'string') {
    throw badRequest(
      `cannot bind token for serviceaccount ${JSON.stringify(target.name)} to object of type ${JSON.stringify(kind ?? '')}: only Pod, Secret and Node can be bound to`,
    );
  }
  const { store } = target.context;
  const namespace = kind === 'Node' ? '' : target.namespace;
  const plural = `${kind.toLowerCase()}s`;
  const object = store.get(`/${plural}`, storageKey(namespace, name))?.object;
  if (object === undefined) throw notFound({ group: '', plural }, name);
  const found = object.metadata.uid ?? '';
  if (uid !== undefined && uid !== '' && uid !== found) {
    const message = `the UID in the bound object reference (${JSON.stringify(uid)}) does not match the UID in record. The object might have been deleted and then recreated`;
    throw new StatusError(409, 'Conflict', message, { name, kind: plural });
  }
  const bound: BoundObject = { kind, name, uid: found };
  return kind === 'Pod' ? { bound, ...podFacts(target, object) } : { bound };
}

function podFacts(target: Target, pod: ApiObject): { node?: { name: string; uid: string } } {
  const account = valueAt(pod, ['spec', 'serviceAccountName']) ?? '';
  if (account !== target.name) {
    throw badRequest(
      `cannot bind token to pod ${JSON.stringify(pod.metadata.name)}: it runs as serviceaccount ${JSON.stringify(account)}`,
    );
  }
  const name = valueAt(pod, ['spec', 'nodeName']);
  if (typeof name !== 'string' || name === '') return {};
  const uid = target.context.store.get('/nodes', name)?.object.metadata.uid;
  return uid === undefined ? {} : { node: { name, uid } };
}
