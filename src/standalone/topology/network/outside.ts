import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { FairleadError } from '../../../base/errors.ts';
import { addressAt, formatAddress, overlaps, parsePrefix, type Prefix } from '../../../base/ip.ts';
import { interfaces } from '../../../kernel/contract.ts';
import { type ClusterConfig, linkPrefixes } from '../../cluster.ts';
import type { HostNetwork } from '../host-collisions.ts';

/** The stretch between the fabric and the program that leads outside. */
export interface OutsidePlan {
  /** A prefix that neither the cluster nor the host uses. */
  readonly prefix: Prefix;
  readonly ipv6: boolean;
}

export interface OutsideCommand {
  readonly command: string;
  readonly arguments: readonly string[];
  /** Where the program asks this host's own name servers, for names outside the cluster. */
  readonly nameServer: string;
}

const candidates = ['10.0.2.0/24', '192.168.127.0/24', '172.29.127.0/24', '100.64.127.0/24'];
/** slirp4netns has no choice of it. */
const slirpPrefix6 = 'fd00::/64';
/** As slirp4netns lays out its prefix. */
const gatewayIndex = 2n;
const nameServerIndex = 3n;
const ownIndex = 100n;
const systemDirectories = ['/usr/local/sbin', '/usr/sbin', '/sbin', '/usr/bin', '/bin'];

/** `host` is every network that the host has a route to, its default routes too. */
export function planOutside(config: ClusterConfig, host: readonly HostNetwork[]): OutsidePlan {
  const taken = [
    ...config.podPrefixes,
    ...config.servicePrefixes,
    ...linkPrefixes().map(({ text }) => text),
    ...host.map(network => network.prefix).filter(prefix => !prefix.endsWith('/0')),
  ].flatMap(text => parsePrefix(text) ?? []);
  const isFree = (prefix: Prefix) => !taken.some(other => overlaps(prefix, other));
  const [prefix] = candidates.flatMap(text => parsePrefix(text) ?? []).filter(isFree);
  if (prefix === undefined) {
    throw new FairleadError('outside/no-prefix', `All of ${candidates.join(', ')} are in use on this host.`, {
      field: '--outside',
      hint: 'Bring the cluster up without --outside.',
    });
  }
  const prefix6 = parsePrefix(slirpPrefix6);
  const ipv6 = prefix6 !== undefined && isFree(prefix6) && host.some(network => network.prefix === '::/0');
  return { prefix, ipv6 };
}

/**
 * The program that gives the fabric a way out: it forwards connections of a tap interface through ordinary sockets of
 * the host, so that nothing in the host's own network changes. The host's loopback is not reachable through it.
 */
export function outsideCommand(
  fabricPath: string,
  searchPath: string,
  plan: OutsidePlan,
  alsoIn: readonly string[] = systemDirectories,
): OutsideCommand {
  const directories = [...searchPath.split(delimiter), ...alsoIn];
  const nameServer = formatAddress(addressAt(plan.prefix, nameServerIndex));
  const slirp = programIn(directories, 'slirp4netns');
  if (slirp !== undefined) return { command: slirp, arguments: slirpArguments(fabricPath, plan), nameServer };
  const pasta = programIn(directories, 'pasta');
  if (pasta !== undefined) {
    return { command: pasta, arguments: pastaArguments(fabricPath, plan, nameServer), nameServer };
  }
  throw new FairleadError(
    'outside/no-program',
    'A way outside needs slirp4netns or pasta, and neither is installed.',
    {
      field: '--outside',
      hint: 'Install one: apt-get install slirp4netns (or: apt-get install passt)',
    },
  );
}

const slirpArguments = (fabricPath: string, { prefix, ipv6 }: OutsidePlan): readonly string[] => [
  '--configure',
  ...(ipv6 ? ['--enable-ipv6'] : []),
  '--disable-host-loopback',
  '--mtu=1500',
  `--cidr=${formatAddress(prefix)}/${prefix.length}`,
  '--netns-type=path',
  fabricPath,
  interfaces.outside,
];

const pastaArguments = (
  fabricPath: string,
  { prefix }: OutsidePlan,
  nameServer: string,
): readonly string[] => [
  '--foreground',
  '--stderr',
  // Else it becomes `nobody`, who may not enter the fabric.
  '--runas',
  '0',
  '--ipv4-only',
  '--config-net',
  `--ns-ifname=${interfaces.outside}`,
  `--address=${formatAddress(addressAt(prefix, ownIndex))}`,
  `--netmask=${prefix.length}`,
  `--gateway=${formatAddress(addressAt(prefix, gatewayIndex))}`,
  '--no-map-gw',
  `--dns-forward=${nameServer}`,
  ...['-t', '-u', '-T', '-U'].flatMap(option => [option, 'none']),
  '--netns',
  fabricPath,
];

function programIn(directories: readonly string[], name: string): string | undefined {
  return directories
    .filter(directory => directory.startsWith('/'))
    .map(directory => join(directory, name))
    .find(isProgram);
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false; // not there, or not to be run
  }
}
