import { readFile } from 'node:fs/promises';
import type { Clock } from '../base/clock.ts';
import { FairleadError } from '../base/errors.ts';
import { staticCredentials } from './credentials.ts';
import type { Credentials, Proof } from './credentials.ts';
import type { ClusterAccess, ExecPlugin, Kubeconfig, UserAccess } from './kubeconfig.ts';

/** A token file is read again after this time: kubelet rotates projected tokens well before they expire. */
const TOKEN_FILE_MILLISECONDS = 60_000;

/** The credentials of a kubeconfig's user. */
export function userCredentials({ user, cluster }: Kubeconfig, clock: Clock): Credentials {
  const { bearer } = user;
  switch (bearer.from) {
    case 'nothing':
      return staticCredentials(proofOf(user));
    case 'token':
      return staticCredentials(proofOf(user, `Bearer ${bearer.token}`));
    case 'password': {
      const encoded = Buffer.from(`${bearer.username}:${bearer.password}`).toString('base64');
      return staticCredentials(proofOf(user, `Basic ${encoded}`));
    }
    case 'file':
      return tokenFileCredentials(user, bearer.path, clock);
    case 'exec':
      return execCredentials(user, () => askPlugin(bearer.plugin, cluster), clock);
    default:
      return bearer satisfies never;
  }
}

/** Few kubeconfigs have a plugin: only those load what runs it. */
async function askPlugin(plugin: ExecPlugin, cluster: ClusterAccess): Promise<ExecResult> {
  const { runExecPlugin } = await import('./exec-credential.ts');
  return await runExecPlugin(plugin, cluster);
}

/** What a credential plugin hands out. */
export interface ExecResult {
  readonly token?: string;
  readonly certificate?: { readonly certificate: string; readonly key: string };
  /** Milliseconds since the epoch; without it the result counts until the server refuses it. */
  readonly expires?: number;
}

function tokenFileCredentials(user: UserAccess, path: string, clock: Clock): Credentials {
  let read: { readonly proof: Proof; readonly at: number } | undefined;
  return {
    async current() {
      if (read !== undefined && clock.now() - read.at < TOKEN_FILE_MILLISECONDS) return read.proof;
      const token = await readToken(path, read !== undefined);
      if (token !== undefined) read = { proof: proofOf(user, `Bearer ${token}`), at: clock.now() };
      return read?.proof ?? proofOf(user);
    },
    invalidate() {
      if (read === undefined || clock.now() === read.at) return false;
      read = { proof: read.proof, at: Number.NEGATIVE_INFINITY };
      return true;
    },
  };
}

/** While a rotation is under way the file may be gone for a moment: the last token is kept then. */
async function readToken(path: string, hasEarlier: boolean): Promise<string | undefined> {
  try {
    const token = (await readFile(path, 'utf8')).trim();
    if (token !== '') return token;
  } catch (error) {
    if (hasEarlier) return undefined;
    throw new FairleadError('kube/no-token', `The token file ${path} cannot be read.`, { cause: error });
  }
  if (hasEarlier) return undefined;
  throw new FairleadError('kube/no-token', `The token file ${path} is empty.`);
}

function execCredentials(user: UserAccess, run: () => Promise<ExecResult>, clock: Clock): Credentials {
  let held: { readonly proof: Proof; readonly expires: number } | undefined;
  let running: Promise<Proof> | undefined;
  const renew = async (): Promise<Proof> => {
    const result = await run();
    const authorization = result.token === undefined ? undefined : `Bearer ${result.token}`;
    const withCertificate =
      result.certificate === undefined ? user : { ...user, certificate: result.certificate };
    const proof = proofOf(withCertificate, authorization);
    held = { proof, expires: result.expires ?? Number.POSITIVE_INFINITY };
    return proof;
  };
  return {
    current() {
      if (held !== undefined && clock.now() < held.expires) return Promise.resolve(held.proof);
      // Requests that come together share one run of the program.
      running ??= renew().finally(() => {
        running = undefined;
      });
      return running;
    },
    invalidate(refused) {
      // Another request may have renewed it already: the new one is not thrown away for the old one's sake.
      if (held?.proof === refused) held = undefined;
      return true;
    },
  };
}

function proofOf(user: UserAccess, authorization?: string): Proof {
  const headers: Record<string, string | readonly string[]> = {};
  if (authorization !== undefined) headers['Authorization'] = authorization;
  if (user.impersonation !== undefined) {
    headers['Impersonate-User'] = user.impersonation.user;
    if (user.impersonation.uid !== undefined) headers['Impersonate-Uid'] = user.impersonation.uid;
    if (user.impersonation.groups.length > 0) headers['Impersonate-Group'] = user.impersonation.groups;
  }
  for (const [name, value] of Object.entries(headers)) {
    if (![value].flat().every(one => /^[\t\x20-\x7e\x80-\xff]*$/.test(one)))
      throw new FairleadError(
        'kube/bad-credentials',
        `The ${name} header cannot carry what the user is given.`,
        {
          hint: 'Check the token and the `as` fields for line breaks and other stray characters.',
        },
      );
  }
  return { headers, ...(user.certificate === undefined ? {} : { certificate: user.certificate }) };
}
