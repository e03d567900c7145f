import type { Verb } from '../kind.ts';
import type { ApiResponse } from '../request.ts';
import { badRequest, methodNotAllowed, notFound } from '../status.ts';
import { readLog } from '../connect/log.ts';
import { bind } from './binding.ts';
import { evict } from './eviction.ts';
import { finalize } from './finalize.ts';
import { patch } from './patch.ts';
import { get } from './read.ts';
import { getScale, patchScale, updateScale } from './scale.ts';
import { keyOfTarget, objectsOf } from './target.ts';
import type { Target } from './target.ts';
import { requestToken } from './token.ts';
import { update } from './update.ts';

/** Subresources by name; a name that is in the registry and not here is answered with 405. */
export function answerSubresource(target: Target, verb: Verb): ApiResponse | Promise<ApiResponse> {
  const by = (handlers: Partial<Record<Verb, (target: Target) => ApiResponse | Promise<ApiResponse>>>) => {
    const handler = handlers[verb];
    if (handler === undefined) throw methodNotAllowed();
    return handler(target);
  };
  switch (target.subresource?.name ?? '') {
    case 'status':
    case 'ephemeralcontainers':
    case 'resize':
      return by({ get, update, patch });
    case 'scale':
      return by({ get: getScale, update: updateScale, patch: patchScale });
    case 'binding':
      return by({ create: bind });
    case 'eviction':
      return by({ create: evict });
    case 'token':
      return by({ create: requestToken });
    case 'finalize':
      return by({ update: finalize });
    case 'log':
      return by({ get: readLog });
    case 'exec':
    case 'attach':
    case 'portforward':
      if (objectsOf(target).get(keyOfTarget(target)) === undefined) throw notFound(target.kind, target.name);
      throw badRequest('Upgrade request required');
    default:
      throw methodNotAllowed();
  }
}
