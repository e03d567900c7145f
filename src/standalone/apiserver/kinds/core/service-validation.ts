import { parseAddress } from '../../../../base/ip.ts';
import { dnsLabel, dnsSubdomain, qualifiedName } from '../text/names.ts';
import { checkAddress, checkNotSpecial, checkPrefix } from '../validation/addresses.ts';
import type { Findings } from '../validation/findings.ts';
import { checkLabels } from '../validation/labels.ts';
import type { Place } from '../validation/place.ts';
import { checkPort } from './probe-validation.ts';

const TYPES = ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort'];
const AFFINITIES = ['ClientIP', 'None'];
const PROTOCOLS = ['SCTP', 'TCP', 'UDP'];
const FAMILIES = ['IPv4', 'IPv6'];
const FAMILY_POLICIES = ['PreferDualStack', 'RequireDualStack', 'SingleStack'];
const TRAFFIC_POLICIES = ['Cluster', 'Local'];
const DISTRIBUTIONS = ['PreferClose', 'PreferSameNode', 'PreferSameZone'];
const KUBELET_PORT = 10_250;
const ONE_DAY = 86_400;

/** The rules of a Service, in the order and words of a real API server. */
export function checkService(
  found: Findings,
  object: Place,
  before: Place | undefined,
  subresource?: string,
): void {
  if (subresource === 'status') {
    checkLoadBalancer(found, object.child('status').child('loadBalancer'));
    return;
  }
  const spec = object.child('spec');
  if (before !== undefined) checkUpdate(found, spec, before.child('spec'));
  const type = spec.child('type').text;
  const headless = isHeadless(spec);
  if (spec.child('ports').list.length === 0 && !headless && type !== 'ExternalName')
    found.required(spec.child('ports'));
  checkTypeRules(found, spec, type);
  checkPorts(found, spec, type);
  checkLabels(found, spec.child('selector'));
  checkAffinity(found, spec);
  checkClusterAddresses(found, spec);
  for (const address of spec.child('externalIPs').items()) {
    if (checkAddress(found, address) !== undefined) checkNotSpecial(found, address);
  }
  found.oneOf(spec.child('type'), TYPES);
  checkSourceRanges(found, object);
  checkTrafficPolicies(found, spec, type);
  checkBalancerFields(found, spec, before?.child('spec'), type);
}

export function isHeadless(spec: Place): boolean {
  return spec.child('clusterIP').text === 'None' || spec.child('clusterIPs').texts[0] === 'None';
}

function checkTypeRules(found: Findings, spec: Place, type: string): void {
  const clusterIP = spec.child('clusterIPs').items()[0] ?? spec.child('clusterIP');
  if (type === 'LoadBalancer') {
    for (const port of spec.child('ports').items()) {
      if (port.child('port').number === KUBELET_PORT) {
        found.invalid(
          port,
          `may not expose port ${KUBELET_PORT} externally since it is used by kubelet`,
          KUBELET_PORT,
        );
      }
    }
  }
  if ((type === 'LoadBalancer' || type === 'NodePort') && isHeadless(spec)) {
    const place = spec.child('clusterIPs').list.length > 0 ? clusterIP : spec.child('clusterIP');
    found.invalid(place, `may not be set to 'None' for ${type} services`, 'None');
  }
  if (type !== 'ExternalName') return;
  for (const name of ['clusterIPs', 'ipFamilies', 'ipFamilyPolicy']) {
    if (spec.child(name).present) {
      found.forbidden(spec.child(name), `may not be set for ExternalName services`);
    }
  }
  const external = spec.child('externalName');
  const name = external.text.endsWith('.') ? external.text.slice(0, -1) : external.text;
  if (name === '') found.required(external);
  else for (const complaint of dnsSubdomain(name)) found.invalid(external, complaint, name);
}

function checkPorts(found: Findings, spec: Place, type: string): void {
  const ports = spec.child('ports').items();
  const names = new Set<string>();
  const nodePorts = new Set<string>();
  const numbers = new Set<string>();
  for (const port of ports) {
    checkServicePort(found, port, ports.length > 1, names);
    const nodePort = port.child('nodePort');
    if (type === 'ClusterIP' && nodePort.number !== 0) {
      found.forbidden(nodePort, "may not be used when `type` is 'ClusterIP'");
    }
    if (nodePort.number !== 0) {
      const key = `${port.child('protocol').text}/${nodePort.number}`;
      if (nodePorts.has(key)) found.duplicate(nodePort);
      nodePorts.add(key);
    }
  }
  for (const port of ports) {
    const [protocol, number] = [port.child('protocol').text, port.child('port').number];
    const key = `${protocol}/${number}`;
    if (numbers.has(key)) found.duplicate(port, { port: number, protocol });
    numbers.add(key);
  }
}

function checkServicePort(found: Findings, port: Place, needsName: boolean, names: Set<string>): void {
  const name = port.child('name');
  if (name.text === '') {
    if (needsName) found.required(name);
  } else {
    found.complaints(name, dnsLabel);
    if (names.has(name.text)) found.duplicate(name);
    names.add(name.text);
  }
  found.port(port.child('port'));
  found.oneOf(port.child('protocol'), PROTOCOLS);
  checkPort(found, port.child('targetPort'));
  const protocol = port.child('appProtocol');
  if (protocol.present) found.complaints(protocol, qualifiedName);
}

function checkAffinity(found: Findings, spec: Place): void {
  const affinity = spec.child('sessionAffinity');
  const config = spec.child('sessionAffinityConfig');
  found.oneOf(affinity, AFFINITIES);
  if (affinity.text === 'None' && config.present) {
    found.forbidden(config, 'must not be set when session affinity is None');
  }
  if (affinity.text !== 'ClientIP') return;
  const timeout = config.child('clientIP').child('timeoutSeconds');
  const because = 'when session affinity type is ClientIP';
  if (!config.present) found.required(config, because);
  else if (!config.child('clientIP').present) found.required(config.child('clientIP'), because);
  else if (!timeout.present) found.required(timeout, because);
  else if (timeout.number <= 0 || timeout.number > ONE_DAY) {
    found.invalid(timeout, `must be greater than 0 and less than ${ONE_DAY}`);
  }
}

/** clusterIPs, ipFamilies and ipFamilyPolicy together; which ranges there are is the allocator's business. */
function checkClusterAddresses(found: Findings, spec: Place): void {
  const [addresses, families, policy] = [
    spec.child('clusterIPs'),
    spec.child('ipFamilies'),
    spec.child('ipFamilyPolicy'),
  ];
  if (spec.child('type').text === 'ExternalName') return;
  checkPrimary(found, spec);
  const seen = new Set<string>();
  for (const family of families.items()) {
    if (!FAMILIES.includes(family.text)) found.notSupported(family, FAMILIES);
    if (seen.has(family.text)) found.duplicate(family);
    seen.add(family.text);
  }
  if (policy.present) found.optionalOneOf(policy, FAMILY_POLICIES);
  const items = addresses.items();
  if (items.length > 2) found.invalid(addresses, 'may only hold up to 2 values');
  const parsed = items.map(item => parseAddress(item.text));
  for (const [index, item] of items.entries()) {
    if (item.text === 'None') {
      if (items.length > 1) found.invalid(addresses, "'None' must be the first and only value");
      continue;
    }
    const address = checkAddress(found, item);
    const family = families.items()[index];
    if (address !== undefined && family !== undefined && family.text !== `IPv${address.family}`) {
      found.invalid(item, `expected an ${family.text} value as indicated by \`ipFamilies[${index}]\``);
    }
  }
  if (items.length === 2 && parsed[0] !== undefined && parsed[0].family === parsed[1]?.family) {
    found.invalid(addresses, 'may specify no more than one IP for each IP family');
  }
  if (items.length === 2 && policy.text === 'SingleStack') {
    found.invalid(
      policy,
      "must be 'RequireDualStack' or 'PreferDualStack' when multiple cluster IPs are specified",
    );
  }
}

function checkPrimary(found: Findings, spec: Place): void {
  const [single, list] = [spec.child('clusterIP'), spec.child('clusterIPs')];
  const first = list.items()[0];
  if (first !== undefined && single.present && first.text !== single.text) {
    found.invalid(list, 'first value must match `clusterIP`');
  }
  if (first === undefined && single.text !== '' && single.text !== 'None') checkAddress(found, single);
}

const RANGES_ANNOTATION = 'service.beta.kubernetes.io/load-balancer-source-ranges';

function checkSourceRanges(found: Findings, object: Place): void {
  const spec = object.child('spec');
  const ranges = spec.child('loadBalancerSourceRanges');
  const annotation = object.child('metadata').child('annotations').key(RANGES_ANNOTATION);
  const isBalancer = spec.child('type').text === 'LoadBalancer';
  if (ranges.list.length > 0) {
    if (!isBalancer) found.forbidden(ranges, "may only be used when `type` is 'LoadBalancer'");
    for (const range of ranges.items()) checkPrefix(found, range);
  } else if (annotation.present) {
    if (!isBalancer) found.forbidden(annotation, "may only be used when `type` is 'LoadBalancer'");
  }
}

function checkTrafficPolicies(found: Findings, spec: Place, type: string): void {
  const [external, internal, health] = [
    'externalTrafficPolicy',
    'internalTrafficPolicy',
    'healthCheckNodePort',
  ].map(name => spec.child(name)) as [Place, Place, Place];
  const isExternal =
    type === 'NodePort' || type === 'LoadBalancer' || spec.child('externalIPs').list.length > 0;
  if (external.present && !isExternal) {
    found.invalid(external, 'may only be set for externally-accessible services');
  } else if (isExternal) found.oneOf(external, TRAFFIC_POLICIES);
  if (internal.present) found.optionalOneOf(internal, TRAFFIC_POLICIES);
  if (health.number < 0 || health.number > 65_535) found.port(health);
  if (health.number > 0 && !(type === 'LoadBalancer' && external.text === 'Local')) {
    found.invalid(
      health,
      "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'",
    );
  }
  const distribution = spec.child('trafficDistribution');
  if (distribution.present) found.optionalOneOf(distribution, DISTRIBUTIONS);
}

function checkBalancerFields(found: Findings, spec: Place, before: Place | undefined, type: string): void {
  const nodePorts = spec.child('allocateLoadBalancerNodePorts');
  if (type === 'LoadBalancer' && !nodePorts.present) found.required(nodePorts);
  if (type !== 'LoadBalancer' && nodePorts.present) {
    found.forbidden(nodePorts, "may only be used when `type` is 'LoadBalancer'");
  }
  const className = spec.child('loadBalancerClass');
  if (className.present) {
    if (type !== 'LoadBalancer') found.forbidden(className, "may only be used when `type` is 'LoadBalancer'");
    else found.complaints(className, qualifiedName);
  }
  if (
    before?.child('type').text === 'LoadBalancer' &&
    type === 'LoadBalancer' &&
    before.child('loadBalancerClass').present
  ) {
    found.immutable(className, before.child('loadBalancerClass'), 'may not change once set');
  }
}

/** The addresses and the first family are the Service's for as long as it has them; a second comes and goes with the policy. */
function checkUpdate(found: Findings, spec: Place, before: Place): void {
  if (spec.child('type').text === 'ExternalName' || before.child('type').text === 'ExternalName') return;
  const keeps = (name: string, index: number) => {
    const now = spec.child(name).items()[index];
    const then = before.child(name).items()[index];
    if (now !== undefined && then !== undefined && now.text !== then.text) {
      // Upstream shows the whole list as the value of the one that changed.
      found.invalid(now, 'may not change once set', spec.child(name).list);
    }
  };
  keeps('clusterIPs', 0);
  keeps('clusterIPs', 1);
  keeps('ipFamilies', 0);
}

function checkLoadBalancer(found: Findings, status: Place): void {
  for (const point of status.child('ingress').items()) {
    const [ip, hostname, mode] = [point.child('ip'), point.child('hostname'), point.child('ipMode')];
    if (ip.text !== '') {
      checkAddress(found, ip);
      if (!mode.present) found.required(mode, 'must be specified when `ip` is set');
    } else if (mode.present) found.forbidden(mode, 'may not be specified when `ip` is not set');
    if (mode.present) found.optionalOneOf(mode, ['Proxy', 'VIP']);
    if (hostname.text !== '') {
      found.complaints(hostname, dnsSubdomain);
      if (parseAddress(hostname.text) !== undefined)
        found.invalid(hostname, 'must be a DNS name, not an IP address');
    }
  }
}
