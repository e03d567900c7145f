import type { LiveTable } from '../lookup/index.ts';
import type { AccessLog } from './access-log.ts';
import type { Blocks } from './blocks.ts';
import type { ClientConnection } from './client-connection.ts';
import type { Backends } from './endpoints.ts';
import type { ReadBuffer } from './reading-socket.ts';
import type { RequestIds } from './request-id.ts';
import type { Hostnames } from './route-request.ts';
import type { RulePlans } from './rule-plan.ts';
import type { ProxyLimits } from './timing.ts';
import type { UpstreamPool } from './upstream-pool.ts';

/** What all connections of one worker share. The table changes between two events. */
export interface ProxyContext {
  readonly index: LiveTable;
  /** Milliseconds of a clock that only goes forward, a few hundred of them old: for time limits. */
  now: number;
  /** Answers end their connections: the worker is about to end. */
  isDraining: boolean;
  readonly backends: Backends;
  readonly plans: RulePlans;
  readonly pool: UpstreamPool;
  readonly limits: ProxyLimits;
  readonly log: AccessLog;
  readonly readBuffer: ReadBuffer;
  readonly blocks: Blocks;
  readonly clients: Set<ClientConnection>;
  readonly requestIds: RequestIds;
  readonly hostnames: Hostnames;
  readonly random: () => number;
}
