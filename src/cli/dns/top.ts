import { join } from 'node:path';
import { FairleadError, sentenceOf } from '../../base/errors.ts';
import type { DnsCounts, TopReport } from '../../dns/index.ts';
import { paths } from '../../kernel/contract.ts';
import { askAgent } from '../../probe/index.ts';
import { checkName, loadCluster } from '../../standalone/cluster.ts';
import { noSuchCluster } from '../kubeconfig.ts';
import { requireRoot } from '../require-root.ts';
import { table } from '../table.ts';

export interface DnsTopCall {
  readonly cluster: string;
  readonly rows: number;
  readonly form: 'text' | 'json';
}

/** What `dns top` reads of a node's server. */
interface NodeDns {
  readonly synced: boolean;
  readonly ageSeconds: number | null;
  readonly names: number;
  readonly counts: DnsCounts;
  readonly top: TopReport;
  readonly slowest: readonly {
    readonly upstream: string;
    readonly answers: number;
    readonly failures: number;
    readonly milliseconds: number;
  }[];
}

interface NodeReport {
  readonly node: string;
  readonly dns?: NodeDns;
  /** Why there is none. */
  readonly problem?: string;
}

interface Summed {
  readonly name: string;
  /** A second. */
  readonly rate: number;
}

const timeoutMilliseconds = 3000;

/** Prints who asks what, from all nodes; the exit code is 1 when a node's server does not answer. */
export async function dnsTop(call: DnsTopCall): Promise<number> {
  checkName(call.cluster);
  if (call.rows < 1 || call.rows > 50)
    throw new FairleadError('dns/bad-rows', `${call.rows} rows cannot be shown`, {
      field: '--rows',
      hint: 'A number from 1 to 50.',
    });
  requireRoot('dns top');
  const config = loadCluster(call.cluster);
  if (config === undefined) throw noSuchCluster(call.cluster);
  const reports = await Promise.all(config.nodes.map(({ name }) => read(call.cluster, name)));
  const report = {
    nodes: reports,
    names: summed(reports, ({ names }) => names, call.rows),
    absent: summed(reports, ({ absent }) => absent, call.rows),
    clients: summed(reports, ({ clients }) => clients, call.rows),
    upstreams: reports.flatMap(({ node, dns }) => (dns?.slowest ?? []).map(each => ({ node, ...each }))),
  };
  process.stdout.write(call.form === 'json' ? `${JSON.stringify(report, null, 2)}\n` : textOf(report));
  return reports.some(({ dns }) => dns === undefined) ? 1 : 0;
}

async function read(cluster: string, node: string): Promise<NodeReport> {
  try {
    const socket = join(paths.nodeRun(cluster, node), 'dns.sock');
    // Our own process on our own socket, which only root can open.
    return { node, dns: (await askAgent(socket, '/status', timeoutMilliseconds)) as NodeDns };
  } catch (error) {
    return { node, problem: sentenceOf(error) };
  }
}

function summed(
  reports: readonly NodeReport[],
  pick: (top: TopReport) => TopReport['names'],
  rows: number,
): readonly Summed[] {
  const rates = new Map<string, number>();
  for (const { dns } of reports) {
    if (dns === undefined) continue;
    for (const { name, questions } of pick(dns.top))
      rates.set(name, (rates.get(name) ?? 0) + questions / Math.max(1, dns.top.seconds));
  }
  return [...rates]
    .map(([name, rate]) => ({ name, rate }))
    .toSorted((a, b) => b.rate - a.rate)
    .slice(0, rows);
}

function textOf(report: {
  readonly nodes: readonly NodeReport[];
  readonly names: readonly Summed[];
  readonly absent: readonly Summed[];
  readonly clients: readonly Summed[];
  readonly upstreams: readonly {
    readonly node: string;
    readonly upstream: string;
    readonly answers: number;
    readonly failures: number;
    readonly milliseconds: number;
  }[];
}): string {
  const rate = (value: number) => `${value.toFixed(1)}/s`;
  const share = (part: number, whole: number) =>
    whole === 0 ? '-' : `${((100 * part) / whole).toFixed(1)} %`;
  const nodes = report.nodes.map(({ node, dns, problem }) => {
    if (dns === undefined) return [node, '-', '-', '-', '-', '-', problem ?? ''];
    const all = Object.values(dns.counts.answers).reduce((sum, count) => sum + count, 0);
    const { NXDOMAIN: absent = 0, SERVFAIL: failed = 0 } = dns.counts.answers;
    const age = dns.ageSeconds === null ? 'never' : `${dns.ageSeconds.toFixed(0)} s`;
    return [
      node,
      String(all),
      share(absent, all),
      share(failed, all),
      String(dns.counts.underWay),
      String(dns.names),
      `heard ${age} ago`,
    ];
  });
  const listed = (head: string, list: readonly Summed[]) => [
    '',
    ...table(
      [head, 'ABOUT'],
      list.length === 0 ? [['-', '']] : list.map(each => [each.name, rate(each.rate)]),
    ),
  ];
  const upstreams = report.upstreams.map(({ node, upstream, answers, failures, milliseconds }) => [
    upstream,
    node,
    String(answers),
    share(failures, answers),
    `${milliseconds.toFixed(1)} ms`,
  ]);
  const lines = [
    ...table(['NODE', 'ANSWERS', 'NXDOMAIN', 'SERVFAIL', 'UNDER WAY', 'NAMES', 'API SERVER'], nodes),
    ...listed('ASKED MOST', report.names),
    ...listed('NOT THERE', report.absent),
    ...listed('CLIENT', report.clients),
    ...(upstreams.length === 0
      ? []
      : ['', ...table(['UPSTREAM', 'NODE', 'ANSWERS', 'FAILED', 'MEAN'], upstreams)]),
  ];
  return `${lines.join('\n')}\n`;
}
