import { loadBalancersText } from './load-balancers.ts';
import type { ClusterStatus, ProcessStatus } from './read-status.ts';
import { table } from './table.ts';

/** `status` for people: tables, then what is wrong with the next step for each. */
export function statusText(status: ClusterStatus): string {
  const {
    cluster,
    topology,
    outside,
    apiServer,
    kubeconfig,
    nodes,
    pods,
    processes,
    memory,
    loadBalancers,
    problems,
  } = status;
  // What has done its work is not missed.
  const lasting = pods.filter(pod => pod.phase !== 'Succeeded');
  const readyPods = lasting.filter(pod => pod.ready).length;
  const blocks = [
    [
      `Cluster ${cluster} (${topology}${outside ? ', with a way outside' : ''})`,
      ...(apiServer === '' ? [] : [`API server  ${apiServer}`, `kubeconfig  ${kubeconfig}`]),
    ],
    table(
      ['NODE', 'READY', 'LINK', 'ADDRESSES', 'PODS FROM', 'PODS', 'SERVICES BY'],
      nodes.map(node => [
        node.name,
        node.ready ? 'yes' : 'no',
        String(node.link),
        node.addresses.join(' '),
        node.podPrefixes.join(' '),
        String(node.pods),
        node.services?.mode ?? '-',
      ]),
    ),
    nodes.flatMap(({ name, services }) =>
      services?.mode === 'nftables' ? [`${name} translates Services by nftables: ${services.reason}.`] : [],
    ),
    loadBalancersText(loadBalancers),
    table(
      ['PROCESS', 'PID', 'PSS', 'UP', 'RESTARTS', 'LAST END'],
      processes.map(process => [
        process.name,
        process.pid === null ? '-' : String(process.pid),
        megabytes(process.pssBytes),
        uptime(process),
        String(process.restarts),
        process.lastEnd ?? '',
      ]),
    ),
    [
      `${readyPods} of ${lasting.length} pods ready. Memory: ${megabytes(memory.ownBytes)} own processes, ${megabytes(memory.podBytes)} in pods.`,
    ],
    problems.length === 0
      ? ['Nothing is wrong.']
      : [
          problems.length === 1 ? 'What is wrong:' : `What is wrong (${problems.length}):`,
          ...problems.flatMap(({ object, text, hint }) => [
            `  ${object} ${text}`,
            ...(hint === undefined ? [] : [`    next: ${hint}`]),
          ]),
        ],
  ];
  return `${blocks
    .filter(block => block.length > 0)
    .map(block => block.join('\n'))
    .join('\n\n')}\n`;
}

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;

function uptime({ uptimeSeconds }: ProcessStatus): string {
  if (uptimeSeconds === null) return '';
  if (uptimeSeconds < 120) return `${uptimeSeconds} s`;
  return uptimeSeconds < 7200
    ? `${Math.round(uptimeSeconds / 60)} min`
    : `${Math.round(uptimeSeconds / 3600)} h`;
}
