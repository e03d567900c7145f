import type { FlowEvent } from '../base/flow-event.ts';
import type { Metrics } from '../base/metrics.ts';

/** What is told elsewhere, and copied before a scrape; all since the start but `kept`. */
export interface FlowCounts {
  readonly kept: number;
  /** Reports that the kernel made faster than they were read. */
  readonly unread: number;
  /** Drops and passes that came faster than they are explained. */
  readonly unexplained: { readonly drops: number; readonly passes: number };
  readonly exported: number;
  readonly exportDropped: number;
  readonly exportFailures: number;
}

/** The figures of the flow events of a node. */
export function flowMetrics(metrics: Metrics, counts: () => FlowCounts): (event: FlowEvent) => void {
  const events = metrics.counter('fairlead_flows_events_total', 'Connections that became an event.', [
    'verdict',
    'direction',
  ]);
  const byPolicy = metrics.counter(
    'fairlead_flows_policy_events_total',
    'Events by the policy that isolates, denies or lets pass; of what is too many to tell apart all together.',
    ['verdict', 'namespace', 'policy'],
  );
  const kept = metrics.gauge('fairlead_flows_kept', 'Events that the node keeps.').with();
  const lost = metrics.counter(
    'fairlead_flows_lost_total',
    'Reports that were lost: unread in the kernel, or too many to be explained.',
    ['why'],
  );
  const exported = metrics
    .counter('fairlead_flows_exported_total', 'Events that an OTLP receiver took.')
    .with();
  const unsent = metrics
    .counter(
      'fairlead_flows_export_dropped_total',
      'Events that could not be sent, or were too many to wait.',
    )
    .with();
  const failures = metrics
    .counter('fairlead_flows_export_failures_total', 'Requests that an OTLP receiver did not take.')
    .with();
  metrics.onCollect(() => {
    const now = counts();
    kept.set(now.kept);
    lost.with('unread').set(now.unread);
    lost.with('drops').set(now.unexplained.drops);
    lost.with('passes').set(now.unexplained.passes);
    exported.set(now.exported);
    unsent.set(now.exportDropped);
    failures.set(now.exportFailures);
  });
  return ({ direction, verdict, why }) => {
    events.with(verdict, direction).add();
    for (const { namespace, name } of why.policies) byPolicy.with(verdict, namespace, name).add();
  };
}
