/** What a path of the resource API asks for; `/api/v1/namespaces/NS/pods/NAME/log`. */
export interface ResourcePath {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  /** Empty for cluster-wide objects and for lists across namespaces. */
  readonly namespace: string;
  readonly name: string;
  readonly subresource: string;
  /** What follows the subresource, as the path that a proxy passes on. */
  readonly rest: readonly string[];
  /** `/api/v1/watch/…`, as clients asked before there was `?watch=true`. */
  readonly isOldWatch: boolean;
}

/** Undefined for paths that are not of the resource API, and for `/api/v1`, which discovery answers. */
export function parseResourcePath(path: string): ResourcePath | undefined {
  const parts = path.split('/').filter(part => part !== '');
  const isCore = parts[0] === 'api';
  if (!isCore && parts[0] !== 'apis') return undefined;
  const group = isCore ? '' : (parts[1] ?? '');
  const version = (isCore ? parts[1] : parts[2]) ?? '';
  const whole = parts.slice(isCore ? 2 : 3);
  const isOldWatch = whole[0] === 'watch' && whole.length > 1;
  const rest = isOldWatch ? whole.slice(1) : whole;
  if (version === '' || rest.length === 0) return undefined;
  if (rest[0] !== 'namespaces' || rest.length < 3 || isNamespaceSubresource(rest[2])) {
    return pathOf({ group, version, namespace: '', isOldWatch }, rest);
  }
  return pathOf({ group, version, namespace: rest[1] ?? '', isOldWatch }, rest.slice(2));
}

/** `namespaces/NAME/status` is a subresource of the namespace; any other third part is a resource within it. */
const isNamespaceSubresource = (part: string | undefined): boolean =>
  part === 'status' || part === 'finalize';

function pathOf(
  scope: Pick<ResourcePath, 'group' | 'version' | 'namespace' | 'isOldWatch'>,
  [plural = '', name = '', subresource = '', ...rest]: readonly string[],
): ResourcePath {
  return { ...scope, plural, name, subresource, rest };
}
