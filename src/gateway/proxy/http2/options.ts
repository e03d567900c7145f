import type { Socket } from 'node:net';
import type { Blocks } from '../blocks.ts';
import type { FieldSection } from './field-section.ts';
import type { HeaderEncoder } from './header-encoder.ts';
import type { Http2Stream } from './stream.ts';

/** What all connections of a worker share. */
export interface Http2Share {
  /** Milliseconds of a clock that only goes forward, a few hundred of them old: for time limits. */
  now: number;
  readonly blocks: Blocks;
  readonly section: FieldSection;
  readonly encoder: HeaderEncoder;
  /** Octets that wait on streams for their receivers, of all connections. */
  queued: number;
}

export interface Http2Options {
  readonly isServer: boolean;
  readonly socket: Socket;
  readonly share: Http2Share;
  /** Octets that the other side may send on a stream, and on all together, before something is consumed. */
  readonly streamWindow: number;
  readonly connectionWindow: number;
  /** Streams that the other side may have open. */
  readonly streams: number;
  /** A server's: a new stream whose head is in the section; it becomes its owner. */
  readonly opened?: (stream: Http2Stream, section: FieldSection, isLast: boolean) => void;
  readonly removed?: (id: number) => void;
  /** No stream is left, or the first one is there. */
  readonly idleChanged: (isIdle: boolean) => void;
  /** The other side takes no new streams any more. */
  readonly leaving?: () => void;
  /** It is over; all streams have been told. */
  readonly closed: (problem: string | undefined) => void;
}
