import { parseAddress } from '../../../base/ip.ts';
import type { FieldError } from '../kind.ts';
import { isHeadless } from './service.ts';
import type { ServiceSpec } from './service.ts';

export interface Families {
  readonly policy: string;
  /** The primary family first. */
  readonly families: readonly string[];
}

/**
 * Which families a Service gets, from what it asks for and what the cluster has (`configured`, primary first): the rules
 * of `spec.ipFamilyPolicy` (KEP-563). Undefined families follow the cluster's primary one.
 */
export function familiesFor(
  spec: ServiceSpec,
  configured: readonly string[],
): Families | readonly FieldError[] {
  const given = spec.ipFamilies.length > 0 ? spec.ipFamilies : familiesOfAddresses(spec.clusterIPs);
  const isSelectorless = isHeadless(spec) && !spec.hasSelector;
  const isOpen = isSelectorless && given.length === 0;
  // Two families alone do not ask for two addresses: that is refused below.
  const byDefault = spec.clusterIPs.length > 1 || isOpen ? 'RequireDualStack' : 'SingleStack';
  const policy = spec.ipFamilyPolicy ?? byDefault;
  const errors: FieldError[] = isSelectorless ? [] : unconfigured(given, configured);
  if (policy === 'RequireDualStack' && configured.length < 2 && !isSelectorless) {
    const detail = 'this cluster is not configured for dual-stack services';
    errors.push({ type: 'Invalid', field: 'spec.ipFamilyPolicy', value: policy, detail });
  }
  if (policy === 'SingleStack' && given.length > 1) {
    const detail = "must be 'RequireDualStack' or 'PreferDualStack' when multiple IP families are specified";
    errors.push({ type: 'Invalid', field: 'spec.ipFamilyPolicy', value: policy, detail });
  }
  if (errors.length > 0) return errors;
  const primary = given[0] ?? configured[0] ?? 'IPv4';
  if (policy === 'SingleStack') return { policy, families: [primary] };
  const available = isSelectorless ? ['IPv4', 'IPv6'] : configured;
  const secondary = given[1] ?? available.find(family => family !== primary);
  return { policy, families: secondary === undefined ? [primary] : [primary, secondary] };
}

function unconfigured(given: readonly string[], configured: readonly string[]): FieldError[] {
  return given.flatMap((value, index) =>
    configured.includes(value)
      ? []
      : [
          {
            type: 'Invalid' as const,
            field: `spec.ipFamilies[${index}]`,
            value,
            detail: 'not configured on this cluster',
          },
        ],
  );
}

function familiesOfAddresses(addresses: readonly string[]): readonly string[] {
  return addresses
    .map(address => parseAddress(address)?.family)
    .filter(family => family !== undefined)
    .map(family => `IPv${family}`);
}
