import type { HistogramSeries, Metrics } from '../base/metrics.ts';
import type { RuleCount } from './apply-rule-counts.ts';
import type { PolicyStatus } from './policy-node.ts';

/** From one element by netlink to thousands by nftables. */
const durations = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** The figures of policies on a node. Returns where the time of each change goes, in seconds. */
export function policyMetrics(
  metrics: Metrics,
  status: () => PolicyStatus,
  ruleCounts: () => Iterable<RuleCount>,
): HistogramSeries {
  const gauge = (name: string, help: string) => metrics.gauge(`fairlead_policy_${name}`, help).with();
  const counter = (name: string, help: string) => metrics.counter(`fairlead_policy_${name}`, help).with();
  const policies = gauge('policies', 'Policies of the cluster that are known.');
  const isolated = metrics.gauge(
    'fairlead_policy_isolated_pods',
    'Pods of this node that policies isolate.',
    ['direction'],
  );
  const groups = gauge('groups', 'Sets of pods that the same policies cover, each with tables of its own.');
  const elements = gauge('elements', 'Elements of the kernel’s sets and maps.');
  const problems = gauge('problems', 'Parts of policies that cannot be followed.');
  const names = gauge('domain_addresses', 'Addresses that count for domain names.');
  const tooMany = counter('domain_addresses_refused_total', 'Addresses of domain names that were too many.');
  const dropped = metrics.counter(
    'fairlead_policy_dropped_packets_total',
    'Packets that the kernel dropped: by direction, of closed pods, and of connections that were taken back.',
    ['where'],
  );
  const revoked = counter('revoked_connections_total', 'Open connections that a change took back.');
  const corrections = counter(
    'corrections_total',
    'Parts of the table that were found changed and put right.',
  );
  const rules = metrics.counter(
    'fairlead_policy_rule_packets_total',
    'Packets that opened a connection, by the rule that accepted, denied or passed them on.',
    ['namespace', 'policy', 'rule', 'id', 'action'],
  );
  metrics.onCollect(() => {
    // Rules that are gone make room; those that are too many are one series.
    rules.clear();
    for (const { action, id, packets, provenance } of ruleCounts())
      rules.with(provenance.namespace, provenance.name, provenance.field, String(id), action).add(packets);
    const now = status();
    policies.set(now.policies);
    isolated.with('ingress').set(now.isolated.ingress);
    isolated.with('egress').set(now.isolated.egress);
    groups.set(now.groups);
    elements.set(now.elements);
    problems.set(now.problems.length);
    names.set(now.names.held);
    tooMany.set(now.names.refused);
    for (const [where, packets] of Object.entries(now.dropped)) dropped.with(where).set(packets);
    revoked.set(now.revoked);
    corrections.set(now.corrections);
  });
  return metrics
    .histogram(
      'fairlead_policy_change_duration_seconds',
      'One run that brings changes into force, with the walk through open connections.',
      durations,
    )
    .with();
}
