import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { sentenceOf } from '../../base/errors.ts';
import type { NamesInput } from '../compile-cluster.ts';
import { defaultRules } from '../model-rules.ts';
import type { NameRules } from '../model-rules.ts';

/** What the names were made from, at a time: what a server begins with before the API server says a word. */
export interface Snapshot {
  /** Milliseconds since the epoch at which the API server last confirmed it. */
  readonly at: number;
  /** By which rules endpoints were read: `formOf`. */
  readonly form: string;
  readonly input: NamesInput;
}

/** What of the rules is in the state itself. */
export const formOf = ({ endpointPodNames, zonal, pods }: NameRules): string =>
  JSON.stringify({ endpointPodNames, zonal, pods: pods === 'verified' });

export const defaultForm: string = formOf(defaultRules);

const format = 2;

/** Atomic: a reader sees the old one or the whole new one. */
export function writeSnapshot(file: string, snapshot: Snapshot): void {
  writeFileSync(`${file}.new`, JSON.stringify({ format, ...snapshot }), { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

/** Undefined where there is none, or one by other rules; one that cannot be read is told of, and counts as none. */
export function readSnapshot(
  file: string,
  form: string,
  onUnreadable: (reason: string) => void,
): Snapshot | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') onUnreadable(sentenceOf(error));
    return undefined;
  }
  try {
    const {
      format: found,
      at,
      input,
      form: own,
    } = JSON.parse(text) as Snapshot & { readonly format: number };
    if (found === format && own !== form) return undefined;
    const lists = [input.namespaces, input.services, input.slices];
    if (found === format && typeof at === 'number' && lists.every(Array.isArray)) return { at, form, input };
    onUnreadable('it is of another format');
  } catch (error) {
    onUnreadable(sentenceOf(error));
  }
  return undefined;
}
