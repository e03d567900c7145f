import type { ServiceCase } from './case.ts';
import { affinityAndPorts } from './ports.ts';
import { combinations } from './combinations.ts';
import { endpointStates } from './endpoint-states.ts';
import { external } from './external.ts';
import { familiesApart } from './families.ts';
import { policies } from './policies.ts';
import { topology } from './topology.ts';
import { whoseServices } from './whose-services.ts';

export type { CasePacket, PlaceName, ServiceCase } from './case.ts';

export const serviceCases: readonly ServiceCase[] = [
  ...endpointStates,
  ...affinityAndPorts,
  ...topology,
  ...external,
  ...whoseServices,
  ...combinations,
  ...familiesApart,
  ...policies,
];
