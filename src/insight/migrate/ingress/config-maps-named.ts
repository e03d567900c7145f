import type { IngressModel } from './read.ts';

/** ConfigMaps that annotations read as data, as `namespace/name`. */
export const configMapsNamed = ({ ingresses }: IngressModel): readonly string[] => [
  ...new Set(ingresses.flatMap(({ annotations }) => annotations.text('custom-headers') ?? [])),
];
