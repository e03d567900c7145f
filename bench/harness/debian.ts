import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { createHash } from 'node:crypto';

/** Programs of Debian packages, unpacked below a cache: nothing is installed, and nothing that a package would start is started. */
export interface Unpacked {
  /** Below it `usr/bin`, `usr/sbin`, `usr/lib`, as the packages have them. */
  readonly root: string;
  /** With the libraries that came along. */
  readonly environment: NodeJS.ProcessEnv;
  /** `2.90-4~deb12u2` */
  version(name: string): string;
}

/** Downloads what is not in the cache, with all that this machine lacks of what the packages depend on. */
export function unpackDebian(packages: readonly string[], say: (text: string) => void): Unpacked {
  const key = createHash('sha256').update(packages.join(' ')).digest('hex').slice(0, 12);
  const directory = join(homedir(), '.cache', 'fairlead-bench', `${packages[0] ?? ''}-${key}`);
  const root = join(directory, 'root');
  const done = join(directory, 'done.json');
  let versions = readVersions(done);
  if (versions === undefined) {
    say(`fetching ${packages.join(', ')} from Debian`);
    const archives = join(directory, 'archives');
    mkdirSync(join(archives, 'partial'), { recursive: true });
    mkdirSync(root, { recursive: true });
    const options = [
      '-y',
      '-q',
      '--no-install-recommends',
      '--reinstall',
      '-o',
      `Dir::Cache::archives=${archives}`,
    ];
    const download = ['install', '--download-only', ...options, ...packages];
    try {
      run('apt-get', download);
    } catch {
      run('apt-get', ['update', '-q']); // a machine without lists, or with old ones
      run('apt-get', download);
    }
    versions = {};
    for (const file of readdirSync(archives).filter(name => name.endsWith('.deb'))) {
      run('dpkg-deb', ['-x', join(archives, file), root]);
      const [name = '', version = ''] = file.split('_');
      versions[name] = decodeURIComponent(version);
    }
    writeFileSync(done, JSON.stringify(versions));
  }
  const found = versions;
  const libraries = ['lib', 'usr/lib'].flatMap(base => [
    join(root, base),
    ...readIfThere(join(root, base))
      .filter(name => name.endsWith('-linux-gnu'))
      .map(name => join(root, base, name)),
  ]);
  return {
    root,
    environment: { ...process.env, LD_LIBRARY_PATH: libraries.join(':') },
    version: name => found[name] ?? 'unknown',
  };
}

function readVersions(file: string): Record<string, string> | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>;
  } catch {
    return undefined; // not unpacked yet
  }
}

function readIfThere(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    return []; // no package has it
  }
}

function run(command: string, words: readonly string[]): void {
  const { status, stderr, error } = spawnSync(command, words, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} ${words.join(' ')} failed: ${error?.message ?? stderr}`);
}
