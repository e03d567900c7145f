import type { ApiObject, Fields } from '../object.ts';
import { isFields, textsOf } from '../object.ts';

/** The fields of a Service that allocation reads, whatever else is in it. */
export interface ServiceSpec {
  readonly type: string;
  readonly clusterIP: string;
  readonly clusterIPs: readonly string[];
  readonly ipFamilies: readonly string[];
  readonly ipFamilyPolicy: string | undefined;
  readonly hasSelector: boolean;
}

export function specOf(object: ApiObject): Fields {
  const spec = object['spec'];
  return isFields(spec) ? spec : {};
}

export function serviceSpec(object: ApiObject): ServiceSpec {
  const spec = specOf(object);
  const clusterIP = textOf(spec['clusterIP']) ?? '';
  const clusterIPs = textsOf(spec['clusterIPs']);
  return {
    type: textOf(spec['type']) ?? 'ClusterIP',
    clusterIP,
    clusterIPs: clusterIPs.length === 0 && clusterIP !== '' ? [clusterIP] : clusterIPs,
    ipFamilies: textsOf(spec['ipFamilies']),
    ipFamilyPolicy: textOf(spec['ipFamilyPolicy']),
    hasSelector: isFields(spec['selector']) && Object.keys(spec['selector']).length > 0,
  };
}

/** A copy with changed spec fields; undefined removes one. */
export function withSpec(object: ApiObject, changes: Readonly<Record<string, unknown>>): ApiObject {
  const spec = { ...specOf(object), ...changes };
  return {
    ...object,
    spec: Object.fromEntries(Object.entries(spec).filter(([, value]) => value !== undefined)),
  };
}

export const isHeadless = (spec: ServiceSpec): boolean => spec.clusterIPs[0] === 'None';

const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

/** The cluster's addresses that a Service has. */
export const addressesOf = (object: ApiObject): readonly string[] =>
  serviceSpec(object).clusterIPs.filter(address => address !== 'None' && address !== '');
