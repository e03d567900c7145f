import type { Manifest } from './read-manifests.ts';

/** Kinds that others need, in the order in which they are needed; all other kinds come after them, side by side. */
const first: readonly (readonly string[])[] = [
  ['Namespace', 'CustomResourceDefinition'],
  ['ServiceAccount', 'ConfigMap', 'Secret', 'NetworkPolicy', 'Service', 'GatewayClass', 'IngressClass'],
];

/** Stages of manifests: a stage is applied when the one before it has been. Within a stage the files' order is kept. */
export function stagesOf(manifests: readonly Manifest[]): readonly (readonly Manifest[])[] {
  const stages = [...first, undefined].map(kinds =>
    manifests.filter(({ object }) =>
      kinds === undefined ? !first.flat().includes(object.kind) : kinds.includes(object.kind),
    ),
  );
  return stages.filter(stage => stage.length > 0);
}
