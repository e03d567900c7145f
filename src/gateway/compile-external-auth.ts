import type { BackendObjectReference, HTTPExternalAuthFilter } from '../kube/types/gateway-routes.ts';
import type { Unsupported } from './compile-match.ts';
import type { TableExternalAuth } from './table.ts';

const TOKEN = /^[\w!#$%&'*+.^`|~-]+$/;
const PATH = /^[-\w.~!$&'()*+,;=:@%/]*$/;
/** Each request that waits for an answer holds so many octets at most. */
const MOST_BODY = 1024 * 1024;

/** `leadTo`: the key of the backend; undefined where the reference leads nowhere. */
export function compileExternalAuth(
  filter: HTTPExternalAuthFilter | undefined,
  leadTo: (reference: BackendObjectReference) => string | undefined,
): TableExternalAuth | Unsupported {
  if (filter === undefined) return { field: 'externalAuth', sentence: 'it is not there' };
  const { backendRef, forwardBody, grpc, http, protocol } = filter;
  const wrong = (field: string, sentence: string) => ({ field: `externalAuth.${field}`, sentence });
  if (protocol !== 'HTTP' && protocol !== 'GRPC')
    return wrong('protocol', `${String(protocol)} is not supported`);
  const { path = '', allowedResponseHeaders = [] } = http ?? {};
  const allowedHeaders = (protocol === 'GRPC' ? grpc : http)?.allowedHeaders ?? [];
  for (const name of [...allowedHeaders, ...allowedResponseHeaders])
    if (!TOKEN.test(name))
      return wrong(protocol.toLowerCase(), `${JSON.stringify(name)} is no name of a header`);
  const elements = path.split('/');
  if (!PATH.test(path) || elements.includes('..') || elements.includes('.'))
    return wrong('http.path', `${JSON.stringify(path)} is no path`);
  const bodySize = forwardBody?.maxSize ?? 0;
  if (!(bodySize >= 0 && bodySize <= MOST_BODY))
    return wrong('forwardBody.maxSize', `${bodySize} is not between 0 and ${MOST_BODY}`);
  const prefix = elements.filter(element => element !== '').join('/');
  const backend = leadTo(backendRef);
  return {
    type: 'ExternalAuth',
    protocol,
    ...(backend === undefined ? {} : { backend }),
    bodySize,
    pathPrefix: prefix === '' || protocol === 'GRPC' ? '' : `/${prefix}`,
    allowedHeaders: allowedHeaders.map(name => name.toLowerCase()),
    allowedResponseHeaders: allowedResponseHeaders.map(name => name.toLowerCase()),
  };
}
