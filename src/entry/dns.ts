/**
 * The DNS server of one node, born in the node's network namespace. It answers from its last state before it has heard
 * of the API server, and goes on when nobody hears of that again.
 *
 * ```
 *   dns.json (last state) ─▶ ClusterNames ─▶ UDP and TCP port 53 of the DNS addresses on `lo`
 *   API server ── watch ──────▶ │                 └─▶ upstreams, for other names
 *   dns.json ◀── every 5 s ─────┘
 * ```
 */
import { flushCompileCache } from 'node:module';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { serveStatus } from '../agent/status.ts';
import { systemClock } from '../base/clock.ts';
import { FairleadError } from '../base/errors.ts';
import { parseAddress, parsePrefix } from '../base/ip.ts';
import type { Prefix } from '../base/ip.ts';
import type { Log } from '../base/log.ts';
import {
  ClusterNames,
  dnsAddressesOf,
  followCluster,
  leaveUntracked,
  readSnapshot,
  startDnsServer,
  takeAddresses,
  writeSnapshot,
} from '../dns/index.ts';
import type { DnsCounts, Upstream } from '../dns/index.ts';
import { defaults, paths } from '../kernel/contract.ts';
import { aborted, runProcess } from './process-top.ts';

/** What `GET /status` on dns.sock says. */
export interface DnsStatus {
  readonly cluster: string;
  readonly node: string;
  readonly addresses: readonly string[];
  readonly upstreams: readonly string[];
  /** The API server has told everything at least once since the start. */
  readonly synced: boolean;
  /** Seconds since the API server last confirmed what is answered; null where it never did. */
  readonly ageSeconds: number | null;
  readonly names: number;
  readonly counts: DnsCounts;
}

const snapshotMilliseconds = 5000;
/** What a snapshot does not have may be new: for this long after a start it is unknown, not absent. */
const graceMilliseconds = 1000;

if (import.meta.main)
  runProcess('dns', async ({ log, stop }) => {
    const { cluster, node, kubeconfig, clusterDomain, prefixes, servicePrefixes, upstreams, held } =
      readOptions();
    const clock = systemClock;
    const addresses = dnsAddressesOf(servicePrefixes);
    const serial = Math.floor(clock.now() / 1000);
    const names = new ClusterNames({ clusterDomain, dnsAddresses: addresses, prefixes, serial });
    const file = join(paths.nodeState(cluster, node), 'dns.json');
    const restoredAt = restore(names, file, log);
    takeAddresses(addresses);
    const server = await startDnsServer({
      names,
      addresses,
      port: 53,
      held,
      upstreams,
      random: Math.random,
      log,
    });
    if (restoredAt !== undefined)
      clock.sleep(graceMilliseconds, stop).then(
        () => (names.isComplete = true),
        () => undefined, // stopped before
      );
    await leaveUntracked(addresses);

    // Loaded when names are answered already: it is most of what a start costs.
    const [{ createClient }, { loadKubeconfig }, { inClusterConfig }] = await Promise.all([
      import('../kube/client.ts'),
      import('../kube/kubeconfig.ts'),
      import('../kube/in-cluster.ts'),
    ]);
    const client = createClient(
      kubeconfig === undefined ? inClusterConfig(process.env) : loadKubeconfig(kubeconfig),
    );
    const following = followCluster({ client, names, clock, log, signal: stop });
    let synced = false;
    let saved = -1;
    const save = () => {
      if (!synced || following.changes() === saved) return;
      saved = following.changes();
      writeSnapshot(file, { at: clock.now() - following.staleness() * 1000, input: names.input() });
    };
    following.synced.then(
      () => {
        synced = true;
        save();
        log.info({ names: names.tree.size }, 'the names are those of the API server');
        flushCompileCache();
      },
      () => undefined, // stopped before
    );
    const saving = setInterval(save, snapshotMilliseconds);
    const status = (): DnsStatus => {
      const age = synced
        ? following.staleness()
        : restoredAt === undefined
          ? undefined
          : (clock.now() - restoredAt) / 1000;
      return {
        cluster,
        node,
        addresses,
        upstreams: upstreams.map(({ host, port }) => `${host} ${port}`),
        synced,
        ageSeconds: age ?? null,
        names: names.tree.size,
        counts: server.counts(),
      };
    };
    const statusServer = await serveStatus(join(paths.nodeRun(cluster, node), 'dns.sock'), status);
    await aborted(stop);
    clearInterval(saving);
    save();
    server.close();
    await statusServer.close();
    client.close();
  });

function restore(names: ClusterNames, file: string, log: Log): number | undefined {
  const snapshot = readSnapshot(file, reason =>
    log.warn({ file, reason }, 'the last state cannot be read; names are unknown until the API server tells'),
  );
  if (snapshot === undefined) return undefined;
  names.putAll(snapshot.input);
  log.info({ file, at: new Date(snapshot.at).toISOString() }, 'the last state is answered from');
  return snapshot.at;
}

function readOptions() {
  const { values } = parseArgs({
    options: {
      cluster: { type: 'string', default: process.env['FAIRLEAD_CLUSTER'] ?? 'default' },
      node: { type: 'string', default: process.env['NODE_NAME'] ?? '' },
      kubeconfig: { type: 'string' },
      'pod-prefixes': { type: 'string', default: '' },
      'service-prefixes': { type: 'string', default: defaults.servicePrefixes.join(',') },
      'cluster-domain': { type: 'string', default: defaults.clusterDomain },
      upstreams: { type: 'string', default: '' },
      // Descriptors of sockets that the supervisor holds, in the order of the DNS addresses.
      'held-datagrams': { type: 'string', default: '' },
      'held-streams': { type: 'string', default: '' },
    },
  });
  if (values.node === '') {
    throw new FairleadError('dns/no-node', 'the DNS server does not know which node it serves', {
      hint: 'Give --node, or NODE_NAME in the environment.',
    });
  }
  const servicePrefixes = listOf(values['service-prefixes']).map(text =>
    prefixOf(text, '--service-prefixes'),
  );
  const podPrefixes = listOf(values['pod-prefixes']).map(text => prefixOf(text, '--pod-prefixes'));
  return {
    cluster: values.cluster,
    node: values.node,
    kubeconfig: values.kubeconfig,
    clusterDomain: values['cluster-domain'],
    servicePrefixes,
    prefixes: [...servicePrefixes, ...podPrefixes],
    upstreams: listOf(values.upstreams).map(upstreamOf),
    held: {
      datagrams: listOf(values['held-datagrams']).map(Number),
      streams: listOf(values['held-streams']).map(Number),
    },
  };
}

function listOf(list: string): readonly string[] {
  return list.split(',').filter(text => text !== '');
}

function prefixOf(text: string, field: string): Prefix {
  const prefix = parsePrefix(text);
  if (prefix !== undefined) return prefix;
  throw new FairleadError('dns/bad-prefix', `"${text}" is not a prefix`, { field });
}

/** `192.0.2.1`, `192.0.2.1:5353`, `2001:db8::1`, `[2001:db8::1]:5353`. */
function upstreamOf(text: string): Upstream {
  const [, bracketed, v4, digits = '53'] = /^(?:\[(.+)\]|([^:]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const host = bracketed ?? v4 ?? text;
  const port = Number(digits);
  if (parseAddress(host) !== undefined && port >= 1 && port <= 65_535) return { host, port };
  throw new FairleadError('dns/bad-upstream', `"${text}" is not an address with a port`, {
    field: '--upstreams',
    hint: 'Write 192.0.2.1, 192.0.2.1:5353 or [2001:db8::1]:5353; names cannot be resolved here',
  });
}
