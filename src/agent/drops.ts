import type { Clock } from '../base/clock.ts';
import { sentenceOf } from '../base/errors.ts';
import type { FlowEvent } from '../base/flow-event.ts';
import type { Log } from '../base/log.ts';
import { FlowRing, explainDrop } from '../flows/index.ts';
import type { DroppedPacket, FlowFilter } from '../flows/index.ts';
import { logGroups } from '../kernel/contract.ts';
import { NetlinkError } from '../kernel/netlink/index.ts';
import { PacketLog } from '../kernel/nflog/index.ts';
import type { LoggedPacket } from '../kernel/nflog/index.ts';
import type { PolicyModel } from '../policy/index.ts';

export interface DropsOptions {
  readonly node: string;
  /** What is in force; undefined before anything is. */
  readonly model: () => PolicyModel | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

export interface DropsStatus {
  /** The kernel can report drops, and this process reads them. */
  readonly reported: boolean;
  readonly kept: number;
  /** The number of the youngest event; one that is smaller than before is another agent's. */
  readonly newest: number;
  /** Reports that came faster than they were read or explained, since the start. */
  readonly lost: number;
}

export interface FollowedDrops {
  /** The kernel can report them. */
  readonly isReported: boolean;
  /** The youngest that match, in the order in which they came. */
  recent(filter: FlowFilter, most?: number): readonly FlowEvent[];
  status(): DropsStatus;
  close(): void;
}

/** A few kilobytes an event. */
const capacity = 1000;
/** A SYN is sent again after one, three and seven seconds: still the same connection. */
const joinMilliseconds = 10_000;
const mostInSecond = 200;
const retryMilliseconds = 10_000;

/**
 * Reads what the kernel reports of dropped packets, and keeps the last of them with the reason that the engine gives.
 * Where the kernel cannot report, drops are counted all the same, and only counted.
 */
export function followDrops({ node, model, clock, log }: DropsOptions): FollowedDrops {
  const ring = new FlowRing({ node, capacity, joinMilliseconds, mostInSecond });
  const onPacket = (logged: LoggedPacket) => {
    const inForce = model();
    if (inForce === undefined) return;
    const packet: DroppedPacket = {
      rule: logged.prefix,
      ...logged.head,
      ...(logged.original === undefined ? {} : { original: logged.original }),
    };
    const { rule, source, destination, protocol, sourcePort, port } = packet;
    const key = [rule, source, sourcePort, destination, port, protocol].join(' ');
    ring.add(key, clock.now(), () => explainDrop(inForce, node, packet));
  };
  const state: { packets?: PacketLog; retry?: NodeJS.Timeout; isSupported: boolean } = { isSupported: true };
  const open = () => {
    try {
      state.packets = PacketLog.open({ group: logGroups.policyDrops, onPacket });
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
    recent: (filter, most) => ring.list(filter, most),
    status: () => ({
      reported: state.packets !== undefined,
      kept: ring.size,
      newest: ring.newest,
      lost: ring.lost + (state.packets?.lost ?? 0),
    }),
    close: () => {
      clearTimeout(state.retry);
      state.packets?.close();
    },
  };
}

const mostInAnswer = 1000;

/**
 * `GET /observe/drops?from=…&to=…&port=…&policy=NS/NAME&since=MILLISECONDS&after=NUMBER&most=…`, all of them optional, as
 * FlowFilter says. Undefined for a question that cannot be read.
 */
export function answerDrops(drops: Pick<FollowedDrops, 'recent' | 'status'>, query: URLSearchParams) {
  const filter: Record<string, string | number> = {};
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
  const { lost, newest, reported } = drops.status();
  return { events: drops.recent(wanted, Math.min(most, mostInAnswer)), lost, newest, reported };
}
