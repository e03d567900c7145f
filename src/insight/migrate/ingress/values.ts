/** How the controller reads values of annotations and of its ConfigMap: what is not of the form counts as absent. */

const TRUE: ReadonlySet<string> = new Set(['1', 't', 'T', 'TRUE', 'true', 'True']);
const FALSE: ReadonlySet<string> = new Set(['0', 'f', 'F', 'FALSE', 'false', 'False']);

/** A boolean as Go's strconv.ParseBool reads it: `yes` and `on` are none. */
export function flagOf(text: string): boolean | undefined {
  if (TRUE.has(text)) return true;
  return FALSE.has(text) ? false : undefined;
}

/** A whole number as Go's strconv.Atoi reads it: neither `5s` nor ` 5` is one. */
export const numberOf = (text: string): number | undefined =>
  /^[-+]?\d{1,15}$/.test(text) ? Number(text) : undefined;

/** Text with every line trimmed; nothing left counts as absent. */
export function textOf(text: string): string | undefined {
  const trimmed = text
    .split('\n')
    .map(line => line.trim())
    .join('\n');
  return trimmed === '' ? undefined : trimmed;
}

/** Entries between commas, trimmed, without empty ones. */
export const listOf = (text: string): readonly string[] =>
  text
    .split(',')
    .map(entry => entry.trim())
    .filter(entry => entry !== '');

/** An annotation's or a key's value, in every form that it may be asked for. */
export interface Values {
  readonly names: readonly string[];
  has(name: string): boolean;
  /** As it is written. */
  raw(name: string): string | undefined;
  text(name: string): string | undefined;
  flag(name: string): boolean | undefined;
  number(name: string): number | undefined;
  list(name: string): readonly string[] | undefined;
}

export function valuesOf(written: Readonly<Record<string, string>>): Values {
  const entries = new Map(Object.entries(written));
  const read = <T>(name: string, parse: (text: string) => T | undefined): T | undefined => {
    const text = entries.get(name);
    return text === undefined ? undefined : parse(text);
  };
  return Object.freeze({
    names: [...entries.keys()],
    has: (name: string) => entries.has(name),
    raw: (name: string) => entries.get(name),
    text: (name: string) => read(name, textOf),
    flag: (name: string) => read(name, flagOf),
    number: (name: string) => read(name, numberOf),
    list: (name: string) => read(name, listOf),
  });
}
