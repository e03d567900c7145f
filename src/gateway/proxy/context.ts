import type { LiveTable } from '../lookup/index.ts';
import type { TableCertificate } from '../table.ts';
import type { AccessLog } from './access-log.ts';
import type { RequestHead } from './http1/request-head.ts';
import type { ResponseHead } from './http1/response-head.ts';
import type { Http2Share } from './http2/options.ts';
import type { Backends } from './endpoints.ts';
import type { FigureCounter } from './figures.ts';
import type { KeptOctets } from './kept-body.ts';
import type { ReadBuffer } from './reading-socket.ts';
import type { RequestIds } from './request-id.ts';
import type { Hostnames } from './route-request.ts';
import type { RulePlans } from './rule-plan.ts';
import type { SessionSeal } from './session-seal.ts';
import type { ProxyLimits } from './timing.ts';
import type { UpstreamPool } from './upstream-pool.ts';

/** A client's connection, of whichever protocol. */
export interface Client {
  /** Looks at the time limits. */
  sweep(now: number): void;
  /** Takes no more requests, and ends when those under way are answered. */
  drain(): void;
}

/** What all connections of one worker share. The table changes between two events. */
export interface ProxyContext extends Http2Share {
  readonly index: LiveTable;
  /** Milliseconds of a clock that only goes forward, a few hundred of them old: for time limits. */
  now: number;
  /** Answers end their connections: the worker is about to end. */
  isDraining: boolean;
  readonly backends: Backends;
  /** Of the table in force. */
  readonly certificateOf: (id: string) => TableCertificate | undefined;
  readonly plans: RulePlans;
  readonly pool: UpstreamPool;
  readonly limits: ProxyLimits;
  readonly log: AccessLog;
  readonly figures: FigureCounter;
  readonly readBuffer: ReadBuffer;
  readonly clients: Set<Client>;
  /** Of messages of HTTP/2: read and used up in one go. */
  readonly http2Head: RequestHead;
  readonly http2Answer: ResponseHead;
  readonly requestIds: RequestIds;
  readonly hostnames: Hostnames;
  /** What bodies that may be sent again take of memory. */
  readonly keptOctets: KeptOctets;
  readonly sessions: SessionSeal;
  readonly random: () => number;
  /** Milliseconds since 1970: for what outlives the process. */
  readonly wallClock: () => number;
}
