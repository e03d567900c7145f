import { dnsLabel, dnsSubdomain, qualifiedName } from '../text/names.ts';
import { checkAddress } from '../validation/addresses.ts';
import type { Findings } from '../validation/findings.ts';
import { checkLabels } from '../validation/labels.ts';
import type { Place } from '../validation/place.ts';
import { checkContainers } from './container-validation.ts';
import { checkAffinity, checkSpread, checkTolerations } from './scheduling-validation.ts';
import { checkVolumes } from './volume-validation.ts';

const RESTART_POLICIES = ['Always', 'OnFailure', 'Never'];
const DNS_POLICIES = ['ClusterFirstWithHostNet', 'ClusterFirst', 'Default', 'None'];

/** PodSpec of a pod or a template. `claimed`: volumes that its pods will have besides. */
const SYSTEMS = ['linux', 'windows'];

export function checkPodSpec(found: Findings, spec: Place, claimed: readonly string[] = []): void {
  const volumes = checkVolumes(found, spec.child('volumes'));
  checkContainers(found, spec, new Set([...volumes, ...claimed]));
  found.oneOf(spec.child('restartPolicy'), RESTART_POLICIES);
  checkDns(found, spec);
  checkLabels(found, spec.child('nodeSelector'));
  checkSecurityContext(found, spec.child('securityContext'));
  for (const name of ['serviceAccountName', 'nodeName', 'priorityClassName', 'runtimeClassName']) {
    if (spec.child(name).text !== '') found.complaints(spec.child(name), dnsSubdomain);
  }
  for (const name of ['hostname', 'subdomain']) {
    if (spec.child(name).text !== '') found.complaints(spec.child(name), dnsLabel);
  }
  checkAffinity(found, spec.child('affinity'));
  checkTolerations(found, spec.child('tolerations'));
  checkSpread(found, spec.child('topologySpreadConstraints'));
  checkHostAliases(found, spec.child('hostAliases'));
  checkGates(found, spec);
  if (spec.child('shareProcessNamespace').flag && spec.child('hostPID').flag) {
    const field = spec.child('securityContext').child('shareProcessNamespace').path;
    const detail = 'ShareProcessNamespace and HostPID cannot both be enabled';
    found.add({ type: 'Invalid', field, value: true, detail });
  }
  const os = spec.child('os');
  const system = os.child('name').text;
  if (os.present && !SYSTEMS.includes(system)) {
    const detail = `supported values: ${SYSTEMS.map(name => JSON.stringify(name)).join(', ')}`;
    found.add({ type: 'NotSupported', field: os.path, value: system, detail });
  }
  const deadline = spec.child('activeDeadlineSeconds');
  if (deadline.present) found.range(deadline, 1, 2 ** 31 - 1);
  const grace = spec.child('terminationGracePeriodSeconds');
  if (grace.number < 0) found.invalid(grace, 'must be greater than or equal to 0');
}

function checkDns(found: Findings, spec: Place): void {
  const policy = spec.child('dnsPolicy');
  found.oneOf(policy, DNS_POLICIES);
  const config = spec.child('dnsConfig');
  const servers = config.child('nameservers');
  if (policy.text === 'None') {
    if (!config.present) found.required(config, 'must provide `dnsConfig` when `dnsPolicy` is None');
    else if (servers.list.length === 0) {
      found.required(servers, 'must provide at least one DNS nameserver when `dnsPolicy` is None');
    }
  }
  if (servers.list.length > 3) found.invalid(servers, 'must not have more than 3 nameservers');
  for (const server of servers.items()) checkAddress(found, server);
  const searches = config.child('searches');
  if (searches.list.length > 32) found.invalid(searches, 'must not have more than 32 search paths');
  if (searches.texts.join(' ').length > 2048) {
    found.invalid(searches, 'must not have more than 2048 characters (including spaces) in the search list');
  }
  for (const search of searches.items()) {
    // A lone dot is the root; a trailing dot is allowed, and so are underscores.
    const name = search.text === '.' ? 'root' : search.text.replace(/\.$/, '').replaceAll('_', 'a');
    for (const complaint of dnsSubdomain(name)) found.invalid(search, complaint);
  }
  for (const option of config.child('options').items()) {
    if (option.child('name').text === '') found.required(option);
  }
}

function checkSecurityContext(found: Findings, context: Place): void {
  for (const name of ['runAsUser', 'runAsGroup', 'fsGroup']) {
    const place = context.child(name);
    if (place.present) found.range(place, 0, 2 ** 31 - 1);
  }
  for (const group of context.child('supplementalGroups').items()) found.range(group, 0, 2 ** 31 - 1);
  for (const sysctl of context.child('sysctls').items()) {
    const name = sysctl.child('name');
    if (name.text === '') found.required(name);
    else if (!/^[a-z0-9]([-_a-z0-9]*[a-z0-9])?([./][a-z0-9]([-_a-z0-9]*[a-z0-9])?)*$/.test(name.text)) {
      found.invalid(
        name,
        'must have at most 253 characters and match regex ^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$',
      );
    }
  }
}

function checkHostAliases(found: Findings, aliases: Place): void {
  for (const alias of aliases.items()) {
    checkAddress(found, alias.child('ip'));
    for (const name of alias.child('hostnames').items()) found.complaints(name, dnsSubdomain);
  }
}

/** Scheduling gates and readiness gates are named as labels are. */
function checkGates(found: Findings, spec: Place): void {
  const gates = spec.child('schedulingGates');
  const seen = new Set<string>();
  for (const gate of gates.items()) {
    found.complaints(gate.child('name'), qualifiedName);
    if (seen.has(gate.child('name').text)) found.duplicate(gate, gate.child('name').text);
    seen.add(gate.child('name').text);
  }
  for (const gate of spec.child('readinessGates').items())
    found.complaints(gate.child('conditionType'), qualifiedName);
}
