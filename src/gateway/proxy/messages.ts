import type { RouteTable, TableChange } from '../table.ts';
import type { Figures } from './figures.ts';

/** Between the supervisor and its workers, by the channel that Node gives a child process. */
export type ToWorker =
  | { readonly type: 'start'; readonly ticketKeys: string; readonly sessionKey: string }
  /** Others from now on: 48 octets, base64, the same for all workers. */
  | { readonly type: 'tickets'; readonly ticketKeys: string }
  | { readonly type: 'table'; readonly revision: number; readonly table: RouteTable }
  | { readonly type: 'change'; readonly revision: number; readonly change: TableChange }
  /** With the port's socket. */
  | { readonly type: 'listen'; readonly port: number }
  | { readonly type: 'close'; readonly port: number }
  | { readonly type: 'ping' }
  /** Tell what was counted; answered by `figures`. */
  | { readonly type: 'count' }
  /** Take no more connections, finish what is under way, and end after this many milliseconds at the latest. */
  | { readonly type: 'stop'; readonly milliseconds: number };

export type FromWorker =
  | { readonly type: 'ready' }
  | { readonly type: 'applied'; readonly revision: number }
  /** What of it cannot be served by; the worker wants a whole table next. */
  | { readonly type: 'unusable'; readonly revision: number; readonly reason: string }
  | { readonly type: 'listening'; readonly port: number }
  | { readonly type: 'pong'; readonly status: WorkerStatus }
  | { readonly type: 'figures'; readonly figures: Figures }
  | { readonly type: 'problem'; readonly sentence: string };

export interface WorkerStatus {
  readonly clients: number;
  readonly upstreams: number;
  readonly idleUpstreams: number;
}
