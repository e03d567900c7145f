/** Moves that a platform makes, prepared and proven on models: pure. */
export { defaultDenyPlan } from './default-deny/plan.ts';
export { proveProposal } from './default-deny/prove.ts';
export type { Proof } from './default-deny/prove.ts';
export { proposeDefaultDeny } from './default-deny/propose.ts';
export type { DefaultDenyObjects, Proposal } from './default-deny/propose.ts';
export {
  BEYOND,
  compareTables,
  configMapsNamed,
  convertIngresses,
  ingressPlan,
  readIngresses,
  targetOf,
} from './ingress/index.ts';
export type {
  Announcement,
  ComparedHost,
  Conversion,
  IngressModel,
  ShownRequest,
  Target,
} from './ingress/index.ts';
export type { Plan } from './plan.ts';
export { compareServiceModes, serviceModePlan } from './service-mode/index.ts';
export type { ServiceModeObjects, ServiceModeReport, ServiceModeTarget } from './service-mode/index.ts';
