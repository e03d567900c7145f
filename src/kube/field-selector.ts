import { FairleadError } from '../base/errors.ts';

/** One term of a field selector: a path and whether its value has to be, or must not be, the given one. */
export interface FieldRequirement {
  /** As `spec.nodeName`. */
  readonly path: string;
  readonly equal: boolean;
  readonly value: string;
}

/**
 * Reads `spec.nodeName=node-1,status.phase!=Running`, as kubectl's `--field-selector` takes it; in values `\\`, `\,`
 * and `\=` stand for themselves. Throws `kube/bad-selector`.
 */
export function parseFieldSelector(text: string): readonly FieldRequirement[] {
  if (text === '') return [];
  return text.split(/(?<!(?<!\\)(?:\\\\)*\\),/).map(term => {
    const parts = /^\s*([A-Za-z0-9_.\-/[\]'"]+)\s*(==|=|!=)(.*)$/s.exec(term);
    if (parts === null) {
      throw new FairleadError(
        'kube/bad-selector',
        `The field selector ${JSON.stringify(text)} cannot be read.`,
        {
          field: 'fieldSelector',
          hint: 'Write terms as metadata.name=web or status.phase!=Running, separated by commas.',
        },
      );
    }
    const [, path = '', operator, value = ''] = parts;
    return { path, equal: operator !== '!=', value: value.replace(/\\([\\,=])/g, '$1') };
  });
}

/** Do the fields of an object, as its kind exposes them to selectors, fulfil the requirements? Absent is empty. */
export function matchesFields(
  requirements: readonly FieldRequirement[],
  valueAt: (path: string) => string | undefined,
): boolean {
  return requirements.every(({ path, equal, value }) => ((valueAt(path) ?? '') === value) === equal);
}
