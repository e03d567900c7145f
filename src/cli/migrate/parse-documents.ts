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

function read(text: string, source: string, manifests: Manifest[], unread: string[]): void {
  try {
    manifests.push(...parseManifests(text, source));
  } catch (error) {
    const documents = documentsOf(text);
    if (documents.length < 2) {
      unread.push(explain(text, sentenceOf(error)));
      return;
    }
    for (const document of documents)
      try {
        manifests.push(...parseManifests(document, source));
      } catch (own) {
        unread.push(explain(document, sentenceOf(own)));
      }
  }
}

/** Each with as many empty lines before it as it has lines before it, so that positions stay those of the file. */
function documentsOf(text: string): readonly string[] {
  const documents: string[] = [];
  let [start, lines] = [0, 0];
  for (const mark of text.matchAll(/^---(?:[ \t].*)?$/gm)) {
    documents.push('\n'.repeat(lines) + text.slice(start, mark.index));
    lines += text.slice(start, mark.index + mark[0].length).split('\n').length - 1;
    start = mark.index + mark[0].length;
  }
  documents.push('\n'.repeat(lines) + text.slice(start));
  return documents.filter(document => document.trim() !== '');
}

const explain = (text: string, sentence: string): string =>
  text.includes('{{') ? `${sentence.replace(/\.$/, '')}; it has templating in: render it first.` : sentence;
