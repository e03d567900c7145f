import { matchesSelector } from '../kube/selector.ts';
import type { Gateway, ListenerSet } from '../kube/types/gateway.ts';
import { Claims } from './compile-conflicts.ts';
import { readListeners } from './compile-listeners.ts';
import { bad } from './model.ts';
import type { GatewaySources, ListenerModel, ListenerSetModel, Verdict } from './model.ts';
import { judge } from './compile-verdicts.ts';

/**
 * The sets that name a Gateway as their parent, the oldest first: of what two claim the Gateway's own listener has it, then
 * that of the older set, then of the first by name (ListenerSetSpec.listeners).
 */
export function readSets(
  gateway: Gateway,
  own: readonly ListenerModel[],
  accepted: Verdict,
  sources: GatewaySources,
): readonly ListenerSetModel[] {
  const { namespace = '', name } = gateway.metadata;
  const sets = [...(sources.listenerSets?.(`${namespace}/${name}`) ?? [])].toSorted(compareSets);
  // What we do not serve claims nothing.
  const claims = new Claims(own.filter(isKnown).map(({ listener }) => listener));
  return sets.map((set): ListenerSetModel => {
    const key = keyOf(set);
    const refusal = refusalOf(gateway, set, accepted, sources);
    if (refusal !== undefined) return { key, set, accepted: refusal, listeners: [] };
    const listeners = readListeners(gateway, set, claims, sources);
    return { key, set, accepted: judge(listeners, 'ListenerSet'), listeners };
  });
}

const isKnown = ({ accepted }: ListenerModel): boolean => accepted.reason !== 'UnsupportedProtocol';

const keyOf = ({ metadata }: ListenerSet): string => `${metadata.namespace ?? ''}/${metadata.name}`;

function compareSets(a: ListenerSet, b: ListenerSet): number {
  const [one, two] = [a, b].map(set => `${set.metadata.creationTimestamp ?? ''} ${keyOf(set)}`);
  return (one ?? '') < (two ?? '') ? -1 : 1;
}

/** Why the set does not stand on the Gateway (GatewaySpec.allowedListeners: none do unless it says so). */
function refusalOf(
  { metadata, spec }: Gateway,
  set: ListenerSet,
  accepted: Verdict,
  sources: Pick<GatewaySources, 'namespace'>,
): Verdict | undefined {
  const { from = 'None', selector } = spec.allowedListeners?.namespaces ?? {};
  const own = set.metadata.namespace ?? '';
  const gateway = `Gateway ${metadata.namespace ?? ''}/${metadata.name}`;
  const labels = () => sources.namespace(own)?.metadata.labels ?? {};
  const isAllowed =
    from === 'All' ||
    (from === 'Same' && own === metadata.namespace) ||
    // Without a selector nothing is selected: an empty one would select every namespace.
    (from === 'Selector' && selector !== undefined && matchesSelector(selector, labels()));
  if (!isAllowed)
    return bad('NotAllowed', `${gateway} takes no ListenerSets of namespace ${own} (spec.allowedListeners)`);
  // A Gateway without a listener of its own that can be served may live by its sets.
  const isRefused = !accepted.holds && accepted.reason !== 'ListenersNotValid';
  return isRefused ? bad('ParentNotAccepted', `${gateway} is not accepted: ${accepted.message}`) : undefined;
}
