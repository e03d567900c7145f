import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, resolve } from 'node:path';
import { FairleadError } from '../base/errors.ts';
import type { ErrorDetail } from '../base/errors.ts';

/** Several kubeconfig files as one: of entries with the same name the first one counts. */
export interface MergedKubeconfig {
  /** The file names, for errors. */
  readonly origin: string;
  readonly currentContext: string | undefined;
  readonly contexts: ReadonlyMap<string, ConfigFields>;
  readonly clusters: ReadonlyMap<string, ConfigFields>;
  readonly users: ReadonlyMap<string, ConfigFields>;
}

/** A file that is absent is passed over while another one is there, as kubectl does it. */
export function readKubeconfigFiles(paths: readonly string[]): MergedKubeconfig {
  const roots = paths.map(readRoot).filter(root => root !== undefined);
  if (roots.length === 0) {
    throw new FairleadError(
      'kube/no-kubeconfig',
      `There is no kubeconfig at ${paths.join(', ') || 'any path'}.`,
      {
        hint: 'Set KUBECONFIG to the file of the cluster.',
      },
    );
  }
  return {
    origin: paths.join(':'),
    currentContext: roots.map(root => root.text('current-context')).find(name => name !== undefined),
    contexts: entries(roots, 'contexts', 'context'),
    clusters: entries(roots, 'clusters', 'cluster'),
    users: entries(roots, 'users', 'user'),
  };
}

/** Typed reading of a mapping in a kubeconfig; every mistake names the file and the field. */
export class ConfigFields {
  readonly #file: string;
  readonly #at: string;
  readonly #fields: Readonly<Record<string, unknown>>;

  constructor(file: string, at: string, fields: Readonly<Record<string, unknown>>) {
    this.#file = file;
    this.#at = at;
    this.#fields = fields;
  }

  /** Absent, null and the empty string are the same: not set. */
  text(name: string): string | undefined {
    const value = this.#fields[name];
    if (value === undefined || value === null || value === '') return undefined;
    if (typeof value !== 'string') throw this.error(name, 'A string is expected here.');
    return value;
  }

  requiredText(name: string): string {
    const value = this.text(name);
    if (value === undefined) throw this.error(name, 'A value is missing here.');
    return value;
  }

  texts(name: string): readonly string[] {
    return this.#list(name).map((value, index) => {
      if (typeof value !== 'string') throw this.error(`${name}[${index}]`, 'A string is expected here.');
      return value;
    });
  }

  flag(name: string): boolean {
    const value = this.#fields[name] ?? false;
    if (typeof value !== 'boolean') throw this.error(name, 'true or false is expected here.');
    return value;
  }

  section(name: string): ConfigFields | undefined {
    const value = this.#fields[name];
    return value === undefined || value === null ? undefined : this.#mapping(name, value);
  }

  sections(name: string): readonly ConfigFields[] {
    return this.#list(name).map((value, index) => this.#mapping(`${name}[${index}]`, value));
  }

  /** A path, resolved against the directory of the kubeconfig. */
  path(name: string): string | undefined {
    const value = this.text(name);
    return value === undefined ? undefined : this.resolve(value);
  }

  resolve(path: string): string {
    return resolve(dirname(this.#file), path);
  }

  /** PEM text: from base64 in `data`, else from the file that `file` names. */
  dataOrFile(data: string, file: string): string | undefined {
    const inline = this.text(data);
    if (inline !== undefined) {
      if (!/^[A-Za-z0-9+/=\s]*$/.test(inline)) throw this.error(data, 'Base64 is expected here.');
      return this.#pem(data, Buffer.from(inline, 'base64').toString());
    }
    const path = this.path(file);
    if (path === undefined) return undefined;
    let text: string;
    try {
      text = readFileSync(path, 'utf8');
    } catch (error) {
      throw this.error(file, `${path} cannot be read.`, { cause: error });
    }
    return this.#pem(file, text);
  }

  /** TLS passes over an authority that is no PEM without a word, and then trusts nobody. */
  #pem(name: string, text: string): string {
    if (text.includes('-----BEGIN ')) return text;
    throw this.error(name, 'PEM (-----BEGIN …) is expected here.', {
      hint: 'Copy the certificate or key from the cluster again; data fields hold the PEM text in base64.',
    });
  }

  error(name: string, sentence: string, detail: ErrorDetail = {}): FairleadError {
    const field = this.#at === '' ? name : `${this.#at}.${name}`;
    return new FairleadError('kube/bad-kubeconfig', `${this.#file}: ${sentence}`, { field, ...detail });
  }

  #list(name: string): readonly unknown[] {
    const value = this.#fields[name] ?? [];
    if (!Array.isArray(value)) throw this.error(name, 'A list is expected here.');
    return value;
  }

  #mapping(name: string, value: unknown): ConfigFields {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw this.error(name, 'A mapping is expected here.');
    }
    const at = this.#at === '' ? name : `${this.#at}.${name}`;
    return new ConfigFields(this.#file, at, value as Record<string, unknown>);
  }
}

function entries(
  roots: readonly ConfigFields[],
  list: string,
  inner: string,
): ReadonlyMap<string, ConfigFields> {
  const found = new Map<string, ConfigFields>();
  for (const root of roots) {
    for (const entry of root.sections(list)) {
      const name = entry.requiredText('name');
      if (!found.has(name)) found.set(name, entry.section(inner) ?? entry);
    }
  }
  return found;
}

function readRoot(path: string): ConfigFields | undefined {
  const file = resolve(path);
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new FairleadError('kube/bad-kubeconfig', `${file} cannot be read.`, { cause: error });
  }
  const parsed = parseYaml(file, text);
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw new FairleadError('kube/bad-kubeconfig', `${file} holds no kubeconfig.`);
  }
  return new ConfigFields(file, '', parsed as Record<string, unknown>);
}

/** Our own kubeconfigs are JSON, which is YAML too: only others make us load the YAML parser (2 MB). */
function parseYaml(file: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // not JSON: YAML proper, below
  }
  const { parseDocument } = createRequire(import.meta.url)('yaml') as typeof import('yaml');
  const document = parseDocument(text);
  const mistake = document.errors[0];
  if (mistake === undefined) {
    try {
      return document.toJS();
    } catch (error) {
      // Aliases without an anchor, or so many that they would fill the memory.
      throw new FairleadError('kube/bad-kubeconfig', `${file} cannot be resolved.`, { cause: error });
    }
  }
  const line = mistake.linePos?.[0].line ?? 1;
  throw new FairleadError(
    'kube/bad-kubeconfig',
    `${file}:${line} is not YAML: ${mistake.message.split('\n')[0]}`,
  );
}
