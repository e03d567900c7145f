import { provenanceOf } from '../base/provenance.ts';
import type { Gateway, Listener, SecretObjectReference } from '../kube/types/gateway.ts';
import { isGranted } from './compile-grants.ts';
import { GATEWAY_GROUP, bad, good } from './model.ts';
import type { GatewaySources, ListenerModel, Verdict } from './model.ts';

type Found = ListenerModel['certificates'][number];

/** The certificates of a listener; the verdict names the first reference that does not lead to one. */
export function readCertificates(
  gateway: Gateway,
  listener: Listener,
  field: string,
  sources: GatewaySources,
): { readonly certificates: readonly Found[]; readonly resolved: Verdict } {
  const references = listener.tls?.certificateRefs ?? [];
  const certificates: Found[] = [];
  let problem: Verdict | undefined;
  if (references.length === 0)
    problem = bad('InvalidCertificateRef', `${field}.tls.certificateRefs names no certificate`);
  for (const [index, reference] of references.entries()) {
    const place = `${field}.tls.certificateRefs[${index}]`;
    const found = readOne(gateway, reference, place, sources);
    if ('holds' in found) problem ??= found;
    else certificates.push(found);
  }
  return { certificates, resolved: problem ?? good('ResolvedRefs', 'All references lead to what they name') };
}

function readOne(
  gateway: Gateway,
  reference: SecretObjectReference,
  place: string,
  sources: GatewaySources,
): Found | Verdict {
  const own = gateway.metadata.namespace ?? '';
  const { group = '', kind = 'Secret', namespace = own, name } = reference;
  const invalid = (what: string) => bad('InvalidCertificateRef', `${place}: ${what}`);
  if (group !== '' || kind !== 'Secret')
    return invalid(
      `${kind}${group === '' ? '' : `.${group}`} is no kind that certificates are taken from; a Secret is`,
    );
  const target = { group, kind, namespace, name };
  const from = { fromGroup: GATEWAY_GROUP, fromKind: 'Gateway', fromNamespace: own };
  if (!isGranted({ ...from, ...target }, at => sources.grants(at)))
    return bad(
      'RefNotPermitted',
      `${place}: no ReferenceGrant in namespace ${namespace} lets Gateways of ${own} use Secret ${name}`,
    );
  const secret = sources.secret(`${namespace}/${name}`);
  if (secret === undefined) return invalid(`there is no Secret ${namespace}/${name}`);
  const reading = sources.certificate(secret);
  if ('problem' in reading) return invalid(`Secret ${namespace}/${name}: ${reading.problem}`);
  return { ...reading.certificate, provenance: provenanceOf('Secret', secret.metadata, 'data') };
}
