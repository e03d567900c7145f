import { namespaces } from '../../../kernel/contract.ts';
import { namespacePath } from '../../../kernel/ns/index.ts';
import type { ClusterConfig } from '../../cluster.ts';
import { hostNetworks } from '../host-collisions.ts';
import { type OutsideCommand, outsideCommand, planOutside } from './outside.ts';

/**
 * The program that leads out of this cluster's fabric, as this machine is now. Throws a FairleadError when there is none,
 * or no addresses are left for the stretch to it; `up` asks before it makes anything.
 */
export function wayOutside(config: ClusterConfig, environment: NodeJS.ProcessEnv): OutsideCommand {
  const fabric = namespacePath(namespaces.fabric(config.name));
  return outsideCommand(fabric, environment['PATH'] ?? '', planOutside(config, hostNetworks()));
}
