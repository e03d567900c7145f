import { X509Certificate } from 'node:crypto';
import { formatAddress, parseAddress } from '../../../base/ip.ts';
import type { Secret } from '../../../kube/types/config.ts';
import type { OwnerReference } from '../../../kube/types/meta.ts';
import { SELF_SIGNED_FOR_ANNOTATION } from '../names.ts';
import type { WantedSecret } from './wanted.ts';

const DAY = 24 * 3_600_000;
/** Short enough that renewal is nothing rare. */
export const LIFETIME = 90 * DAY;
const RENEW_BEFORE_END = 30 * DAY;
const MOST_NAMES = 100;

export type Step =
  | { readonly do: 'nothing' }
  /** All is well until then, in milliseconds since the epoch. */
  | { readonly do: 'wait'; readonly until: number }
  /** A certificate for these names goes into `secret`, which is new where it has no resourceVersion. */
  | { readonly do: 'issue'; readonly secret: Secret; readonly names: readonly string[] }
  | { readonly do: 'refuse'; readonly secret: Secret; readonly note: string };

/**
 * What is to be done for a Secret: `present` is the one that is there, `wanted` what Gateways ask of it. A Secret without
 * our annotation, or with a certificate that `authority` (PEM) did not sign, is somebody's own and stays as it is.
 */
export function decide(
  present: Secret | undefined,
  wanted: WantedSecret | undefined,
  authority: string,
  now: number,
): Step {
  if (present === undefined) {
    return wanted === undefined
      ? { do: 'nothing' }
      : { do: 'issue', secret: newSecret(wanted), names: wanted.hostnames };
  }
  const annotated = present.metadata.annotations?.[SELF_SIGNED_FOR_ANNOTATION];
  if (annotated === undefined || present.metadata.deletionTimestamp !== undefined) return { do: 'nothing' };
  const names = wanted?.hostnames ?? namesIn(annotated);
  const refusal = complaintAbout(names);
  if (refusal !== undefined) return { do: 'refuse', secret: present, note: refusal };
  const text = Buffer.from(present.data?.['tls.crt'] ?? '', 'base64').toString();
  if (text.trim() !== '') {
    const certificate = readCertificate(text);
    if (certificate === undefined || !isSignedBy(certificate, authority)) return { do: 'nothing' };
    const renewal = Date.parse(certificate.validTo) - RENEW_BEFORE_END;
    const isFor = namesOf(certificate).join() === [...names].map(canonical).sort().join();
    const hasKey = (present.data?.['tls.key'] ?? '') !== '';
    if (isFor && hasKey && renewal > now) return { do: 'wait', until: renewal };
  }
  if (present.immutable === true) {
    return {
      do: 'refuse',
      secret: present,
      note: 'the Secret is immutable, and its certificate is not what it is for',
    };
  }
  return { do: 'issue', secret: wanted === undefined ? present : withWanted(present, wanted), names };
}

export const namesIn = (annotation: string): readonly string[] =>
  [...new Set(annotation.split(',').map(name => name.trim().toLowerCase()))]
    .filter(name => name !== '')
    .sort();

/** A label may be a wildcard where it is the first of at least two (RFC 6125, 6.4.3). */
const HOSTNAME = /^(\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

function complaintAbout(names: readonly string[]): string | undefined {
  if (names.length === 0) return `the annotation ${SELF_SIGNED_FOR_ANNOTATION} names nobody`;
  if (names.length > MOST_NAMES) return `a certificate has at most ${MOST_NAMES} names, not ${names.length}`;
  const bad = names.find(
    name => parseAddress(name) === undefined && (name.length > 253 || !HOSTNAME.test(name)),
  );
  return bad === undefined ? undefined : `"${bad.slice(0, 80)}" is no host name and no address`;
}

function newSecret(wanted: WantedSecret): Secret {
  const { namespace, name } = wanted;
  return withWanted(
    { apiVersion: 'v1', kind: 'Secret', metadata: { namespace, name }, type: 'kubernetes.io/tls' },
    wanted,
  );
}

function withWanted(secret: Secret, wanted: WantedSecret): Secret {
  const owners = [...(secret.metadata.ownerReferences ?? []), ...wanted.gateways.map(ownerOf)];
  return {
    ...secret,
    metadata: {
      ...secret.metadata,
      annotations: {
        ...secret.metadata.annotations,
        [SELF_SIGNED_FOR_ANNOTATION]: wanted.hostnames.join(','),
      },
      ownerReferences: [...new Map(owners.map(owner => [owner.uid, owner])).values()],
    },
  };
}

function ownerOf(gateway: WantedSecret['gateways'][number]): OwnerReference {
  const { apiVersion, kind, metadata } = gateway;
  return { apiVersion, kind, name: metadata.name, uid: metadata.uid ?? '' };
}

function readCertificate(text: string): X509Certificate | undefined {
  try {
    return new X509Certificate(text);
  } catch {
    return undefined; // not readable as a certificate: it is somebody's own all the same
  }
}

function isSignedBy(certificate: X509Certificate, authority: string): boolean {
  const issuer = new X509Certificate(authority);
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}

/** `DNS:shop.example.com, IP Address:10.0.0.1` */
function namesOf(certificate: X509Certificate): readonly string[] {
  const parts = (certificate.subjectAltName ?? '').split(', ').filter(part => part !== '');
  return parts.map(part => canonical(part.slice(part.indexOf(':') + 1).toLowerCase())).sort();
}

function canonical(name: string): string {
  const address = parseAddress(name);
  return address === undefined ? name : formatAddress(address);
}
