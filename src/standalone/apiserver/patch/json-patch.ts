import { equalJson } from '../codec/json.ts';
import { isFields } from '../object.ts';

/** An operation that cannot be done; the whole patch is refused. */
export class JsonPatchError extends Error {
  override readonly name = 'JsonPatchError';
}

const MOST_OPERATIONS = 10_000;
/** Characters that all copies of a patch make together: copies of copies double. */
const MOST_COPIED = 3 * 1024 * 1024;

/**
 * JSON patch (RFC 6902) on a copy; throws JsonPatchError with the operation that failed. As upstream `replace` sets a field
 * that is absent too.
 */
export function jsonPatch(document: unknown, patch: unknown): unknown {
  if (!Array.isArray(patch)) throw new JsonPatchError('the patch is not a list of operations');
  if (patch.length > MOST_OPERATIONS) {
    throw new JsonPatchError(
      `the allowed maximum operations in a JSON patch is ${MOST_OPERATIONS}, got ${patch.length}`,
    );
  }
  let result: unknown = structuredClone(document);
  const copies = { left: MOST_COPIED };
  for (const [index, operation] of patch.entries()) {
    try {
      result = applyOperation(result, operation, copies);
    } catch (error) {
      if (!(error instanceof JsonPatchError)) throw error;
      throw new JsonPatchError(`operation ${index}: ${error.message}`);
    }
  }
  return result;
}

function applyOperation(document: unknown, operation: unknown, copies: { left: number }): unknown {
  if (!isFields(operation)) throw new JsonPatchError('is not an object');
  const path = pointerOf(operation, 'path');
  switch (operation['op']) {
    case 'add':
      return add(document, path, valueOf(operation));
    case 'remove':
      return remove(document, path).document;
    case 'replace':
      return replace(document, path, valueOf(operation));
    case 'move': {
      const from = pointerOf(operation, 'from');
      if (path.length > from.length && from.every((step, at) => step === path[at])) {
        throw new JsonPatchError(`cannot move ${show(from)} into itself`);
      }
      const taken = remove(document, from);
      return add(taken.document, path, taken.value);
    }
    case 'copy':
      return add(document, path, copied(read(document, pointerOf(operation, 'from')), copies));
    case 'test':
      if (!equalJson(tested(document, path), valueOf(operation))) {
        throw new JsonPatchError(`testing value ${show(path)} failed`);
      }
      return document;
    default:
      throw new JsonPatchError(`unexpected kind of operation ${JSON.stringify(operation['op'] ?? null)}`);
  }
}

function copied(value: unknown, copies: { left: number }): unknown {
  const text = JSON.stringify(value);
  copies.left -= text.length;
  if (copies.left < 0) throw new JsonPatchError(`copies more than ${MOST_COPIED} characters`);
  return JSON.parse(text);
}

function valueOf(operation: Readonly<Record<string, unknown>>): unknown {
  if (!Object.hasOwn(operation, 'value')) throw new JsonPatchError('has no value');
  return operation['value'];
}

/** The unescaped steps of a JSON pointer (RFC 6901). */
function pointerOf(operation: Readonly<Record<string, unknown>>, field: 'path' | 'from'): readonly string[] {
  const pointer = operation[field];
  if (typeof pointer !== 'string' || (pointer !== '' && !pointer.startsWith('/'))) {
    throw new JsonPatchError(`${field} is not a JSON pointer`);
  }
  const steps = pointer
    .split('/')
    .slice(1)
    .map(step => step.replace(/~1/g, '/').replace(/~0/g, '~'));
  if (steps.includes('__proto__')) throw new JsonPatchError(`${field} names "__proto__"`);
  return steps;
}

const show = (path: readonly string[]): string => JSON.stringify(`/${path.join('/')}`);

function read(document: unknown, path: readonly string[]): unknown {
  let at = document;
  for (const step of path) {
    if (Array.isArray(at)) at = at[indexOf(step, at.length - 1, path)];
    else if (isFields(at) && Object.hasOwn(at, step)) at = at[step];
    else throw new JsonPatchError(`path ${show(path)} does not exist`);
  }
  return at;
}

/** A field that is absent is equal to null, as upstream has it. */
function tested(document: unknown, path: readonly string[]): unknown {
  const last = path.at(-1);
  if (last === undefined) return document;
  const parent = read(document, path.slice(0, -1));
  return isFields(parent) && !Object.hasOwn(parent, last) ? null : read(document, path);
}

function add(document: unknown, path: readonly string[], value: unknown): unknown {
  const last = path.at(-1);
  if (last === undefined) return value;
  const parent = read(document, path.slice(0, -1));
  if (Array.isArray(parent))
    parent.splice(last === '-' ? parent.length : indexOf(last, parent.length, path), 0, value);
  else setField(parent, last, value, path);
  return document;
}

function replace(document: unknown, path: readonly string[], value: unknown): unknown {
  const last = path.at(-1);
  if (last === undefined) return value;
  const parent = read(document, path.slice(0, -1));
  if (Array.isArray(parent)) parent[indexOf(last, parent.length - 1, path)] = value;
  else setField(parent, last, value, path);
  return document;
}

function remove(document: unknown, path: readonly string[]): { document: unknown; value: unknown } {
  const last = path.at(-1);
  if (last === undefined) throw new JsonPatchError('cannot remove the whole document');
  const value = read(document, path);
  const parent = read(document, path.slice(0, -1));
  if (Array.isArray(parent)) parent.splice(indexOf(last, parent.length - 1, path), 1);
  else delete (parent as Record<string, unknown>)[last]; // `read` found the field, so this is an object
  return { document, value };
}

function setField(parent: unknown, field: string, value: unknown, path: readonly string[]): void {
  if (!isFields(parent)) throw new JsonPatchError(`path ${show(path)} does not exist`);
  (parent as Record<string, unknown>)[field] = value; // part of our own copy
}

function indexOf(step: string, last: number, path: readonly string[]): number {
  if (!/^(0|[1-9]\d{0,8})$/.test(step) || Number(step) > last) {
    throw new JsonPatchError(`path ${show(path)} does not exist: no index ${JSON.stringify(step)}`);
  }
  return Number(step);
}
