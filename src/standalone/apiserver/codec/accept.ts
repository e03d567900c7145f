import { StatusError } from '../status.ts';

/** In which form an answer is wanted. */
export type Form =
  | { readonly as: 'object' }
  | { readonly as: 'Table' | 'PartialObjectMetadata' | 'PartialObjectMetadataList'; readonly version: string }
  | { readonly as: 'APIGroupDiscoveryList'; readonly version: string };

const SERVED: Readonly<Record<string, readonly string[]>> = {
  'meta.k8s.io/Table': ['v1', 'v1beta1'],
  'meta.k8s.io/PartialObjectMetadata': ['v1', 'v1beta1'],
  'meta.k8s.io/PartialObjectMetadataList': ['v1', 'v1beta1'],
  'apidiscovery.k8s.io/APIGroupDiscoveryList': ['v2'],
};

/**
 * The first acceptable clause of an Accept header, as `application/json;as=Table;v=v1;g=meta.k8s.io,application/json`.
 * Answers are written as JSON (YAML is made of it at the very end); clauses for other types are passed over. 406 if
 * nothing is left.
 */
export function chooseForm(accept: string | undefined, allowed: readonly Form['as'][]): Form {
  if (accept === undefined || accept.trim() === '') return { as: 'object' };
  for (const clause of accept.split(',').slice(0, 64)) {
    const [type = '', ...parameters] = clause.split(';').map(part => part.trim());
    if (!['application/json', YAML, '*/*'].includes(type.toLowerCase())) continue;
    const given = Object.fromEntries(parameters.map(parameter => parameter.split('=', 2))) as Record<
      string,
      string
    >;
    const { as, g, v } = given;
    if (as === undefined) return { as: 'object' };
    const served = Object.hasOwn(SERVED, `${g}/${as}`) ? SERVED[`${g}/${as}`] : undefined;
    if (served?.includes(v ?? '') === true && allowed.includes(as as Form['as'])) {
      return { as, version: v } as Form;
    }
  }
  throw notAcceptable('application/json, application/yaml');
}

const YAML = 'application/yaml';

/** True for a client that would rather have YAML than JSON, and takes it. */
export function prefersYaml(accept: string | undefined): boolean {
  if (accept === undefined || !accept.includes(YAML)) return false;
  const types = accept.split(',').map(clause => clause.split(';', 1)[0]?.trim().toLowerCase() ?? '');
  return types.find(type => type === YAML || type === 'application/json' || type === '*/*') === YAML;
}

export const notAcceptable = (accepted: string): StatusError =>
  new StatusError(406, 'NotAcceptable', `only the following media types are accepted: ${accepted}`);
