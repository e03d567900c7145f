import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { FairleadError } from '../../../base/errors.ts';
import { interfaces } from '../../../kernel/contract.ts';
import { outsidePrefixes } from '../../cluster.ts';

export interface OutsideCommand {
  readonly command: string;
  readonly arguments: readonly string[];
}

const systemDirectories = ['/usr/local/sbin', '/usr/sbin', '/sbin', '/usr/bin', '/bin'];

/**
 * The program that gives the fabric a way out: it forwards connections of a tap interface through ordinary sockets of
 * the host, so that nothing in the host's own network changes. The host's loopback is not reachable through it.
 */
export function outsideCommand(fabricPath: string, searchPath: string): OutsideCommand {
  const slirp = programOn(searchPath, 'slirp4netns');
  if (slirp !== undefined) {
    const [cidr] = outsidePrefixes;
    return {
      command: slirp,
      arguments: [
        '--configure',
        '--enable-ipv6',
        '--disable-host-loopback',
        '--mtu=1500',
        `--cidr=${cidr}`,
        '--netns-type=path',
        fabricPath,
        interfaces.outside,
      ],
    };
  }
  const pasta = programOn(searchPath, 'pasta');
  if (pasta !== undefined) {
    const guest = [
      '--config-net',
      '--ns-ifname',
      interfaces.outside,
      '--address',
      '10.0.2.100',
      '--netmask',
      '24',
    ];
    const closed = ['--no-map-gw', '-t', 'none', '-u', 'none', '-T', 'none', '-U', 'none'];
    return {
      command: pasta,
      arguments: [
        '--foreground',
        '--stderr',
        ...guest,
        '--gateway',
        '10.0.2.2',
        ...closed,
        '--netns',
        fabricPath,
      ],
    };
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

function programOn(searchPath: string, name: string): string | undefined {
  const directories = [...searchPath.split(delimiter), ...systemDirectories];
  return directories
    .filter(directory => directory.startsWith('/'))
    .map(directory => join(directory, name))
    .find(existsSync);
}
