import type { ApiObject } from '../../object.ts';
import type { Definition } from '../define.ts';

/** A kind as v1beta1 serves it: the same objects under another version (conversion strategy `None`). */
export function asBeta(definition: Definition): Definition {
  const { group, plural, version, kind } = definition;
  const withVersion = (wanted: string) => (object: ApiObject) => ({
    ...object,
    apiVersion: `${group}/${wanted}`,
  });
  return {
    ...definition,
    version: 'v1beta1',
    schema: `io.k8s.networking.gateway.v1beta1.${kind}`,
    storage: `${group}/${plural}`,
    view: { toStorage: withVersion(version), fromStorage: withVersion('v1beta1') },
  };
}
