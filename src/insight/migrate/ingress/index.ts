/** Ingress NGINX to the Gateway API: the reading, the conversion, the report. */
export { convertIngresses } from './convert/convert.ts';
export type { Conversion, ConvertOptions } from './convert/convert.ts';
export { BEYOND, targetOf } from './convert/target.ts';
export type { Target } from './convert/target.ts';
export type { WrittenObject } from './convert/write-routes.ts';
export type { Announcement, Outcome, Severity, ShownRequest } from './announcement.ts';
export { configMapsNamed } from './config-maps-named.ts';
export { readIngresses } from './read.ts';
export type { IngressModel } from './read.ts';
export { compareTables } from './compare-tables.ts';
export type { ComparedHost } from './compare-tables.ts';
export { ingressPlan } from './plan.ts';
