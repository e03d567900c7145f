import type { ModelRequest } from '../model/index.ts';

/** How often a request is tried in a smaller form. */
const MOST_TRIES = 80;

/** The smallest request that still shows what a request shows: each part is taken off that is not needed. */
export function minimise(request: ModelRequest, shows: (smaller: ModelRequest) => boolean): ModelRequest {
  let smallest = request;
  let tries = 0;
  for (let isSmaller = true; isSmaller && tries < MOST_TRIES;) {
    isSmaller = false;
    for (const candidate of smallerOnes(smallest)) {
      if (++tries > MOST_TRIES) break;
      if (!shows(candidate)) continue;
      smallest = candidate;
      isSmaller = true;
      break;
    }
  }
  return smallest;
}

function* smallerOnes(request: ModelRequest): Generator<ModelRequest> {
  const { bodyLength, headers, host, method, target } = request;
  if (bodyLength > 0) yield { ...request, bodyLength: 0, method: 'GET' };
  for (const name of Object.keys(headers)) {
    const { [name]: _, ...rest } = headers;
    yield { ...request, headers: rest };
  }
  if (method !== 'GET' && bodyLength === 0) yield { ...request, method: 'GET' };
  if (/:\d+$/.test(host)) yield { ...request, host: host.replace(/:\d+$/, '') };
  if (host !== host.toLowerCase()) yield { ...request, host: host.toLowerCase() };
  const question = target.indexOf('?');
  const path = question === -1 ? target : target.slice(0, question);
  if (question !== -1) yield { ...request, target: path };
  for (const smaller of smallerPaths(path)) yield { ...request, target: smaller };
}

function* smallerPaths(path: string): Generator<string> {
  if (path.includes('%'))
    yield path.replaceAll(/%(?:2[dDeE]|3\d|[4-7]\d|[4-7][A-Ea-e])/g, escape => {
      const character = String.fromCharCode(Number.parseInt(escape.slice(1), 16));
      return /[\w.~-]/.test(character) ? character : escape;
    });
  if (path.includes('//')) yield path.replaceAll(/\/{2,}/g, '/');
  const segments = path.split('/').slice(1);
  for (let at = segments.length - 1; at >= 0; at--) {
    const rest = segments.filter((_, index) => index !== at);
    if (rest.length > 0) yield `/${rest.join('/')}`;
  }
  if (path.endsWith('/') && path.length > 1) yield path.slice(0, -1);
  for (const [at, segment] of segments.entries())
    if (segment.length > 1) yield `/${segments.with(at, segment.slice(0, -1)).join('/')}`;
}
