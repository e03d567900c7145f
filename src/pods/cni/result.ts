import { bitsOf, formatAddress, parseAddress, parseInterface } from '../../base/ip.ts';
import { defaults } from '../../kernel/contract.ts';
import { gatewayOf } from '../compile-attachment.ts';
import type { Attachment } from '../model.ts';
import { CniError, cniCodes } from './cni-error.ts';
import type { CniVersion } from './version.ts';

/** A result of version 1.1.0 (CNI specification, section 5); keys that we do not know are kept. */
export interface CniResult {
  readonly interfaces: readonly CniInterface[];
  readonly ips: readonly CniAddress[];
  readonly routes: readonly CniRoute[];
  readonly dns?: unknown;
}

export interface CniInterface {
  readonly name: string;
  readonly mac?: string;
  readonly mtu?: number;
  readonly sandbox?: string;
  readonly [key: string]: unknown;
}

export interface CniAddress {
  /** With the length of its prefix. */
  readonly address: string;
  readonly gateway?: string;
  /** Index into `interfaces`. */
  readonly interface?: number;
  readonly [key: string]: unknown;
}

export interface CniRoute {
  readonly dst: string;
  readonly gw?: string;
  readonly [key: string]: unknown;
}

/** Our interface behind those of plugins that ran before: both ends of the veth, its addresses, the default routes. */
export function resultOf(
  attachment: Attachment,
  sandbox: string,
  mtu: number,
  previous?: CniResult,
): CniResult {
  const before = previous ?? { interfaces: [], ips: [], routes: [] };
  const podInterface = before.interfaces.length + 1;
  return {
    ...before,
    interfaces: [
      ...before.interfaces,
      { name: attachment.hostInterface, mac: defaults.podGatewayMac, mtu },
      { name: attachment.interfaceName, mac: attachment.mac, mtu, sandbox },
    ],
    ips: [
      ...before.ips,
      ...attachment.addresses.map(address => ({
        address: `${formatAddress(address)}/${bitsOf(address.family)}`,
        gateway: formatAddress(gatewayOf(address.family)),
        interface: podInterface,
      })),
    ],
    routes: [
      ...before.routes,
      ...attachment.addresses.map(address => ({
        dst: address.family === 4 ? '0.0.0.0/0' : '::/0',
        gw: formatAddress(gatewayOf(address.family)),
      })),
    ],
  };
}

/** The result as `version` has it: older ones lack fields that came later, and tell the family of an address. */
export function renderResult(result: CniResult, version: CniVersion): string {
  const isOld = version === '0.3.1' || version === '0.4.0';
  const isNewest = version === '1.1.0';
  return `${JSON.stringify({
    cniVersion: version,
    ...result,
    interfaces: result.interfaces.map(entry => (isNewest ? entry : without(entry, newInterfaceKeys))),
    ips: result.ips.map(entry =>
      isOld ? { ...entry, version: familyOf(entry) } : without(entry, ['version']),
    ),
    routes: result.routes.map(entry => (isNewest ? entry : without(entry, newRouteKeys))),
    dns: result.dns ?? {},
  })}\n`;
}

const newInterfaceKeys = ['mtu', 'socketPath', 'pciID'];
const newRouteKeys = ['mtu', 'advmss', 'priority', 'table', 'scope'];

function without(entry: object, keys: readonly string[]): object {
  return Object.fromEntries(Object.entries(entry).filter(([key]) => !keys.includes(key)));
}

const familyOf = (entry: CniAddress): '4' | '6' => (entry.address.includes(':') ? '6' : '4');

/** What an earlier plugin, or our own ADD, gave. Throws CniError (decode) where a part has another shape. */
export function parsePreviousResult(value: unknown): CniResult {
  if (!isObject(value)) throw undecodable('', 'it is not an object');
  const { cniVersion: _, ...rest } = value;
  return {
    ...rest,
    // Each list is of its type because every entry was looked at.
    interfaces: list(value, 'interfaces', interfaceProblem) as unknown as readonly CniInterface[],
    ips: list(value, 'ips', ipProblem) as unknown as readonly CniAddress[],
    routes: list(value, 'routes', routeProblem) as unknown as readonly CniRoute[],
  };
}

type Entry = Readonly<Record<string, unknown>>;

const interfaceProblem = (entry: Entry) => (typeof entry['name'] === 'string' ? undefined : 'it has no name');
const routeProblem = (entry: Entry) => (typeof entry['dst'] === 'string' ? undefined : 'it has no dst');

function ipProblem(entry: Entry): string | undefined {
  const { address, gateway, interface: index } = entry;
  if (typeof address !== 'string' || parseInterface(address) === undefined)
    return 'it has no address with a length';
  if (gateway !== undefined && (typeof gateway !== 'string' || parseAddress(gateway) === undefined))
    return 'its gateway is not an address';
  return index === undefined || Number.isInteger(index) ? undefined : 'its interface is not an index';
}

function list(
  result: Entry,
  field: string,
  problemOf: (entry: Entry) => string | undefined,
): readonly Entry[] {
  const entries: unknown = result[field] ?? [];
  if (!Array.isArray(entries)) throw undecodable(field, 'it is not a list');
  return entries.map((entry: unknown, index) => {
    const problem = isObject(entry) ? problemOf(entry) : 'it is not an object';
    if (problem === undefined) return entry as Entry;
    throw undecodable(`${field}[${index}]`, problem);
  });
}

const isObject = (value: unknown): value is Entry =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function undecodable(field: string, problem: string): CniError {
  const path = field === '' ? 'prevResult' : `prevResult.${field}`;
  return new CniError(cniCodes.decode, 'decode', `${path} cannot be read: ${problem}`, { field: path });
}
