import type { Clock } from '../../base/clock.ts';
import type { Log } from '../../base/log.ts';
import type { Authorizer } from './access/attributes.ts';
import type { Admission } from './admission/admission.ts';
import type { ServiceAccountTokens } from './access/service-account-tokens.ts';
import type { Allocators } from './allocators/allocator.ts';
import type { Runtime } from './connect/runtime.ts';
import type { Registry } from './registry.ts';
import type { FrameCache } from './resource/frames.ts';
import type { Progress } from './resource/progress.ts';
import type { Schemas } from './schemas.ts';
import type { Store } from './store/store.ts';

/** What every handler works with; wired once, in server.ts. */
export interface Context {
  readonly registry: Registry;
  readonly store: Store;
  readonly schemas: Schemas;
  readonly allocators: Allocators;
  readonly frames: FrameCache;
  readonly progress: Progress;
  readonly runtime: Runtime;
  readonly authorizer: Authorizer;
  readonly admission: Admission;
  readonly tokens: ServiceAccountTokens;
  /** New pods get the credentials of their account, and are refused without one. */
  readonly admitsServiceAccounts: boolean;
  readonly clock: Clock;
  readonly log: Log;
  /** In [0, 1): for generated names and for spreading timeouts. */
  readonly random: () => number;
  readonly newUid: () => string;
}

/** RFC 3339 with whole seconds, as meta/v1 Time is written. */
export const timestamp = (milliseconds: number): string =>
  `${new Date(milliseconds).toISOString().slice(0, 19)}Z`;

export const storageKey = (namespace: string, name: string): string =>
  namespace === '' ? name : `${namespace}/${name}`;
