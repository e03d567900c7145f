import { FairleadError } from '../base/errors.ts';
import type { CertificatePair } from './credentials.ts';
import { readKubeconfigFiles } from './kubeconfig-file.ts';
import type { ConfigFields, MergedKubeconfig } from './kubeconfig-file.ts';

/** One context of a kubeconfig, with every file that it points to already read (a token file excepted: it is rotated). */
export interface Kubeconfig {
  readonly context: string;
  /** The context's namespace, or `default`. */
  readonly namespace: string;
  readonly cluster: ClusterAccess;
  readonly user: UserAccess;
}

export interface ClusterAccess {
  /** `https://host:port`, perhaps with a path. */
  readonly server: string;
  /** PEM; without it the system's authorities are trusted. */
  readonly certificateAuthority?: string;
  readonly insecureSkipTlsVerify: boolean;
  readonly tlsServerName?: string;
  /** `http://` or `https://` proxy that is asked to CONNECT. */
  readonly proxyUrl?: string;
  readonly disableCompression: boolean;
}

export interface UserAccess {
  readonly certificate?: CertificatePair;
  readonly bearer: Bearer;
  readonly impersonation?: Impersonation;
}

export type Bearer =
  | { readonly from: 'nothing' }
  | { readonly from: 'token'; readonly token: string }
  | { readonly from: 'file'; readonly path: string }
  | { readonly from: 'password'; readonly username: string; readonly password: string }
  | { readonly from: 'exec'; readonly plugin: ExecPlugin };

export interface Impersonation {
  readonly user: string;
  readonly uid?: string;
  readonly groups: readonly string[];
}

/** A program that prints an ExecCredential (client.authentication.k8s.io). */
export interface ExecPlugin {
  readonly apiVersion: ExecApiVersion;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly installHint?: string;
  readonly provideClusterInfo: boolean;
  readonly interactiveMode: 'Never' | 'IfAvailable' | 'Always';
}

const EXEC_API_VERSIONS = [
  'client.authentication.k8s.io/v1',
  'client.authentication.k8s.io/v1beta1',
] as const;
export type ExecApiVersion = (typeof EXEC_API_VERSIONS)[number];

/** Reads a kubeconfig, or several in KUBECONFIG order (the first to say something wins), and resolves one context. */
export function loadKubeconfig(path: string | readonly string[], context?: string): Kubeconfig {
  const merged = readKubeconfigFiles(typeof path === 'string' ? [path] : path);
  const name = context ?? merged.currentContext;
  if (name === undefined) {
    throw new FairleadError('kube/no-context', `${merged.origin} has no current-context.`, {
      field: 'current-context',
      hint: `Choose one of: ${[...merged.contexts.keys()].join(', ') || 'none are defined'}.`,
    });
  }
  const chosen = entryOf(merged, 'contexts', name);
  const namespace = chosen.text('namespace');
  const userName = chosen.text('user');
  return {
    context: name,
    namespace: namespace ?? 'default',
    cluster: clusterAccess(entryOf(merged, 'clusters', chosen.requiredText('cluster'))),
    user:
      userName === undefined
        ? { bearer: { from: 'nothing' } }
        : userAccess(entryOf(merged, 'users', userName)),
  };
}

/** The files that kubectl would read: KUBECONFIG's, or `~/.kube/config`. */
export function kubeconfigPaths(
  environment: Readonly<Record<string, string | undefined>>,
): readonly string[] {
  const listed = (environment['KUBECONFIG'] ?? '').split(':').filter(path => path !== '');
  return listed.length > 0 ? listed : [`${environment['HOME'] ?? '/root'}/.kube/config`];
}

function clusterAccess(cluster: ConfigFields): ClusterAccess {
  const server = cluster.requiredText('server');
  if (!/^https?:\/\//.test(server) || !URL.canParse(server)) {
    throw cluster.error('server', `${JSON.stringify(server)} is no URL of the form https://host:port.`);
  }
  const proxyUrl = cluster.text('proxy-url');
  if (proxyUrl !== undefined && !/^https?:\/\//.test(proxyUrl)) {
    throw cluster.error(
      'proxy-url',
      `Only http:// and https:// proxies can be used, not ${JSON.stringify(proxyUrl)}.`,
    );
  }
  const authority = cluster.dataOrFile('certificate-authority-data', 'certificate-authority');
  const tlsServerName = cluster.text('tls-server-name');
  const insecureSkipTlsVerify = cluster.flag('insecure-skip-tls-verify');
  if (insecureSkipTlsVerify && authority !== undefined) {
    throw cluster.error(
      'insecure-skip-tls-verify',
      'A certificate authority and insecure-skip-tls-verify exclude each other.',
    );
  }
  return {
    server,
    insecureSkipTlsVerify,
    disableCompression: cluster.flag('disable-compression'),
    ...(authority === undefined ? {} : { certificateAuthority: authority }),
    ...(tlsServerName === undefined ? {} : { tlsServerName }),
    ...(proxyUrl === undefined ? {} : { proxyUrl }),
  };
}

function userAccess(user: ConfigFields): UserAccess {
  const certificate = certificateOf(user);
  const impersonation = impersonationOf(user);
  return {
    bearer: bearerOf(user),
    ...(certificate === undefined ? {} : { certificate }),
    ...(impersonation === undefined ? {} : { impersonation }),
  };
}

function certificateOf(user: ConfigFields): CertificatePair | undefined {
  const certificate = user.dataOrFile('client-certificate-data', 'client-certificate');
  const key = user.dataOrFile('client-key-data', 'client-key');
  if (certificate === undefined && key === undefined) return undefined;
  if (certificate === undefined || key === undefined) {
    throw user.error(
      'client-certificate',
      'A client certificate and its client key are only of use together.',
    );
  }
  return { certificate, key };
}

/** A token file goes before a token, a token before a password, a password before a program, as kubectl does it. */
function bearerOf(user: ConfigFields): Bearer {
  const path = user.path('tokenFile');
  if (path !== undefined) return { from: 'file', path };
  const token = user.text('token');
  if (token !== undefined) return { from: 'token', token };
  const username = user.text('username');
  if (username !== undefined) return { from: 'password', username, password: user.text('password') ?? '' };
  const exec = user.section('exec');
  if (exec !== undefined) return { from: 'exec', plugin: execPlugin(exec) };
  const provider = user.section('auth-provider');
  if (provider !== undefined) {
    throw user.error(
      'auth-provider',
      `The auth provider ${JSON.stringify(provider.text('name') ?? '')} is not supported.`,
      {
        hint: 'Use an exec credential plugin (such as kubectl oidc-login) or a token.',
      },
    );
  }
  return { from: 'nothing' };
}

function execPlugin(exec: ConfigFields): ExecPlugin {
  const apiVersion = EXEC_API_VERSIONS.find(version => version === exec.text('apiVersion'));
  if (apiVersion === undefined) {
    throw exec.error(
      'apiVersion',
      `A credential plugin has to speak one of ${EXEC_API_VERSIONS.join(', ')}.`,
    );
  }
  const mode = exec.text('interactiveMode') ?? 'IfAvailable';
  if (mode !== 'Never' && mode !== 'IfAvailable' && mode !== 'Always') {
    throw exec.error('interactiveMode', `${JSON.stringify(mode)} is none of Never, IfAvailable, Always.`);
  }
  const command = exec.requiredText('command');
  const installHint = exec.text('installHint');
  return {
    apiVersion,
    // A bare name is looked up on the PATH, anything with a slash is relative to the kubeconfig.
    command: command.includes('/') ? exec.resolve(command) : command,
    args: exec.texts('args'),
    env: Object.fromEntries(
      exec.sections('env').map(variable => [variable.requiredText('name'), variable.text('value') ?? '']),
    ),
    provideClusterInfo: exec.flag('provideClusterInfo'),
    interactiveMode: mode,
    ...(installHint === undefined ? {} : { installHint }),
  };
}

function impersonationOf(user: ConfigFields): Impersonation | undefined {
  const as = user.text('as');
  if (as === undefined) return undefined;
  const uid = user.text('as-uid');
  return { user: as, groups: user.texts('as-groups'), ...(uid === undefined ? {} : { uid }) };
}

function entryOf(
  merged: MergedKubeconfig,
  list: 'contexts' | 'clusters' | 'users',
  name: string,
): ConfigFields {
  const found = merged[list].get(name);
  if (found !== undefined) return found;
  throw new FairleadError(
    'kube/no-entry',
    `${merged.origin} has no ${list.slice(0, -1)} named ${JSON.stringify(name)}.`,
    {
      field: list,
      hint: `Choose one of: ${[...merged[list].keys()].join(', ') || 'none are defined'}.`,
    },
  );
}
