/** From one way to translate Services to another: what changes, what stays behind, in which order. */
export { compareServiceModes } from './changes.ts';
export type {
  ServiceModeChange,
  ServiceModeObjects,
  ServiceModeReport,
  ServiceModeTarget,
} from './changes.ts';
export { serviceModePlan } from './plan.ts';
