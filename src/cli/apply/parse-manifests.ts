import {
  type Document,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseAllDocuments,
  type Tags,
} from 'yaml';
import { FairleadError } from '../../base/errors.ts';
import type { KubeObject } from '../../kube/types/meta.ts';
import { parseFieldPath } from './field-path.ts';
import type { Manifest } from './read-manifests.ts';

/**
 * The objects of one multi-document text, YAML or JSON. Scalars are read as Kubernetes' parser does (YAML 1.1: `0644` is
 * octal, `yes` is true), without its dates and base-60 numbers, which that parser leaves alone too. A List gives its items.
 * `linesBefore`: how many lines of its file are before the text.
 */
export function parseManifests(text: string, source: string, linesBefore = 0): readonly Manifest[] {
  const lines = new LineCounter();
  const { linePos } = lines;
  lines.linePos = offset => {
    const { col, line } = linePos(offset);
    return { col, line: line + linesBefore };
  };
  const documents = parseAllDocuments(text, {
    version: '1.1',
    customTags: tags => tags.filter(isRead),
    lineCounter: lines,
    prettyErrors: false,
    logLevel: 'silent',
  });
  return [...documents].flatMap(document => {
    const error = document.errors[0];
    if (error !== undefined) {
      const { line, col } = lines.linePos(error.pos[0]);
      throw new FairleadError(
        'apply/bad-yaml',
        `${source}:${line}: is not YAML: ${firstLine(error.message)}`,
        {
          hint: `Mend line ${line}, column ${col}.`,
        },
      );
    }
    return isEmpty(document) ? [] : objectsOf(document, source, lines);
  });
}

/** A document without content, or with comments alone. */
const isEmpty = ({ contents }: Document.Parsed): boolean =>
  contents === null || (isScalar(contents) && contents.value === null);

function isRead(tag: Tags[number]): boolean {
  if (typeof tag === 'string')
    return !['timestamp', 'intTime', 'floatTime', 'binary', 'set', 'omap', 'pairs'].includes(tag);
  const { format, tag: name } = tag;
  return format !== 'TIME' && !/:(timestamp|binary|set|omap|pairs)$/.test(name);
}

function objectsOf(document: Document, source: string, lines: LineCounter): readonly Manifest[] {
  const root = document.contents as Node;
  const value = toPlain(document, source, lines);
  if (isMap(root) && isList(value)) {
    const items = root.get('items', true);
    return value.items.map((item, index) => {
      const node = isSeq(items) ? (items.items[index] as Node) : root;
      return manifestOf(item, node, source, lines);
    });
  }
  return [manifestOf(value, root, source, lines)];
}

function toPlain(document: Document, source: string, lines: LineCounter): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch (cause) {
    const { line } = lines.linePos(document.range?.[0] ?? 0);
    throw new FairleadError('apply/bad-yaml', `${source}:${line}: cannot be read`, {
      hint: 'Write the document without anchors and aliases that repeat each other.',
      cause,
    });
  }
}

function isList(value: unknown): value is { readonly items: readonly unknown[] } {
  if (typeof value !== 'object' || value === null) return false;
  const { kind, items } = value as { readonly kind?: unknown; readonly items?: unknown };
  return typeof kind === 'string' && kind.endsWith('List') && Array.isArray(items);
}

function manifestOf(value: unknown, node: Node, source: string, lines: LineCounter): Manifest {
  const line = lineAt(node, lines);
  const fail = (sentence: string, hint: string, field?: string) =>
    new FairleadError('apply/not-an-object', `${source}:${line}: ${sentence}`, {
      hint,
      ...(field === undefined ? {} : { field }),
    });
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw fail(
      'is not a Kubernetes object.',
      'Write fields (apiVersion, kind, metadata, …), or remove this document.',
    );
  }
  const { apiVersion, kind, metadata } = value as Record<string, unknown>;
  for (const [field, found] of Object.entries({ apiVersion, kind })) {
    if (typeof found === 'string' && found !== '') continue;
    throw fail(
      `has no ${field}.`,
      `Give the object its ${field}, such as ${field === 'kind' ? 'Pod' : 'v1'}.`,
      field,
    );
  }
  const names = (metadata ?? {}) as { readonly name?: unknown; readonly generateName?: unknown };
  if (typeof names.name !== 'string' || names.name === '') {
    throw fail(
      `${String(kind)} has no name.`,
      typeof names.generateName === 'string'
        ? 'Applying finds an object by its name: give it one instead of generateName.'
        : 'Give it a text as metadata.name.',
      'metadata.name',
    );
  }
  return {
    object: value as KubeObject,
    source,
    line,
    lineOf: field => lineAt(closestNode(node, parseFieldPath(field)), lines),
  };
}

/** The node at a path, its key's where it has one (that is the line people look for), or the closest parent's. */
function closestNode(root: Node, path: readonly (string | number)[]): Node {
  let closest = root;
  let container: unknown = root;
  for (const part of path) {
    if (isMap(container)) {
      const pair = container.items.find(({ key }) => isScalar(key) && key.value === part);
      if (pair === undefined) return closest;
      closest = pair.key as Node;
      container = pair.value;
    } else if (isSeq(container) && typeof part === 'number') {
      const item = container.items[part];
      if (item === undefined) return closest;
      closest = item as Node;
      container = item;
    } else {
      return closest;
    }
  }
  return closest;
}

const lineAt = (node: Node, lines: LineCounter): number => lines.linePos(node.range?.[0] ?? 0).line;

const firstLine = (text: string): string => text.split('\n')[0] ?? text;
