import { bytesOf, parseAddress } from '../base/ip.ts';
import type { Address } from '../base/ip.ts';
import { compileAnswer } from './compile-answer.ts';
import { hashName } from './compile-kernel-hash.ts';
import type { Secret } from './compile-kernel-hash.ts';
import type { ClusterNames } from './compile-cluster.ts';
import { isWithin, keyOfName, limits, types } from './wire/index.ts';
import type { NameKey } from './wire/index.ts';

/**
 * What the kernel's maps have of the cluster's names; bpf/dns-maps.h has the same shapes. Only what the server would say
 * with the same octets goes in: all else is marked as the server's, or is not there while the whole is not complete.
 */
export const lengths = {
  hash: 16,
  name: 40,
  addresses: 336,
  settings: 224,
  pod: 72,
  client: 16,
  label: 64,
  counts: 232,
} as const;

/** An element of the map of names, and of that of many addresses where it has many. */
export interface KernelName {
  readonly hash: Uint8Array;
  readonly name: Uint8Array;
  readonly many: Uint8Array | undefined;
}

export interface KernelSettings {
  /** Questions are answered at all. */
  readonly answers: boolean;
  /** What is not there does not exist. */
  readonly complete: boolean;
  /** Search lists are completed by the server. */
  readonly autopath: boolean;
  /** The server's, of both families. */
  readonly addresses: readonly string[];
  /** Octets of an answer by UDP at most. */
  readonly largest: number;
  /** Seconds of CLOCK_MONOTONIC: nothing is answered after it. */
  readonly until: number;
}

const flags = { passA: 1, passAaaa: 2, openBelow: 4, many: 8 } as const;
const settingsFlags = { answers: 1, complete: 2, autopath: 4 } as const;
const mostAddresses = 16;
const longestSoa = 128;
const mostPointers = 4;
/** A pointer to the question's name. */
const toQuestion = 0xc000 | limits.header;

/** Undefined for names that are not the cluster's. `isHeld`: a policy waits for its addresses, so the server tells them. */
export function compileKernelName(
  names: ClusterNames,
  key: NameKey,
  secret: Secret,
  isHeld: boolean,
): KernelName | undefined {
  const [zone] = names.zones;
  if (zone === undefined || !isWithin(key, zone.key) || names.tree.get(key) === undefined) return undefined;
  const hash = hashName(secret, key);
  const found = { a: addressesOf(names, key, types.A), aaaa: addressesOf(names, key, types.AAAA) };
  const hasAddresses = (found.a ?? found.aaaa ?? []).length + (found.aaaa ?? []).length > 0;
  if (hasAddresses && isHeld) found.a = found.aaaa = undefined;
  const { a = [], aaaa = [] } = found;
  const isMany = a.length > 1 || aaaa.length > 1;
  const name = Buffer.alloc(lengths.name);
  name.set(hash.subarray(0, 8), 0);
  name.writeUInt16LE(
    (found.a === undefined ? flags.passA : 0) |
      (found.aaaa === undefined ? flags.passAaaa : 0) |
      (isOpenBelow(names, key) ? flags.openBelow : 0) |
      (isMany ? flags.many : 0),
    8,
  );
  name[10] = a.length;
  name[11] = aaaa.length;
  name.set(a[0] ?? [], 12);
  name.set(aaaa[0] ?? [], 16);
  name.set(hash.subarray(0, 8), 32);
  if (!isMany) return { hash, name, many: undefined };
  const many = Buffer.alloc(lengths.addresses);
  many.set(hash.subarray(0, 8), 0);
  for (const [index, octets] of a.entries()) many.set(octets, 8 + 4 * index);
  for (const [index, octets] of aaaa.entries()) many.set(octets, 8 + 4 * mostAddresses + 16 * index);
  // It and the name change one after the other: who reads one before and one after has to see it.
  many.set(hash.subarray(0, 8), lengths.addresses - 8);
  many[lengths.addresses - 8] = (hash[0] ?? 0) ^ a.length;
  many[lengths.addresses - 7] = (hash[1] ?? 0) ^ aaaa.length;
  return { hash, name, many };
}

/** Empty: the name exists without any. Undefined: the server's to say. */
function addressesOf(
  names: ClusterNames,
  key: NameKey,
  type: typeof types.A | typeof types.AAAA,
): readonly Uint8Array[] | undefined {
  const decision = names.decide(key, type);
  if (decision.outcome === 'no-data')
    return decision.answers.length === 0 && decision.zone === names.zones[0] ? [] : undefined;
  if (decision.outcome !== 'answer') return undefined;
  const { answers, additional, soa, continues } = decision;
  if (soa !== undefined || continues !== undefined || additional.length > 0) return undefined;
  if (answers.length === 0 || answers.length > mostAddresses) return undefined;
  const octets = answers.flatMap(({ name, data }) =>
    (data.type === 'A' || data.type === 'AAAA') && types[data.type] === type && keyOfName(name) === key
      ? [Uint8Array.from(bytesOf(data.address))]
      : [],
  );
  return octets.length === answers.length ? octets : undefined;
}

/** Below a Service there are endpoints, below a namespace's pods every address, whether they stand in the tree or not. */
function isOpenBelow(names: ClusterNames, key: NameKey): boolean {
  const depth = (above: NameKey) => (isWithin(key, above) ? labelCount(key) - labelCount(above) : -1);
  return depth(names.servicesKey) === 2 || depth(names.podsKey) === 1;
}

/** As the kernel has to have them; `version` is another one at each change. */
export function compileSettings(
  names: ClusterNames,
  secret: Secret,
  version: number,
  settings: KernelSettings,
): Uint8Array {
  const bytes = Buffer.alloc(lengths.settings);
  const [zone] = names.zones;
  const soa = zone === undefined ? undefined : soaTemplate(names, zone.key);
  bytes.writeUInt32LE(version, 0);
  bytes.writeUInt32LE(
    (settings.answers ? settingsFlags.answers : 0) |
      (settings.complete && names.openZones.length === 0 && soa !== undefined ? settingsFlags.complete : 0) |
      (settings.autopath ? settingsFlags.autopath : 0),
    4,
  );
  bytes.set(secret, 8);
  if (zone !== undefined) {
    bytes.set(hashName(secret, zone.key), 24);
    bytes.writeUInt16LE(labelCount(zone.key), 68);
    bytes.writeUInt16LE(zone.key.length, 70);
  }
  for (const address of settings.addresses.flatMap(text => parseAddress(text) ?? []))
    bytes.set(bytesOf(address), address.family === 4 ? 40 : 44);
  bytes.writeUInt32BE(names.rules.ttl, 60);
  bytes.writeUInt16LE(Math.min(settings.largest, 0xffff), 64);
  bytes.writeUInt16LE(limits.udp, 66);
  if (soa !== undefined) {
    bytes.writeUInt16LE(soa.bytes.length, 72);
    bytes.writeUInt16LE(soa.pointers.length, 74);
    for (const [index, at] of soa.pointers.entries()) bytes.writeUInt16LE(at, 76 + 2 * index);
    bytes.set(soa.bytes, 84);
  }
  bytes.writeUInt32LE(settings.until, 212);
  bytes.writeUInt32LE(version, 216);
  return bytes;
}

/** The body of "there is none", and where in it pointers to the zone's name are: the only part that depends on the question. */
function soaTemplate(
  names: ClusterNames,
  zone: NameKey,
): { readonly bytes: Buffer; readonly pointers: readonly number[] } | undefined {
  const [first] = names.zones;
  if (first === undefined) return undefined;
  const bodyOf = (key: NameKey) =>
    compileAnswer({ outcome: 'no-name', zone: first, answers: [], closest: zone }, key, names)?.bytes;
  const [bytes, longer] = [bodyOf(zone), bodyOf(`\x01x${zone}` as NameKey)]; // a label of one octet more
  if (bytes === undefined || longer?.length !== bytes.length || bytes.length > longestSoa) return undefined;
  const pointers: number[] = [];
  for (let at = 0; at + 1 < bytes.length; at++)
    if (bytes.readUInt16BE(at) === toQuestion && longer.readUInt16BE(at) === toQuestion + 2)
      pointers.push(at);
  // Nothing else may depend on the question.
  for (const at of pointers) longer.writeUInt16BE(toQuestion, at);
  return pointers.length > mostPointers || !longer.equals(bytes) ? undefined : { bytes, pointers };
}

/** The key of an address among clients: IPv4 as IPv4-mapped IPv6 (RFC 4291, 2.5.5.2). */
export function clientKey(address: Address): Uint8Array {
  const octets = bytesOf(address);
  const key = new Uint8Array(lengths.client);
  if (octets.length === 4) key.set([0xff, 0xff], 10);
  key.set(octets, lengths.client - octets.length);
  return key;
}

/** A label as in a question, letters small, behind it zeros. */
export function labelOctets(label: string): Uint8Array {
  const value = new Uint8Array(lengths.label);
  const octets = Buffer.from(label.toLowerCase(), 'latin1').subarray(0, limits.label);
  value[0] = octets.length;
  value.set(octets, 1);
  return value;
}

export const labelIn = (value: Uint8Array): string =>
  Buffer.from(value.subarray(1, 1 + (value[0] ?? 0))).toString('latin1');

export function labelCount(key: NameKey): number {
  let count = 0;
  for (let at = 0; key.charCodeAt(at) > 0; at += key.charCodeAt(at) + 1) count++;
  return count;
}
