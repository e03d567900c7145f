import type { Check } from './check.ts';
import { cniChecks } from './checks/cni.ts';
import { defaultDenyChecks } from './checks/default-deny.ts';
import { dnsChecks } from './checks/dns.ts';
import { dualStackChecks } from './checks/dual-stack.ts';
import { gatewayChecks } from './checks/gateway.ts';
import { ingressChecks } from './checks/ingress.ts';
import { serviceChecks } from './checks/services.ts';

/** Every check, item by item. */
export const allChecks: readonly Check[] = [
  ...cniChecks,
  ...serviceChecks,
  ...gatewayChecks,
  ...ingressChecks,
  ...dnsChecks,
  ...defaultDenyChecks,
  ...dualStackChecks,
];
