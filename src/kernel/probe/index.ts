/** What this kernel can do, by trying it: supported, unsupported, or could not tell. */
export { Prober } from './prober.ts';
export type { ProbeResult } from './prober.ts';
export type { Outcome } from './outcome.ts';
export { probes } from './probes.ts';
export type { Probe } from './probes.ts';
