import type { ObjectMeta } from './meta.ts';
import type { ObjectReference } from './reference.ts';
import type { Timestamp } from './scalars.ts';

export interface Event {
  readonly apiVersion: 'v1';
  readonly kind: 'Event';
  readonly metadata: ObjectMeta;
  readonly action?: string;
  readonly count?: number;
  readonly eventTime?: Timestamp;
  readonly firstTimestamp?: Timestamp;
  readonly involvedObject: ObjectReference;
  readonly lastTimestamp?: Timestamp;
  readonly message?: string;
  readonly reason?: string;
  readonly related?: ObjectReference;
  readonly reportingComponent?: string;
  readonly reportingInstance?: string;
  readonly series?: EventSeries;
  readonly source?: EventSource;
  readonly type?: string;
}

export interface EventSeries {
  readonly count?: number;
  readonly lastObservedTime?: Timestamp;
}

export interface EventSource {
  readonly component?: string;
  readonly host?: string;
}
