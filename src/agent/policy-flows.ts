/**
 * What happened to connections on this node.
 *
 * ```
 *   nfnetlink_log ──▶ explained by the policies' engine ──▶ FlowStore ──▶ /observe/flows, /observe/why
 *                                                             ├──▶ flows.jsonl, for the next start
 *                                                             ├──▶ metrics
 *                                                             └──▶ an OTLP receiver, where there is one
 * ```
 *
 * Where the kernel cannot report, drops are counted all the same, and only counted.
 */
import { bigNumbersAsText } from '../base/big-numbers.ts';
import type { Clock } from '../base/clock.ts';
import { sentenceOf } from '../base/errors.ts';
import type { FlowEvent } from '../base/flow-event.ts';
import type { Log } from '../base/log.ts';
import { Metrics } from '../base/metrics.ts';
import {
  FlowExporter,
  FlowStore,
  explainDrop,
  explainPass,
  flowMetrics,
  flowOfEvent,
} from '../flows/index.ts';
import type { FlowFilter, ReportedPacket } from '../flows/index.ts';
import { logGroups } from '../kernel/contract.ts';
import { NetlinkError } from '../kernel/netlink/index.ts';
import { PacketLog } from '../kernel/nflog/index.ts';
import type { Service } from '../kube/types/service.ts';
import { decidePolicy, passedPrefix } from '../policy/index.ts';
import type { PolicyModel, Verdict } from '../policy/index.ts';
import { AskedAddresses, connectionFinder, withAsked } from './policy-flow-asked.ts';
import { sendOtlp } from './policy-flow-export.ts';
import type { OtlpReceiver } from './policy-flow-export.ts';
import { FlowLog } from './policy-flow-log.ts';
import { ServiceNames } from './policy-flow-services.ts';

export interface FlowsOptions {
  readonly cluster: string;
  readonly node: string;
  /** Survives a restart. */
  readonly directory: string;
  /** What is in force; undefined before anything is. */
  readonly model: () => PolicyModel | undefined;
  readonly receiver?: OtlpReceiver;
  readonly metrics?: Metrics;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}

export interface FlowsStatus {
  /** The kernel can report, and this process reads it. */
  readonly reported: boolean;
  readonly kept: number;
  /** The number of the youngest event; one that is smaller than before is of a node that was made anew. */
  readonly newest: number;
  /** Reports of drops that came faster than they were read or explained, since the start. */
  readonly lost: number;
}

export interface FollowedFlows {
  /** The kernel can report them. */
  readonly isReported: boolean;
  /** The youngest that match, in the order in which they came. */
  recent(filter: FlowFilter, most?: number): readonly FlowEvent[];
  /** One event, and what the engine says to its connection now. */
  why(number: number): { readonly event: FlowEvent; readonly now?: Verdict } | undefined;
  /** From now on Services are told by their names; the list is the same one for as long as nothing changed. */
  nameServices(list: () => readonly Service[]): void;
  status(): FlowsStatus;
  close(): void;
}

const retryMilliseconds = 10_000;

export function followFlows(options: FlowsOptions): FollowedFlows {
  const { clock, cluster, directory, log, model, node, receiver, signal } = options;
  const store = new FlowStore(node);
  const file = new FlowLog(directory, log);
  store.restore(file.read());
  const exporter =
    receiver === undefined
      ? undefined
      : new FlowExporter({
          send: sendOtlp(receiver, { cluster, node }),
          clock,
          onFailure: reason => log.warn({ reason }, 'flow events cannot be exported'),
          signal,
        });
  const names = new ServiceNames(clock);
  const state: { packets?: PacketLog; retry?: NodeJS.Timeout; isSupported: boolean } = { isSupported: true };
  const count = flowMetrics(options.metrics ?? new Metrics(), () => ({
    kept: store.size,
    unread: state.packets?.lost ?? 0,
    unexplained: store.lost,
    exported: exporter?.counts.exported ?? 0,
    exportDropped: exporter?.counts.dropped ?? 0,
    exportFailures: exporter?.counts.failures ?? 0,
  }));
  const finder = connectionFinder();
  const onPacket = (packet: ReportedPacket) => {
    const inForce = model();
    if (inForce === undefined) return;
    const { rule, source, destination, protocol, sourcePort, port } = packet;
    const key = [rule, source, sourcePort, destination, port, protocol].join(' ');
    const isPass = rule === passedPrefix;
    const event = store.add(isPass ? 'pass' : 'drop', key, clock.now(), () => {
      const asked = withAsked(packet, finder?.find);
      const explained = (isPass ? explainPass : explainDrop)(inForce, node, asked);
      return explained === undefined ? undefined : names.join(explained, inForce);
    });
    if (event === undefined) return;
    count(event);
    file.add(event);
    exporter?.add(event);
  };
  const asked = new AskedAddresses(onPacket);
  const open = () => {
    try {
      state.packets = PacketLog.open({
        group: logGroups.policyReports,
        onPacket: packet => asked.take(packet),
      });
    } catch (error) {
      const reason = sentenceOf(error);
      state.isSupported = !(error instanceof NetlinkError && error.errno === 'EINVAL');
      log.warn({ reason }, 'dropped packets are counted, and not reported');
      // Another agent of this node still reads them, as while it is replaced.
      if (state.isSupported) state.retry = setTimeout(open, retryMilliseconds).unref();
    }
  };
  open();
  return {
    isReported: state.isSupported,
    recent: (filter, most) => store.list(filter, most),
    why: number => {
      const event = store.find(number);
      const flow = event && flowOfEvent(event);
      const inForce = model();
      if (event === undefined) return undefined;
      if (flow === undefined || inForce === undefined) return { event };
      return { event, now: decidePolicy(inForce, flow, event.verdict === 'audited' ? 'enforced' : 'passed') };
    },
    nameServices: list => names.follow(list),
    status: () => ({
      reported: state.packets !== undefined,
      kept: store.size,
      newest: store.newest,
      lost: store.lost.drops + (state.packets?.lost ?? 0),
    }),
    close: () => {
      clearTimeout(state.retry);
      state.packets?.close();
      asked.flush();
      finder?.close();
      file.flush();
    },
  };
}

/** All that a store keeps. */
const mostInAnswer = 2000;

/**
 * `GET /observe/flows?from=…&to=…&port=…&policy=NS/NAME&verdict=…&since=MILLISECONDS&after=NUMBER&most=…`, all of them
 * optional, as FlowFilter says. Undefined for a question that cannot be read.
 */
export function answerFlows(
  flows: Pick<FollowedFlows, 'recent' | 'status'>,
  query: URLSearchParams,
  verdict?: string,
) {
  const filter: Record<string, string | number> = verdict === undefined ? {} : { verdict };
  for (const name of ['from', 'to', 'policy', 'verdict']) {
    const value = query.get(name);
    if (value !== null) filter[name] = value;
  }
  for (const name of ['port', 'since', 'after', 'most']) {
    const value = query.get(name);
    if (value === null) continue;
    if (!/^\d{1,15}$/.test(value)) return undefined;
    filter[name] = Number(value);
  }
  const { most = mostInAnswer, ...wanted } = filter as FlowFilter & { readonly most?: number };
  const { lost, newest, reported } = flows.status();
  return { events: flows.recent(wanted, Math.min(most, mostInAnswer)), lost, newest, reported };
}

/** `GET /observe/why?event=NUMBER`. Undefined for an event that is not kept (any more). */
export function answerWhy(flows: Pick<FollowedFlows, 'why'>, query: URLSearchParams): unknown {
  const found = flows.why(Number(query.get('event')));
  return found && JSON.parse(JSON.stringify(found, bigNumbersAsText));
}
