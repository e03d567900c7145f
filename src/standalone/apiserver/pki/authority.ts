import { X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { systemClock } from '../../../base/clock.ts';
import type { Clock } from '../../../base/clock.ts';
import { FairleadError } from '../../../base/errors.ts';
import { makeAuthority, signCertificate } from './certificate.ts';
import type { KeyPair } from './certificate.ts';
import { readIfPresent, writeFileAtomically } from './files.ts';
import { kubeconfigText } from './kubeconfig.ts';

/** The cluster's own certificate authority; its files are `ca.crt` and `ca.key` in `directory`. */
export interface Authority {
  readonly directory: string;
  /** PEM. */
  readonly certificate: string;
  readonly pair: KeyPair;
  readonly clock: Clock;
}

export interface AuthorityOptions {
  readonly clock?: Clock;
  /** How a new one calls itself; by default `fairlead-ca`. */
  readonly commonName?: string;
}

/** Reads the authority in `directory`, or makes one there. Keys are readable by their owner alone. */
export function createAuthority(directory: string, options: AuthorityOptions = {}): Authority {
  const { clock = systemClock, commonName = 'fairlead-ca' } = options;
  const present = readPair(directory, 'ca');
  const pair = present ?? makeAuthority(commonName, clock.now());
  if (present === undefined) writePair(directory, 'ca', pair);
  else assertAuthority(directory, pair, clock.now());
  return { directory, certificate: pair.certificate, pair, clock };
}

export interface ServingOptions {
  /** Names and addresses beside the standard ones: the first Service addresses, the fabric's gateways. */
  readonly names?: readonly string[];
  /** Default `cluster.local`. */
  readonly clusterDomain?: string;
}

/** The API server's certificate, `apiserver.crt` and `.key`; made anew when a name is missing or it was signed by another authority. */
export function issueServing(authority: Authority, options: ServingOptions = {}): KeyPair {
  const names = [
    ...new Set([...standardNames(options.clusterDomain ?? 'cluster.local'), ...(options.names ?? [])]),
  ];
  const present = readPair(authority.directory, 'apiserver');
  if (present !== undefined && isSignedBy(present, authority) && coversAll(present, names)) return present;
  const made = signCertificate(authority.pair, {
    commonName: 'kube-apiserver',
    names,
    usage: 'server',
    now: authority.clock.now(),
  });
  writePair(authority.directory, 'apiserver', made);
  return made;
}

export interface KubeconfigOptions {
  /** `kubernetes-admin`, `system:node:node-1` … */
  readonly user: string;
  /** `system:masters`, `system:nodes` … */
  readonly groups?: readonly string[];
  /** `https://127.0.0.1:6443` */
  readonly server: string;
  readonly file: string;
  /** Name of the cluster and context in the file. Default `fairlead`. */
  readonly cluster?: string;
}

/** Writes a kubeconfig with a client certificate of its own, mode 0600; a file that already says the same stays as it is. */
export function issueKubeconfig(authority: Authority, options: KubeconfigOptions): void {
  const present = readIfPresent(options.file);
  const pair = keptClient(present, authority, options) ?? newClient(authority, options);
  const text = kubeconfigText({
    cluster: options.cluster ?? 'fairlead',
    user: options.user,
    server: options.server,
    authority: authority.certificate,
    client: pair,
  });
  if (text !== present) writeFileAtomically(options.file, text, 0o600);
}

function newClient(authority: Authority, options: KubeconfigOptions): KeyPair {
  return signCertificate(authority.pair, {
    commonName: options.user,
    organizations: options.groups ?? [],
    usage: 'client',
    now: authority.clock.now(),
  });
}

function keptClient(
  text: string | undefined,
  authority: Authority,
  options: KubeconfigOptions,
): KeyPair | undefined {
  const certificate = decoded(text, 'client-certificate-data');
  const key = decoded(text, 'client-key-data');
  if (certificate === undefined || key === undefined) return undefined;
  const pair = { certificate, key };
  if (!isSignedBy(pair, authority)) return undefined;
  const subject = new X509Certificate(certificate).subject.split('\n');
  const wanted = [...(options.groups ?? []).map(group => `O=${group}`), `CN=${options.user}`];
  return subject.join('\n') === wanted.join('\n') ? pair : undefined;
}

/** Of a kubeconfig that we wrote: the fields are lines of their own. */
function decoded(text: string | undefined, field: string): string | undefined {
  const found = new RegExp(`^ *"${field}": "([^"]+)",?$`, 'm').exec(text ?? '')?.[1];
  return found === undefined ? undefined : Buffer.from(found, 'base64').toString();
}

function standardNames(domain: string): readonly string[] {
  const service = [
    'kubernetes',
    'kubernetes.default',
    'kubernetes.default.svc',
    `kubernetes.default.svc.${domain}`,
  ];
  return ['localhost', '127.0.0.1', '::1', ...service];
}

function isSignedBy(pair: KeyPair, authority: Authority): boolean {
  try {
    const certificate = new X509Certificate(pair.certificate);
    const issuer = new X509Certificate(authority.certificate);
    return certificate.verify(issuer.publicKey) && Date.parse(certificate.validTo) > authority.clock.now();
  } catch {
    return false; // not readable as a certificate: a new one takes its place
  }
}

function coversAll(pair: KeyPair, names: readonly string[]): boolean {
  const certificate = new X509Certificate(pair.certificate);
  return names.every(
    name => certificate.checkHost(name) !== undefined || certificate.checkIP(name) !== undefined,
  );
}

function assertAuthority(directory: string, pair: KeyPair, now: number): void {
  const file = join(directory, 'ca.crt');
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(pair.certificate);
  } catch (cause) {
    throw new FairleadError('pki/bad-authority', `${file} is not a certificate`, {
      hint: 'Run `fairlead down` and `fairlead up`: the cluster gets a new authority.',
      cause,
    });
  }
  if (certificate.ca && Date.parse(certificate.validTo) > now) return;
  throw new FairleadError('pki/bad-authority', `${file} is no certificate authority that is still valid`, {
    hint: 'Run `fairlead down` and `fairlead up`: the cluster gets a new authority.',
  });
}

function readPair(directory: string, name: string): KeyPair | undefined {
  const certificate = readIfPresent(join(directory, `${name}.crt`));
  const key = readIfPresent(join(directory, `${name}.key`));
  return certificate === undefined || key === undefined ? undefined : { certificate, key };
}

/** The key first: a pair counts as present once its certificate is there. */
function writePair(directory: string, name: string, pair: KeyPair): void {
  writeFileAtomically(join(directory, `${name}.key`), pair.key, 0o600);
  writeFileAtomically(join(directory, `${name}.crt`), pair.certificate, 0o644);
}
