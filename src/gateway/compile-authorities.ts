import { isGranted } from './compile-grants.ts';
import { GATEWAY_GROUP, bad, good } from './model.ts';
import type { GatewaySources, Verdict } from './model.ts';

/** A reference to certificates of authorities; the namespace is the referrer's where absent. */
export interface AuthorityReference {
  readonly group: string;
  readonly kind: string;
  readonly name: string;
  readonly namespace?: string;
}

export interface Authorities {
  /** PEM of all that could be read; undefined where none could. */
  readonly authorities: string | undefined;
  /** Names the first reference that does not lead to authorities. */
  readonly resolved: Verdict;
}

/** The word for a reference to another kind differs by the object that refers. */
export interface Referrer {
  readonly kind: 'Gateway' | 'BackendTLSPolicy';
  readonly namespace: string;
  readonly wrongKind: 'InvalidCACertificateKind' | 'InvalidKind';
}

/** Authorities that references lead to, whole files of PEM one after the other: ConfigMaps with `ca.crt`. */
export function readAuthorities(
  referrer: Referrer,
  references: readonly AuthorityReference[],
  field: string,
  sources: Pick<GatewaySources, 'configMap' | 'authorities' | 'grants'>,
): Authorities {
  const texts: string[] = [];
  let problem: Verdict | undefined;
  for (const [index, reference] of references.entries()) {
    const found = readOne(referrer, reference, `${field}[${index}]`, sources);
    if (typeof found === 'string') texts.push(found);
    else problem ??= found;
  }
  return {
    authorities: texts.length === 0 ? undefined : texts.join('\n'),
    resolved: problem ?? good('ResolvedRefs', 'All references lead to what they name'),
  };
}

function readOne(
  { kind: fromKind, namespace: fromNamespace, wrongKind }: Referrer,
  { group, kind, name, namespace = fromNamespace }: AuthorityReference,
  place: string,
  sources: Pick<GatewaySources, 'configMap' | 'authorities' | 'grants'>,
): string | Verdict {
  const invalid = (what: string) => bad('InvalidCACertificateRef', `${place}: ${what}`);
  if (group !== '' || kind !== 'ConfigMap') {
    const written = `${kind}${group === '' ? '' : `.${group}`}`;
    return bad(wrongKind, `${place}: ${written} is no kind that authorities are taken from; a ConfigMap is`);
  }
  const from = { fromGroup: GATEWAY_GROUP, fromKind, fromNamespace };
  if (!isGranted({ ...from, group, kind, namespace, name }, at => sources.grants(at)))
    return bad(
      'RefNotPermitted',
      `${place}: no ReferenceGrant in namespace ${namespace} lets ${fromKind}s of ${fromNamespace} use ConfigMap ${name}`,
    );
  const configMap = sources.configMap?.(`${namespace}/${name}`);
  if (configMap === undefined) return invalid(`there is no ConfigMap ${namespace}/${name}`);
  const reading = sources.authorities?.(configMap) ?? { problem: 'it cannot be read here' };
  return 'problem' in reading
    ? invalid(`ConfigMap ${namespace}/${name}: ${reading.problem}`)
    : reading.authorities;
}
