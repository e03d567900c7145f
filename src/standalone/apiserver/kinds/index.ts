import type { Kind } from '../kind.ts';
import { DEPLOYMENT } from './apps/deployment.ts';
import { REPLICA_SET } from './apps/replica-set.ts';
import { LEASE } from './coordination/lease.ts';
import { CONFIG_MAP } from './core/config-map.ts';
import { NAMESPACE } from './core/namespace.ts';
import { NODE } from './core/node.ts';
import { POD } from './core/pod.ts';
import { SECRET } from './core/secret.ts';
import { SERVICE } from './core/service.ts';
import { SERVICE_ACCOUNT } from './core/service-account.ts';
import { defineKind } from './define.ts';
import type { Definition } from './define.ts';
import { EVENT } from './events/event.ts';
import { Types } from './schema/types.ts';
import { GROUPS } from './tables/index.ts';

/** The registry: one line a kind. Discovery lists them in this order. */
const DEFINITIONS: readonly Definition[] = [
  CONFIG_MAP,
  EVENT,
  NAMESPACE,
  NODE,
  POD,
  SECRET,
  SERVICE_ACCOUNT,
  SERVICE,
  DEPLOYMENT,
  REPLICA_SET,
  LEASE,
];

/** The kinds that the server has from the start. */
export function builtInKinds(types: Types = new Types(GROUPS)): readonly Kind[] {
  return DEFINITIONS.map(definition => defineKind(types, definition));
}
