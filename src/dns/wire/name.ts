import { FairleadError } from '../../base/errors.ts';
import { limits } from './codes.ts';

/**
 * A name in wire form without compression, as a string of one character an octet, with ASCII letters in lower case: what
 * names are compared and looked up by (RFC 4343). The root is one zero octet.
 */
export type NameKey = string & { readonly __brand: 'NameKey' };

/**
 * `web.default.svc.cluster.local` (a dot at the end may stand) in wire form, letters as they are. `\.` and `\DDD` stand
 * for octets as in RFC 4343 section 2.1. Undefined for a name that cannot be: an empty or long label, 256 octets.
 */
export function encodeName(text: string): Buffer | undefined {
  const labels = text === '.' || text === '' ? [] : labelsOf(text);
  if (labels === undefined) return undefined;
  const octets: number[] = [];
  for (const label of labels) {
    if (label.length === 0 || label.length > limits.label) return undefined;
    octets.push(label.length, ...label);
  }
  octets.push(0);
  return octets.length > limits.name ? undefined : Buffer.from(octets);
}

/** The key of a name that is known to be one. */
export function keyOfName(text: string): NameKey {
  const wire = encodeName(text);
  if (wire !== undefined) return foldKey(wire.toString('latin1'));
  throw new FairleadError('dns/bad-name', `"${text.slice(0, 80)}" is not a domain name`);
}

/** The key of wire-form octets: ASCII letters alone are folded; other octets are what they are (RFC 4343 section 3). */
export function foldKey(wire: string): NameKey {
  const folded = wire.toLowerCase();
  // Two names in one place, and a wrong question to an upstream, would come of folding more.
  if (folded !== wire && beyondAscii.test(wire))
    return wire.replaceAll(/[A-Z]+/g, letters => letters.toLowerCase()) as NameKey;
  return folded as NameKey;
}

const beyondAscii = /[\x80-\xff]/;

/** The name without its first label; the root's is the root. */
export function parentKey(key: NameKey): NameKey {
  const length = key.charCodeAt(0);
  return (length === 0 ? key : key.slice(length + 1)) as NameKey;
}

/** Whether the name is `zone` or below it. */
export function isWithin(key: NameKey, zone: NameKey): boolean {
  if (!key.endsWith(zone)) return false;
  let at = 0;
  const start = key.length - zone.length;
  while (at < start) at += key.charCodeAt(at) + 1;
  return at === start; // else the zone's octets began inside a label
}

/** For people, without a dot at the end; the root is `.`. */
export function textOfName(wire: string): string {
  const labels: string[] = [];
  for (let at = 0; at < wire.length;) {
    const length = wire.charCodeAt(at);
    if (length === 0) break;
    labels.push(escapeLabel(wire.slice(at + 1, at + 1 + length)));
    at += length + 1;
  }
  return labels.length === 0 ? '.' : labels.join('.');
}

function labelsOf(text: string): readonly (readonly number[])[] | undefined {
  const labels: number[][] = [[]];
  for (let at = 0; at < text.length; at++) {
    const character = text[at] ?? '';
    if (character === '.') {
      if (at < text.length - 1) labels.push([]);
      continue;
    }
    let octet = character.charCodeAt(0);
    if (character === '\\') {
      const digits = /^\d{3}/.exec(text.slice(at + 1, at + 4))?.[0];
      octet = digits === undefined ? text.charCodeAt(at + 1) || 256 : Number(digits);
      at += digits === undefined ? 1 : 3;
    }
    if (octet > 255) return undefined;
    labels.at(-1)?.push(octet);
  }
  return labels;
}

const escapeLabel = (label: string): string =>
  label.replace(/[^!-~]|[.\\]/g, character =>
    character === '.' || character === '\\'
      ? `\\${character}`
      : `\\${character.charCodeAt(0).toString().padStart(3, '0')}`,
  );
