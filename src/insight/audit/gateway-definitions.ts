import { listsOf } from './check.ts';
import type { AuditFacts, DefinitionFacts } from './facts.ts';

export const gatewayGroup = 'gateway.networking.k8s.io';

/** The cluster's definitions of the Gateway API. */
export const gatewayDefinitions = (facts: AuditFacts): readonly DefinitionFacts[] =>
  listsOf(facts).definitions.filter(({ metadata }) => metadata.name.endsWith(`.${gatewayGroup}`));
