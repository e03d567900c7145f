import { readFileSync, statSync } from 'node:fs';
import { sentenceOf } from '../../base/errors.ts';
import { parseManifests } from '../apply/parse-manifests.ts';
import { manifestFiles } from '../apply/read-manifests.ts';
import type { Manifest } from '../apply/read-manifests.ts';

export interface ParsedDocuments {
  readonly manifests: readonly Manifest[];
  /** Documents and files that could not be read, in sentences. */
  readonly unread: readonly string[];
}

const mostBytes = 64 * 1024 * 1024;
/** Nobody reads more; the number of the others is said. */
const mostSentences = 100;

/**
 * The objects of files, one document after the other: what is broken, or still has its templating in, is named by file and
 * line, and everything else is read.
 */
export function parseDocuments(paths: readonly string[]): ParsedDocuments {
  const manifests: Manifest[] = [];
  const unread: string[] = [];
  for (const file of paths.flatMap(manifestFiles)) {
    try {
      if (file !== '-' && statSync(file).size > mostBytes) throw new Error('it is larger than 64 MiB');
      const text = readFileSync(file === '-' ? 0 : file, 'utf8');
      read(text, file === '-' ? 'stdin' : file, manifests, unread);
    } catch (error) {
      unread.push(`${file}: ${sentenceOf(error)}`);
    }
  }
  const more = unread.length - mostSentences;
  return {
    manifests,
    unread: more > 0 ? [...unread.slice(0, mostSentences), `${more} more documents`] : unread,
  };
}

/** One document at a time: a file of thousands is never in memory as a tree, and a broken one costs itself alone. */
function read(text: string, source: string, manifests: Manifest[], unread: string[]): void {
  for (const { linesBefore, part } of documentsOf(text))
    try {
      manifests.push(...parseManifests(part, source, linesBefore));
    } catch (error) {
      unread.push(explain(part, sentenceOf(error)));
    }
}

/** Each with its own mark before it; directives belong to the document after them, so that such a file stays whole. */
function documentsOf(text: string): readonly { readonly part: string; readonly linesBefore: number }[] {
  if (/^%/m.test(text)) return [{ part: text, linesBefore: 0 }];
  const documents: { readonly part: string; readonly linesBefore: number }[] = [];
  let [start, linesBefore] = [0, 0];
  const add = (end: number): void => {
    const part = text.slice(start, end);
    if (part.trim() !== '') documents.push({ part, linesBefore });
    for (let at = part.indexOf('\n'); at !== -1; at = part.indexOf('\n', at + 1)) linesBefore++;
    start = end;
  };
  for (const { index } of text.matchAll(/^---(?=[ \t\r\n]|$)/gm)) add(index);
  add(text.length);
  return documents;
}

const explain = (text: string, sentence: string): string =>
  text.includes('{{') ? `${sentence.replace(/\.$/, '')}; it has templating in: render it first.` : sentence;
