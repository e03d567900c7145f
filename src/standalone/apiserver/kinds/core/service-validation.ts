import { parseAddress } from '../../../../base/ip.ts';
import { dnsLabel, dnsSubdomain, qualifiedName } from '../text/names.ts';
import { checkAddress, checkNotSpecial, checkPrefix } from '../validation/addresses.ts';
import type { Findings } from '../validation/findings.ts';
import { checkLabels } from '../validation/labels.ts';
import { Place } from '../validation/place.ts';
import { checkPort } from './probe-validation.ts';
import { checkAddressUpdate, checkClusterAddresses, isHeadless } from './service-addresses.ts';

const TYPES = ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort'];
const AFFINITIES = ['ClientIP', 'None'];
const PROTOCOLS = ['SCTP', 'TCP', 'UDP'];
const TRAFFIC_POLICIES = ['Cluster', 'Local'];
const DISTRIBUTIONS = ['PreferClose', 'PreferSameZone', 'PreferSameNode'];
const ONE_DAY = 86_400;

/** The rules of a Service, in the order and words of a real API server. */
export function checkService(
  found: Findings,
  object: Place,
  before: Place | undefined,
  subresource?: string,
): void {
  if (subresource === 'status') {
    checkLoadBalancer(
      found,
      object.child('status').child('loadBalancer'),
      object.child('spec').child('type').text,
    );
    return;
  }
  const spec = object.child('spec');
  if (before !== undefined) checkUpdate(found, spec, before.child('spec'));
  const type = spec.child('type').text;
  const ports = spec.child('ports').items();
  if (ports.length === 0 && !isHeadless(spec) && type !== 'ExternalName') found.required(spec.child('ports'));
  checkTypeRules(found, spec, type);
  const names = new Set<string>();
  for (const port of ports) checkServicePort(found, port, ports.length > 1, names);
  checkLabels(found, spec.child('selector'));
  checkAffinity(found, spec);
  checkClusterAddresses(found, spec);
  for (const address of spec.child('externalIPs').items()) {
    if (checkAddress(found, address) !== undefined) checkNotSpecial(found, address);
  }
  found.oneOf(spec.child('type'), TYPES);
  checkPortsTogether(found, ports, type);
  checkSourceRanges(found, object);
  checkBalancerFields(found, spec, type);
  checkTrafficPolicies(found, spec, type);
}

function checkTypeRules(found: Findings, spec: Place, type: string): void {
  if ((type === 'LoadBalancer' || type === 'NodePort') && isHeadless(spec)) {
    found.invalid(spec.child('clusterIPs').item(0), `may not be set to 'None' for ${type} services`);
  }
  if (type !== 'ExternalName') return;
  for (const name of ['clusterIPs', 'ipFamilies', 'ipFamilyPolicy']) {
    if (spec.child(name).present)
      found.forbidden(spec.child(name), 'may not be set for ExternalName services');
  }
  const external = spec.child('externalName');
  // A trailing dot says that the name is complete.
  const name = external.text.endsWith('.') ? external.text.slice(0, -1) : external.text;
  if (name === '') found.required(external);
  else for (const complaint of dnsSubdomain(name)) found.invalid(external, complaint, name);
}

function checkPortsTogether(found: Findings, ports: readonly Place[], type: string): void {
  if (type === 'ClusterIP') {
    for (const port of ports) {
      if (port.child('nodePort').number !== 0) {
        found.forbidden(port.child('nodePort'), "may not be used when `type` is 'ClusterIP'");
      }
    }
  }
  const nodePorts = new Set<string>();
  for (const port of ports) {
    const nodePort = port.child('nodePort');
    if (nodePort.number === 0) continue;
    const key = `${port.child('protocol').text}/${nodePort.number}`;
    if (nodePorts.has(key)) found.invalid(nodePort, 'provided port is already allocated');
    nodePorts.add(key);
  }
  const numbers = new Set<string>();
  for (const port of ports) {
    const [protocol, number] = [port.child('protocol').text, port.child('port').number];
    const key = `${protocol}/${number}`;
    // Upstream shows its own struct here, reduced to what may not stand twice.
    const shown = {
      Name: '',
      Protocol: protocol,
      AppProtocol: null,
      Port: number,
      TargetPort: 0,
      NodePort: 0,
    };
    if (numbers.has(key)) found.duplicate(port, shown);
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

const RANGES_ANNOTATION = 'service.beta.kubernetes.io/load-balancer-source-ranges';

function checkSourceRanges(found: Findings, object: Place): void {
  const spec = object.child('spec');
  const ranges = spec.child('loadBalancerSourceRanges');
  const annotation = object.child('metadata').child('annotations').key(RANGES_ANNOTATION);
  const given = ranges.list.length > 0 ? ranges : annotation.present ? annotation : undefined;
  if (given === undefined) return;
  const path = given === ranges ? 'spec.LoadBalancerSourceRanges' : given.path; // upstream's spelling
  if (spec.child('type').text !== 'LoadBalancer') {
    found.forbidden(new Place(path, given.value), "may only be used when `type` is 'LoadBalancer'");
  }
  // Ranges of either form may stand between spaces.
  for (const [index, range] of ranges.items().entries()) {
    checkPrefix(found, new Place(`${path}[${index}]`, range.text.trim()));
  }
  if (given !== annotation || annotation.text.trim() === '') return;
  for (const text of annotation.text.split(',')) checkPrefix(found, new Place(annotation.path, text.trim()));
}

function checkTrafficPolicies(found: Findings, spec: Place, type: string): void {
  const external = spec.child('externalTrafficPolicy');
  const health = spec.child('healthCheckNodePort');
  const internal = spec.child('internalTrafficPolicy');
  const distribution = spec.child('trafficDistribution');
  if (isExternal(spec)) found.oneOf(external, TRAFFIC_POLICIES);
  else if (external.present) found.invalid(external, 'may only be set for externally-accessible services');
  if (needsHealthCheck(spec)) {
    if (health.number === 0) found.required(health);
    else found.port(health);
  } else if (health.number !== 0) {
    found.invalid(
      health,
      "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'",
    );
  }
  if (internal.present) found.optionalOneOf(internal, TRAFFIC_POLICIES);
  else if (type !== 'ExternalName' && TYPES.includes(type)) found.required(internal);
  if (distribution.present) found.optionalOneOf(distribution, DISTRIBUTIONS);
}

/** Reached from outside: by node ports, a load balancer, or addresses that someone routes to the nodes. */
function isExternal(spec: Place): boolean {
  const type = spec.child('type').text;
  const hasAddresses = spec.child('externalIPs').list.length > 0;
  return type === 'NodePort' || type === 'LoadBalancer' || (type === 'ClusterIP' && hasAddresses);
}

const needsHealthCheck = (spec: Place): boolean =>
  spec.child('type').text === 'LoadBalancer' && spec.child('externalTrafficPolicy').text === 'Local';

function checkBalancerFields(found: Findings, spec: Place, type: string): void {
  const [nodePorts, className] = [
    spec.child('allocateLoadBalancerNodePorts'),
    spec.child('loadBalancerClass'),
  ];
  const onlyBalancers = "may only be used when `type` is 'LoadBalancer'";
  if (type === 'LoadBalancer') {
    if (!nodePorts.present) found.required(nodePorts);
    if (className.present) found.complaints(className, qualifiedName);
    return;
  }
  if (nodePorts.present) found.forbidden(nodePorts, onlyBalancers);
  if (className.present) found.forbidden(className, onlyBalancers);
}

function checkUpdate(found: Findings, spec: Place, before: Place): void {
  checkAddressUpdate(found, spec, before);
  const className = spec.child('loadBalancerClass');
  if (spec.child('type').text === 'LoadBalancer' && before.child('type').text === 'LoadBalancer') {
    if (className.value !== before.child('loadBalancerClass').value) {
      const value = className.value ?? null;
      found.add({ type: 'Invalid', field: className.path, value, detail: 'may not change once set' });
    }
  }
  const health = spec.child('healthCheckNodePort');
  if (needsHealthCheck(spec) && needsHealthCheck(before)) {
    if (health.number !== before.child('healthCheckNodePort').number)
      found.forbidden(health, 'field is immutable');
  }
}

function checkLoadBalancer(found: Findings, status: Place, type: string): void {
  if (type !== 'LoadBalancer' && status.child('ingress').list.length > 0) {
    found.forbidden(status.child('ingress'), "may only be used when `spec.type` is 'LoadBalancer'");
    return;
  }
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
