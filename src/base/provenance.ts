/** The object and field that made something: what an explanation, a counter and a report lead back to. */
export interface Provenance {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly generation: number;
  /** A path as Kubernetes writes it: `spec.ports[0]`. */
  readonly field: string;
}

/** The object in words: `Kind/namespace/name`, `Kind/name` where it has no namespace. */
export const objectNameOf = ({ kind, namespace, name }: Provenance): string =>
  namespace === '' ? `${kind}/${name}` : `${kind}/${namespace}/${name}`;

/** What is wrong with an object, in words for a condition or an Event; the rest of it is not affected. */
export interface Problem {
  readonly provenance: Provenance;
  readonly sentence: string;
}

/** The part of an object's metadata that says which object it is (meta/v1 ObjectMeta). */
interface Identity {
  readonly namespace?: string;
  readonly name: string;
  readonly uid?: string;
  readonly generation?: number;
}

export function provenanceOf(kind: string, metadata: Identity, field: string): Provenance {
  const { namespace = '', name, uid = '', generation = 0 } = metadata;
  return { kind, namespace, name, uid, generation, field };
}
