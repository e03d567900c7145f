import { formatPrefix } from '../base/ip.ts';
import type { Metrics } from '../base/metrics.ts';
import type { Ipam } from './ipam/ipam.ts';
import type { PodNetwork } from './pod-network.ts';

/** From a lone ADD to one behind a hundred others, or behind a gate that does not open. */
const durations = [0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export interface PodMetricsOptions {
  readonly ipam: Ipam;
  readonly network: PodNetwork;
  /** Since the start of the process. */
  readonly totals: () => { readonly corrections: number; readonly released: number };
}

/** Tells how an operation of the plugin ended: its command, its CNI code (0: success) and its milliseconds. */
export type ObserveOperation = (command: string, code: number, milliseconds: number) => void;

/** The figures of pod networking on a node. Returns where each operation of the plugin goes. */
export function podMetrics(metrics: Metrics, options: PodMetricsOptions): ObserveOperation {
  const { ipam, network, totals } = options;
  const gauge = (name: string, help: string) => metrics.gauge(`fairlead_pods_${name}`, help).with();
  const counter = (name: string, help: string) => metrics.counter(`fairlead_pods_${name}`, help).with();
  const attachments = gauge('attachments', 'Interfaces of pods on this node.');
  const hostPorts = gauge('host_ports', 'Ports of the node that lead to pods, one a family and address.');
  const taken = metrics.gauge('fairlead_pods_addresses_taken', 'Pod addresses in use.', ['prefix']);
  const capacity = metrics.gauge('fairlead_pods_addresses_capacity', 'Pod addresses that there are.', [
    'prefix',
  ]);
  const corrections = counter('corrections_total', 'What was found changed in the kernel and put right.');
  const released = counter('released_total', 'Attachments that were freed because their pod was gone.');
  const operations = metrics.counter(
    'fairlead_pods_cni_operations_total',
    'Operations of the CNI plugin, by the code that they answered; 0 is success.',
    ['command', 'code'],
  );
  const duration = metrics.histogram(
    'fairlead_pods_cni_operation_duration_seconds',
    'How long an operation of the CNI plugin took in the agent, gates included.',
    durations,
    ['command'],
  );
  metrics.onCollect(() => {
    const now = totals();
    attachments.set(ipam.list().length);
    hostPorts.set(network.program?.sets.hostPorts.length ?? 0);
    corrections.set(now.corrections);
    released.set(now.released);
    taken.clear();
    capacity.clear();
    for (const prefix of network.self?.podPrefixes ?? []) {
      const usage = ipam.usage(prefix);
      taken.with(formatPrefix(prefix)).set(usage.taken);
      capacity.with(formatPrefix(prefix)).set(Number(usage.capacity));
    }
  });
  return (command, code, milliseconds) => {
    const known = commands.has(command) ? command : 'other';
    operations.with(known, String(code)).add();
    duration.with(known).observe(milliseconds / 1000);
  };
}

/** What a caller names goes into a label only as one of these. */
const commands: ReadonlySet<string> = new Set(['ADD', 'DEL', 'CHECK', 'GC', 'STATUS']);
