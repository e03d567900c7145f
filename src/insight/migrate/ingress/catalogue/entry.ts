import type { Effect, Severity } from '../announcement.ts';

/** The form of a value, as the controller reads it. */
export type ValueForm = 'flag' | 'number' | 'text' | 'list' | 'size';

/** An annotation, a key of the ConfigMap or a flag, and what becomes of it. */
export interface CatalogueEntry {
  readonly name: string;
  readonly form: ValueForm;
  /** What it does, as a clause: `answers 413 to larger bodies`. */
  readonly does: string;
  readonly fate: Fate;
}

export type Fate =
  /** The converter decides by the value and its neighbours. */
  | { readonly is: 'converted' }
  /** No target has it in its API. */
  | {
      readonly is: 'lost';
      readonly severity: Severity;
      readonly why: string;
      readonly effects: readonly Effect[];
      /** Values that ask for nothing, so that nothing is lost: the default among them. */
      readonly neutral: readonly string[];
      /** It keeps people out: what it guards is held back rather than opened. */
      readonly guards?: true;
    }
  /** It tunes nginx; no request tells it from another value. */
  | { readonly is: 'inner' }
  /** It says more of another entry, and shares its fate. */
  | { readonly is: 'detail'; readonly of: string };

export const converted = (name: string, form: ValueForm, does: string): CatalogueEntry => ({
  name,
  form,
  does,
  fate: { is: 'converted' },
});

export const inner = (name: string, form: ValueForm, does: string): CatalogueEntry => ({
  name,
  form,
  does,
  fate: { is: 'inner' },
});

export const detail = (name: string, form: ValueForm, of: string, does: string): CatalogueEntry => ({
  name,
  form,
  does,
  fate: { is: 'detail', of },
});

interface Loss {
  readonly severity: Severity;
  readonly why: string;
  readonly effects: readonly Effect[];
  readonly neutral?: readonly string[];
  readonly guards?: true;
}

export const lost = (
  name: string,
  form: ValueForm,
  does: string,
  { neutral = [], ...loss }: Loss,
): CatalogueEntry => ({ name, form, does, fate: { is: 'lost', neutral, ...loss } });
