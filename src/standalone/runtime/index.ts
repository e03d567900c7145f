export { startRuntime } from './runtime.ts';
export type { Runtime, RuntimeOptions } from './runtime.ts';
