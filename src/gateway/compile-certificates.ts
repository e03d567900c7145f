import { provenanceOf } from '../base/provenance.ts';
import type { Gateway, Listener, ListenerSet, SecretObjectReference } from '../kube/types/gateway.ts';
import { isGranted } from './compile-grants.ts';
import { GATEWAY_GROUP, bad, good } from './model.ts';
import type { GatewaySources, KnownCertificate, Verdict } from './model.ts';

/** The certificates of a listener; the verdict names the first reference that does not lead to one. */
export function readCertificates(
  owner: Gateway | ListenerSet,
  listener: Listener,
  field: string,
  sources: GatewaySources,
): { readonly certificates: readonly KnownCertificate[]; readonly resolved: Verdict } {
  const references = listener.tls?.certificateRefs ?? [];
  const certificates: KnownCertificate[] = [];
  let problem: Verdict | undefined;
  if (references.length === 0)
    problem = bad('InvalidCertificateRef', `${field}.tls.certificateRefs names no certificate`);
  for (const [index, reference] of references.entries()) {
    const place = `${field}.tls.certificateRefs[${index}]`;
    const found = readCertificate(owner, reference, place, sources);
    if ('holds' in found) problem ??= found;
    else certificates.push(found);
  }
  return { certificates, resolved: problem ?? good('ResolvedRefs', 'All references lead to what they name') };
}

/** A Secret's certificate and key, or the verdict of ResolvedRefs that says why there is none. */
export function readCertificate(
  owner: Gateway | ListenerSet,
  reference: SecretObjectReference,
  place: string,
  sources: GatewaySources,
): KnownCertificate | Verdict {
  const own = owner.metadata.namespace ?? '';
  const { group = '', kind = 'Secret', namespace = own, name } = reference;
  const invalid = (what: string) => bad('InvalidCertificateRef', `${place}: ${what}`);
  if (group !== '' || kind !== 'Secret')
    return invalid(
      `${kind}${group === '' ? '' : `.${group}`} is no kind that certificates are taken from; a Secret is`,
    );
  const target = { group, kind, namespace, name };
  const from = { fromGroup: GATEWAY_GROUP, fromKind: owner.kind, fromNamespace: own };
  if (!isGranted({ ...from, ...target }, at => sources.grants(at)))
    return bad(
      'RefNotPermitted',
      `${place}: no ReferenceGrant in namespace ${namespace} lets ${owner.kind}s of ${own} use Secret ${name}`,
    );
  const secret = sources.secret(`${namespace}/${name}`);
  if (secret === undefined) return invalid(`there is no Secret ${namespace}/${name}`);
  const reading = sources.certificate(secret);
  if ('problem' in reading) return invalid(`Secret ${namespace}/${name}: ${reading.problem}`);
  return { ...reading.certificate, provenance: provenanceOf('Secret', secret.metadata, 'data') };
}
