/**
 * How a value is owned (server-side apply, KEP-555): as one piece, or in parts. One node per schema, made when asked for.
 */
export type OwnershipSchema =
  /** Scalars, and whatever is atomic. */
  | { readonly owned: 'whole' }
  /** An object with declared fields, or a map (`declared` is then false for each of its keys). */
  | { readonly owned: 'by-field'; readonly field: (name: string) => OwnedField | undefined }
  /** x-kubernetes-list-type: map. */
  | {
      readonly owned: 'by-key';
      readonly keys: readonly string[];
      readonly defaultOf: (key: string) => unknown;
      readonly items: () => OwnershipSchema;
    }
  /** x-kubernetes-list-type: set. */
  | { readonly owned: 'by-value' }
  /** Nothing is known: objects by field, lists as one piece. */
  | { readonly owned: 'unknown' };

export interface OwnedField {
  readonly schema: OwnershipSchema;
  /** A field with a name in the schema, no key of a map. */
  readonly declared: boolean;
  /** It is there, empty, wherever its parent is: a struct within a struct, or a required list, in the Go types. */
  readonly zero?: Readonly<Record<string, never>> | readonly never[];
}

export const WHOLE: OwnershipSchema = { owned: 'whole' };
export const BY_VALUE: OwnershipSchema = { owned: 'by-value' };
export const UNKNOWN: OwnershipSchema = { owned: 'unknown' };

/** A map whose values have one schema. */
export function mapOf(schema: () => OwnershipSchema): OwnershipSchema {
  return {
    owned: 'by-field',
    field: () => ({ schema: schema(), declared: false }),
  };
}

/** The schema of a field, whatever the parent's schema knows of it. */
export function fieldOf(schema: OwnershipSchema, name: string): OwnedField {
  const known = schema.owned === 'by-field' ? schema.field(name) : undefined;
  return known ?? { schema: UNKNOWN, declared: false };
}
