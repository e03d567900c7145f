import { parseAddress } from '../../../../base/ip.ts';
import { checkAddress } from '../validation/addresses.ts';
import type { Findings } from '../validation/findings.ts';
import type { Place } from '../validation/place.ts';

const FAMILIES = ['IPv4', 'IPv6'];
const FAMILY_POLICIES = ['PreferDualStack', 'RequireDualStack', 'SingleStack'];
const UNCHANGEABLE = 'may not change once set';

export function isHeadless(spec: Place): boolean {
  return spec.child('clusterIPs').list.length === 1 && spec.child('clusterIPs').texts[0] === 'None';
}

/** clusterIP, clusterIPs, ipFamilies and ipFamilyPolicy together; which ranges there are is the allocator's business. */
export function checkClusterAddresses(found: Findings, spec: Place): void {
  if (spec.child('type').text === 'ExternalName') return;
  const [addresses, families, policy] = [
    spec.child('clusterIPs'),
    spec.child('ipFamilies'),
    spec.child('ipFamilyPolicy'),
  ];
  checkFirst(found, spec.child('clusterIP'), addresses);
  const seen = new Set<string>();
  for (const family of families.items()) {
    if (!FAMILIES.includes(family.text)) found.notSupported(family, FAMILIES);
    if (seen.has(family.text)) found.duplicate(family);
    seen.add(family.text);
  }
  if (policy.present) found.optionalOneOf(policy, FAMILY_POLICIES);
  // What is wrong beyond a bad address would only say so again.
  if (!checkEach(found, addresses)) return;
  const given = addresses.items().map(item => parseAddress(item.text)?.family);
  if (given.length > 1 && !(given.includes(4) && given.includes(6))) {
    found.invalid(addresses, 'may specify no more than one IP for each IP family');
  }
  if (isHeadless(spec)) return;
  for (const [index, family] of families.items().entries()) {
    const address = addresses.items()[index];
    if (address === undefined || given[index] === undefined || family.text === `IPv${given[index]}`) continue;
    found.invalid(address, `expected an ${family.text} value as indicated by \`ipFamilies[${index}]\``);
  }
}

function checkFirst(found: Findings, single: Place, list: Place): void {
  if (single.text === '') {
    if (list.list.length > 0) found.invalid(list, 'must be empty when `clusterIP` is not specified');
  } else if (list.list.length === 0) found.required(list);
  else if (list.texts[0] !== single.text) found.invalid(list, 'first value must match `clusterIP`');
}

/** True if each is an address, or the only one is `None`. */
function checkEach(found: Findings, addresses: Place): boolean {
  let isGood = true;
  for (const [index, item] of addresses.items().entries()) {
    if (index > 0 || item.text !== 'None') isGood = checkAddress(found, item) !== undefined && isGood;
    else if (addresses.list.length > 1) {
      found.invalid(addresses, "'None' must be the first and only value");
      isGood = false;
    }
  }
  if (addresses.list.length > 2) found.invalid(addresses, 'may only hold up to 2 values');
  return isGood;
}

/**
 * Addresses and families are a Service's for as long as it has them; the second ones come with the family policy and go
 * when it is SingleStack. All is open on the way to and from ExternalName.
 */
export function checkAddressUpdate(found: Findings, spec: Place, before: Place): void {
  if (spec.child('type').text === 'ExternalName' || before.child('type').text === 'ExternalName') return;
  const [headless, wasHeadless] = [isHeadless(spec), isHeadless(before)];
  if (!(headless && wasHeadless)) checkKept(found, spec, before, 'clusterIPs', 'clusterIP');
  if (!headless && !wasHeadless) checkKept(found, spec, before, 'ipFamilies', 'ipFamily');
}

function checkKept(found: Findings, spec: Place, before: Place, name: string, one: string): void {
  const [list, previous] = [spec.child(name), before.child(name).texts];
  const now = list.texts;
  const unchangeable = (index: number) => found.invalid(list.item(index), UNCHANGEABLE, list.list);
  if (now.length === 0 && previous.length > 0) {
    found.invalid(list.item(0), `primary ${one} can not be unset`, list.list);
  } else if (now.length === previous.length) {
    for (const [index, text] of previous.entries()) if (now[index] !== text) unchangeable(index);
  } else if (previous.length > 0 && now[0] !== previous[0]) unchangeable(0);
  const policy = spec.child('ipFamilyPolicy');
  if (previous.length > 1 && now.length === 1 && policy.text !== 'SingleStack') {
    found.invalid(policy, `must be set to 'SingleStack' when releasing the secondary ${one}`);
  }
}
