import type { BackendTLSPolicy, SubjectAltName } from '../kube/types/gateway-policies.ts';
import type { Service, ServicePort } from '../kube/types/service.ts';
import { readAuthorities } from './compile-authorities.ts';
import { isHostname } from './compile-hostname.ts';
import { bad, good } from './model.ts';
import type { GatewayModel, GatewaySources, Verdict } from './model.ts';
import type { TableBackendTls } from './table.ts';

export type PolicySources = Pick<
  GatewaySources,
  'service' | 'tlsPolicies' | 'configMap' | 'authorities' | 'grants'
>;

/** What a policy asks for, whatever the others do. */
export interface TlsPolicyModel {
  /** Holds where connections can be made by it; a conflict is another matter. */
  readonly accepted: Verdict;
  readonly resolvedRefs: Verdict;
  readonly tls: TableBackendTls;
}

export function readTlsPolicy(
  { metadata, spec }: BackendTLSPolicy,
  sources: Pick<GatewaySources, 'configMap' | 'authorities'>,
): TlsPolicyModel {
  const { caCertificateRefs = [], hostname, subjectAltNames = [], wellKnownCACertificates } = spec.validation;
  const referrer = {
    kind: 'BackendTLSPolicy',
    namespace: metadata.namespace ?? '',
    wrongKind: 'InvalidKind',
  } as const;
  const { authorities, resolved } = readAuthorities(
    referrer,
    // Another namespace's cannot be named (LocalObjectReference).
    caCertificateRefs.map(({ group, kind, name }) => ({ group, kind, name })),
    'spec.validation.caCertificateRefs',
    { ...sources, grants: () => [] },
  );
  const invalid = invalidOf(spec, authorities !== undefined);
  const accepted =
    invalid ??
    (caCertificateRefs.length > 0 && authorities === undefined
      ? bad('NoValidCACertificate', resolved.message)
      : good('Accepted', 'Connections to the backend follow the policy'));
  const isSystem = caCertificateRefs.length === 0 && wellKnownCACertificates === 'System';
  return {
    accepted,
    resolvedRefs: resolved,
    tls: {
      ...(accepted.holds ? {} : { problem: `BackendTLSPolicy ${metadata.name}: ${accepted.message}` }),
      hostname: hostname.toLowerCase(),
      subjectAltNames: subjectAltNames.map(nameOf),
      ...(authorities === undefined || isSystem ? {} : { authorities }),
    },
  };
}

function invalidOf(
  { options = {}, validation }: BackendTLSPolicy['spec'],
  hasAuthorities: boolean,
): Verdict | undefined {
  const { caCertificateRefs = [], hostname, subjectAltNames = [], wellKnownCACertificates } = validation;
  const invalid = (field: string, what: string) => bad('Invalid', `spec.${field}: ${what}`);
  // What would be weaker than asked for if it were left out of account.
  const [option] = Object.keys(options);
  if (option !== undefined) return invalid('options', `the TLS option ${option} is not supported`);
  if (!isHostname(hostname.toLowerCase()) || hostname.startsWith('*'))
    return invalid('validation.hostname', `${JSON.stringify(hostname)} is no hostname`);
  const wrong = subjectAltNames.findIndex(name => nameOf(name).value === '');
  if (wrong >= 0) return invalid(`validation.subjectAltNames[${wrong}]`, 'it has no name of its type');
  if (wellKnownCACertificates !== undefined && wellKnownCACertificates !== 'System')
    return invalid(
      'validation.wellKnownCACertificates',
      `${JSON.stringify(wellKnownCACertificates)} is not known; System is`,
    );
  if (!hasAuthorities && caCertificateRefs.length === 0 && wellKnownCACertificates === undefined)
    return invalid('validation', 'it names no authorities');
  return undefined;
}

const nameOf = ({ type, hostname = '', uri = '' }: SubjectAltName) =>
  type === 'URI' ? ({ type, value: uri } as const) : ({ type, value: hostname.toLowerCase() } as const);

/**
 * The policy that counts for a port of a Service: one for the port by its name comes before one for the Service, then
 * the older one, then the first by name (BackendTLSPolicySpec.targetRefs). `portName` is empty for a port without a name;
 * undefined where no port is meant.
 */
export function policyFor(
  policies: readonly BackendTLSPolicy[],
  service: string,
  portName: string | undefined,
): BackendTLSPolicy | undefined {
  const forPort = policies.filter(policy =>
    targetsOf(policy, service).some(({ sectionName = '' }) => sectionName !== '' && sectionName === portName),
  );
  const whole = policies.filter(policy =>
    targetsOf(policy, service).some(({ sectionName = '' }) => sectionName === ''),
  );
  return forPort.toSorted(comparePolicies)[0] ?? whole.toSorted(comparePolicies)[0];
}

/** Its references to a Service, `namespace/name`; a policy stands in the Service's namespace. */
export const targetsOf = ({ metadata, spec }: BackendTLSPolicy, service: string) =>
  spec.targetRefs.filter(
    ({ group, kind, name }) =>
      group === '' && kind === 'Service' && `${metadata.namespace ?? ''}/${name}` === service,
  );

export function comparePolicies(
  { metadata: a }: BackendTLSPolicy,
  { metadata: b }: BackendTLSPolicy,
): number {
  const keyOf = ({ creationTimestamp = '', namespace = '', name }: typeof a) =>
    `${creationTimestamp} ${namespace}/${name}`;
  return keyOf(a) < keyOf(b) ? -1 : 1;
}

/** How proxies speak TLS to a port of a Service; undefined where they do not. */
export function compileBackendTls(
  { metadata }: Service,
  port: ServicePort | undefined,
  { clientCertificate }: Pick<GatewayModel, 'clientCertificate'>,
  sources: Pick<GatewaySources, 'tlsPolicies' | 'configMap' | 'authorities'>,
): TableBackendTls | undefined {
  const key = `${metadata.namespace ?? ''}/${metadata.name}`;
  const policy = policyFor(sources.tlsPolicies?.(key) ?? [], key, port?.name);
  if (policy === undefined) return undefined;
  const { tls } = readTlsPolicy(policy, sources);
  return { ...tls, ...(clientCertificate === undefined ? {} : { clientCertificate: clientCertificate.id }) };
}
