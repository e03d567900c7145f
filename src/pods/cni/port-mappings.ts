import { parseAddress } from '../../base/ip.ts';
import type { HostPort } from '../model.ts';
import { CniError, cniCodes } from './cni-error.ts';

/** More than any pod has; what comes in has to be bounded. */
const mappingLimit = 1024;

const protocols: readonly HostPort['protocol'][] = ['tcp', 'udp', 'sctp'];

/** The capability `portMappings` (CNI's conventions for runtime configuration): what a runtime fills in for hostPort. */
export function portMappingsOf(config: Readonly<Record<string, unknown>>): readonly HostPort[] {
  const { runtimeConfig } = config;
  if (runtimeConfig === undefined || runtimeConfig === null) return [];
  if (typeof runtimeConfig !== 'object') throw invalid('runtimeConfig', 'it is not an object');
  const { portMappings } = runtimeConfig as { readonly portMappings?: unknown };
  if (portMappings === undefined || portMappings === null) return [];
  const field = 'runtimeConfig.portMappings';
  if (!Array.isArray(portMappings)) throw invalid(field, 'it is not a list');
  if (portMappings.length > mappingLimit) throw invalid(field, `it has more than ${mappingLimit} entries`);
  return portMappings.flatMap((entry: unknown, index) => {
    const mapping = mappingOf(entry, `${field}[${index}]`);
    return mapping === undefined ? [] : [mapping];
  });
}

function mappingOf(entry: unknown, field: string): HostPort | undefined {
  if (typeof entry !== 'object' || entry === null) throw invalid(field, 'it is not an object');
  const { hostPort, containerPort, protocol = 'tcp', hostIP } = entry as Readonly<Record<string, unknown>>;
  // Runtimes also list container ports that are not mapped.
  if (hostPort === undefined || hostPort === 0) return undefined;
  if (!isPort(hostPort)) throw invalid(`${field}.hostPort`, 'it is not a port from 1 to 65535');
  if (!isPort(containerPort)) throw invalid(`${field}.containerPort`, 'it is not a port from 1 to 65535');
  const name = protocols.find(each => typeof protocol === 'string' && each === protocol.toLowerCase());
  if (name === undefined) throw invalid(`${field}.protocol`, 'it is none of tcp, udp and sctp');
  if (hostIP === undefined || hostIP === '')
    return { protocol: name, address: undefined, port: hostPort, containerPort };
  const address = typeof hostIP === 'string' ? parseAddress(hostIP) : undefined;
  if (address === undefined) throw invalid(`${field}.hostIP`, 'it is not an address');
  return { protocol: name, address, port: hostPort, containerPort };
}

function isPort(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= 0xffff;
}

function invalid(field: string, sentence: string): CniError {
  return new CniError(cniCodes.invalidConfig, 'config', `${field} cannot be followed: ${sentence}`, {
    field,
  });
}
