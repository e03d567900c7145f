import type { BackendTLSPolicy, PolicyAncestorStatus, PolicyStatus } from '../kube/types/gateway-policies.ts';
import type { Gateway } from '../kube/types/gateway.ts';
import { comparePolicies, readTlsPolicy, targetsOf } from './compile-backend-tls.ts';
import { mergeConditions } from './compile-conditions.ts';
import type { Wanted } from './compile-conditions.ts';
import { servicesOfPolicy } from './compile-keys.ts';
import { CONTROLLER_NAME, GATEWAY_GROUP, bad } from './model.ts';
import type { GatewaySources, Verdict } from './model.ts';
import { unlessSame } from './compile-same.ts';

/** Most entries of a policy's status.ancestors. */
const MOST_ANCESTORS = 16;

/**
 * What Gateways whose routes lead to the policy's Services make of it: those of other controllers' entries stay as they are.
 * Undefined where the object says it already.
 */
export function policyStatus(
  policy: BackendTLSPolicy,
  ancestors: readonly Gateway[],
  sources: Pick<GatewaySources, 'service' | 'tlsPolicies' | 'configMap' | 'authorities'>,
  now: string,
): PolicyStatus | undefined {
  const { accepted, resolvedRefs } = readTlsPolicy(policy, sources);
  const wanted: readonly Wanted[] = [
    { type: 'Accepted', verdict: refusalOf(policy, sources) ?? accepted },
    { type: 'ResolvedRefs', verdict: resolvedRefs },
  ];
  const present = policy.status?.ancestors ?? [];
  const ours = ancestors
    .map(({ metadata }) => ({
      group: GATEWAY_GROUP,
      kind: 'Gateway',
      namespace: metadata.namespace ?? '',
      name: metadata.name,
    }))
    .map((ancestorRef): PolicyAncestorStatus => {
      const before = present.find(entry => isOurs(entry) && isSameRef(entry, { ancestorRef }));
      const options = { generation: policy.metadata.generation ?? 0, now, ownTypes: [] };
      return {
        ancestorRef,
        controllerName: CONTROLLER_NAME,
        conditions: mergeConditions(before?.conditions ?? [], wanted, options),
      };
    });
  // Entries stay where they are: two controllers that each put theirs first would write for ever.
  const inPlace = present.flatMap(entry =>
    isOurs(entry) ? (ours.find(own => isSameRef(own, entry)) ?? []) : [entry],
  );
  const added = ours.filter(own => !present.some(entry => isOurs(entry) && isSameRef(own, entry)));
  const all = [...inPlace, ...added].slice(0, MOST_ANCESTORS);
  if (policy.status === undefined && all.length === 0) return undefined;
  return unlessSame(policy.status, { ...policy.status, ancestors: all });
}

const isOurs = ({ controllerName }: PolicyAncestorStatus): boolean => controllerName === CONTROLLER_NAME;

function isSameRef(
  { ancestorRef: a }: Pick<PolicyAncestorStatus, 'ancestorRef'>,
  { ancestorRef: b }: Pick<PolicyAncestorStatus, 'ancestorRef'>,
): boolean {
  return (
    a.group === b.group &&
    a.kind === b.kind &&
    a.namespace === b.namespace &&
    a.name === b.name &&
    a.sectionName === b.sectionName &&
    a.port === b.port
  );
}

/** Why none of its targets follows it; undefined where one does. */
function refusalOf(
  policy: BackendTLSPolicy,
  sources: Pick<GatewaySources, 'service' | 'tlsPolicies'>,
): Verdict | undefined {
  const refusals = servicesOfPolicy(policy).flatMap(service =>
    targetsOf(policy, service).map(({ sectionName = '' }) =>
      refusalOfTarget(policy, service, sectionName, sources),
    ),
  );
  return refusals.every(refusal => refusal !== undefined) ? refusals[0] : undefined;
}

function refusalOfTarget(
  policy: BackendTLSPolicy,
  key: string,
  section: string,
  sources: Pick<GatewaySources, 'service' | 'tlsPolicies'>,
): Verdict | undefined {
  const service = sources.service(key);
  if (service === undefined) return bad('TargetNotFound', `There is no Service ${key}`);
  if (section !== '' && !service.spec.ports?.some(({ name = '' }) => name === section))
    return bad('TargetNotFound', `Service ${key} has no port named ${section}`);
  const [first] = (sources.tlsPolicies?.(key) ?? [])
    .filter(other => targetsOf(other, key).some(({ sectionName = '' }) => sectionName === section))
    .toSorted(comparePolicies);
  if (first === undefined || first.metadata.name === policy.metadata.name) return undefined;
  const what = section === '' ? `Service ${key}` : `port ${section} of Service ${key}`;
  return bad('Conflicted', `BackendTLSPolicy ${first.metadata.name}, which comes first, is for ${what} too`);
}
