import { checkServerIdentity, type PeerCertificate } from 'node:tls';
import type { TableBackendTls } from '../../table.ts';

/**
 * What is wrong with the names of a backend's certificate, undefined where nothing is (BackendTLSPolicyValidation): one of
 * the alternative names has to stand in it, or else the hostname. Its common name does not count (RFC 9525 section 2).
 */
export function identityProblem(
  { hostname, subjectAltNames }: Pick<TableBackendTls, 'hostname' | 'subjectAltNames'>,
  { subjectaltname = '' }: Pick<PeerCertificate, 'subjectaltname'>,
): Error | undefined {
  if (subjectAltNames.length === 0) return hostnameProblem(hostname, subjectaltname);
  const uris = urisOf(subjectaltname);
  const isKnown = subjectAltNames.some(({ type, value }) =>
    type === 'URI' ? uris.includes(value) : hostnameProblem(value, subjectaltname) === undefined,
  );
  return isKnown ? undefined : new Error('the certificate has none of the subjectAltNames');
}

/** Node compares as RFC 6125 has it; without a subject it has no common name to fall back to. */
function hostnameProblem(hostname: string, subjectaltname: string): Error | undefined {
  const namesAlone = { subjectaltname } as PeerCertificate; // all that is read, but for the subject
  return checkServerIdentity(hostname, namesAlone);
}

/** Node writes `DNS:a, URI:b`, and what has a comma or a quote in it as a string of JSON. */
const name = /(?:^|, )([A-Za-z ]+):("(?:[^"\\]|\\.)*"|[^,]*)/g;

function urisOf(subjectaltname: string): readonly string[] {
  return [...subjectaltname.matchAll(name)].flatMap(([, type, value = '']) => {
    if (type !== 'URI') return [];
    return [value.startsWith('"') ? (JSON.parse(value) as string) : value];
  });
}
