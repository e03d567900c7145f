import type { FieldLines } from './http1/fields.ts';
import { field } from './http1/known-fields.ts';

const protocolsOf = (list: string): readonly string[] =>
  list
    .split(',')
    .map(protocol => protocol.trim().toLowerCase())
    .filter(protocol => protocol !== '');

/**
 * What a request's Upgrade offers to a backend; undefined for h2c, which nobody may change to behind our back (RFC 9113
 * section 3.1).
 */
export const offeredProtocol = (list: string): string | undefined =>
  protocolsOf(list).includes('h2c') ? undefined : list;

/**
 * What a backend's 101 changes to: one of the protocols that were offered, as RFC 9110 section 7.8 wants it; undefined
 * where it says none, or another.
 */
export function chosenProtocol(fields: FieldLines, offered: string): string | undefined {
  const lines: string[] = [];
  for (let index = 0; index < fields.count; index++)
    if (fields.known[index] === field.upgrade) lines.push(fields.value(index));
  const chosen = lines.join(', ');
  const offers = protocolsOf(offered);
  const protocols = protocolsOf(chosen);
  return protocols.length > 0 && protocols.every(protocol => offers.includes(protocol)) ? chosen : undefined;
}
