import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { FairleadError, sentenceOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { HostsTable } from '../server/hosts-table.ts';
import { defaultConfig } from './config.ts';
import type { DnsConfig } from './config.ts';

/** A configuration with what it names, as one thing that is taken or not. */
export interface LoadedConfig {
  readonly config: DnsConfig;
  readonly hosts: HostsTable | undefined;
  /** Of the file's text. */
  readonly hash: string;
  /** Of the files, from before they were read: what changed while they were is seen later. */
  readonly stamp: string;
}

const mostOctets = 4 * 1024 * 1024;

/** Reads a file; throws `dns/bad-config` with the place for what it does not know. An absent one is the default. */
export async function loadConfig(file: string, isNeeded: boolean): Promise<LoadedConfig> {
  const own = stamp([file]);
  const text = readText(file);
  if (text === undefined) {
    // What is there and cannot be read, or is too long, is no absent one.
    if (isNeeded || own !== absent)
      throw new FairleadError('dns/bad-config', `the configuration ${file} cannot be read`, {
        field: '--config',
        hint: `It has to be a file of at most ${mostOctets} octets that this process may read`,
      });
    return { config: defaultConfig, hosts: undefined, hash: '', stamp: own };
  }
  // A library that only those load who have a configuration.
  const [{ parseYaml }, { readConfig }] = await Promise.all([
    import('./parse-yaml.ts'),
    import('./read-config.ts'),
  ]);
  const config = readConfig(parseYaml(text), readText);
  const hostsFile = config.hosts?.file;
  const stamps = hostsFile === undefined ? own : `${own}\n${stamp([hostsFile])}`;
  return {
    config,
    hosts: hostsOf(config),
    stamp: stamps,
    hash: createHash('sha512').update(text).digest('hex').slice(0, 64),
  };
}

function hostsOf({ hosts }: DnsConfig): HostsTable | undefined {
  if (hosts === undefined) return undefined;
  const text = hosts.file === undefined ? '' : readText(hosts.file);
  if (text === undefined)
    throw new FairleadError('dns/bad-config', `the hosts file ${hosts.file ?? ''} cannot be read`, {
      field: 'hosts.file',
    });
  return new HostsTable(hosts, text);
}

function readText(file: string): string | undefined {
  try {
    if (statSync(file).size > mostOctets) return undefined;
    return readFileSync(file, 'utf8');
  } catch {
    return undefined; // the caller says what that means
  }
}

const absent = 'absent';

/** What tells one state of the files from another. */
function stamp(files: readonly string[]): string {
  return files
    .map(file => {
      try {
        const { mtimeMs, size, ino } = statSync(file);
        return `${mtimeMs} ${size} ${ino}`;
      } catch {
        return absent;
      }
    })
    .join('\n');
}

export interface WatchConfigOptions {
  readonly file: string;
  /** Its absence is an error, not the default. */
  readonly isNeeded: boolean;
  readonly current: LoadedConfig;
  readonly take: (loaded: LoadedConfig) => void;
  readonly onFailure: () => void;
  readonly log: Log;
}

const pollMilliseconds = 1000;

/** Takes a changed file within a second or two; a bad one is told of, and the last good one stays. Returns how to end it. */
export function watchConfig(options: WatchConfigOptions): () => void {
  const { file, isNeeded, take, onFailure, log } = options;
  let current = options.current;
  const files = () => {
    const hosts = current.config.hosts?.file;
    return hosts === undefined ? [file] : [file, hosts];
  };
  let seen = current.stamp;
  let isLoading = false;
  const look = async () => {
    const now = stamp(files());
    if (now === seen || isLoading) return;
    seen = now;
    isLoading = true;
    try {
      current = await loadConfig(file, isNeeded);
      seen = current.stamp;
      take(current);
      log.info({ file, hash: current.hash }, 'the configuration is taken');
    } catch (error) {
      onFailure();
      const sentence = 'the changed configuration is not taken; the last good one stays';
      log.error({ file, reason: sentenceOf(error) }, sentence);
    } finally {
      isLoading = false;
    }
  };
  const timer = setInterval(() => void look(), pollMilliseconds);
  return () => clearInterval(timer);
}
