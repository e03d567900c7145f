import { isDeepStrictEqual } from 'node:util';
import type { Fields } from '../../object.ts';
import { fill, within } from '../defaults.ts';
import type { Definition } from '../define.ts';
import { statusOf } from '../define.ts';
import { AGE, NAME, ageOf, column, nameOf, wideColumn } from '../print/columns.ts';
import { labelValue, qualifiedName } from '../text/names.ts';
import { checkPrefix } from '../validation/addresses.ts';
import type { Findings } from '../validation/findings.ts';
import { Place } from '../validation/place.ts';

const EFFECTS = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'];

export const NODE: Definition = {
  group: '',
  version: 'v1',
  kind: 'Node',
  plural: 'nodes',
  schema: 'io.k8s.api.core.v1.Node',
  namespaced: false,
  shortNames: ['no'],
  subresources: [statusOf('Node')],
  defaults: object => within(within(object, 'spec', withBothPrefixes), 'status', withAllocatable),
  validate: (found, object, before) => {
    const spec = object.child('spec');
    // Upstream names the taints of the spec beneath the metadata.
    checkTaints(found, new Place('metadata.taints', spec.child('taints').value));
    checkPodCidrs(found, spec.child('podCIDRs'));
    const addresses = object.child('status').child('addresses');
    const seen = new Set<string>();
    for (const address of addresses.items()) {
      const key = `${address.child('type').text} ${address.child('address').text}`;
      if (seen.has(key)) found.duplicate(address);
      seen.add(key);
    }
    if (before === undefined) return;
    for (const [name, one] of [
      ['podCIDRs', 'podCIDR'],
      ['providerID', 'providerID'],
    ] as const) {
      const previous = before.child('spec').child(name);
      const isSet = previous.text !== '' || previous.list.length > 0;
      if (isSet && !isDeepStrictEqual(previous.value, spec.child(name).value)) {
        found.forbidden(spec.child(name), `node updates may not change ${one} except from "" to valid`);
      }
    }
  },
  strategy: { statusFields: ['status'], allowsCreateOnUpdate: true },
  computedSelectors: {
    'spec.unschedulable': object => String(object.child('spec').child('unschedulable').flag),
  },
  table: {
    columns: [
      NAME,
      column('Status', 'Whether the node is ready for pods.'),
      column('Roles', 'What the node is there for, by its labels.'),
      AGE,
      column('Version', 'Version of the kubelet.'),
      wideColumn('Internal-IP', 'First address within the cluster.'),
      wideColumn('External-IP', 'First address from outside.'),
      wideColumn('OS-Image', 'Operating system.'),
      wideColumn('Kernel-Version', 'Version of the kernel.'),
      wideColumn('Container-Runtime', 'Name and version of the runtime.'),
    ],
    cells: (object, now) => {
      const status = object.child('status');
      const info = status.child('nodeInfo');
      return [
        nameOf(object),
        statusText(object),
        rolesText(object),
        ageOf(object, now),
        info.child('kubeletVersion').text,
        addressOf(status, 'InternalIP'),
        addressOf(status, 'ExternalIP'),
        info.child('osImage').text || '<unknown>',
        info.child('kernelVersion').text || '<unknown>',
        info.child('containerRuntimeVersion').text || '<unknown>',
      ];
    },
  },
};

/** What is not set aside is allocatable. */
function withAllocatable(status: Fields): Fields {
  return status['capacity'] === undefined ? status : fill(status, { allocatable: status['capacity'] });
}

function checkTaints(found: Findings, taints: Place): void {
  const seen = new Set<string>();
  for (const taint of taints.items()) {
    found.complaints(taint.child('key'), qualifiedName);
    found.complaints(taint.child('value'), labelValue);
    if (taint.child('effect').text === '') found.required(taint.child('effect'));
    else found.optionalOneOf(taint.child('effect'), EFFECTS);
    const key = `${taint.child('key').text}:${taint.child('effect').text}`;
    if (seen.has(key)) found.duplicate(taint, taint.value, 'taints must be unique by key and effect pair');
    seen.add(key);
  }
}

/** At most one prefix of each family. */
function checkPodCidrs(found: Findings, cidrs: Place): void {
  const families = new Set<number>();
  for (const place of cidrs.items()) {
    const prefix = checkPrefix(found, place);
    if (prefix !== undefined) families.add(prefix.family);
  }
  if (cidrs.list.length > 2 || (cidrs.list.length === 2 && families.size === 1)) {
    found.invalid(cidrs, 'may specify no more than one CIDR for each IP family');
  }
}

function statusText(object: Place): string {
  const ready = object
    .child('status')
    .child('conditions')
    .items()
    .find(condition => condition.child('type').text === 'Ready');
  const text = ready === undefined ? 'Unknown' : ready.child('status').text === 'True' ? 'Ready' : 'NotReady';
  return object.child('spec').child('unschedulable').flag ? `${text},SchedulingDisabled` : text;
}

function rolesText(object: Place): string {
  const prefix = 'node-role.kubernetes.io/';
  const roles = new Set<string>();
  for (const [key, value] of object.child('metadata').child('labels').entries()) {
    if (key.startsWith(prefix) && key.length > prefix.length) roles.add(key.slice(prefix.length));
    else if (key === 'kubernetes.io/role' && value.text !== '') roles.add(value.text);
  }
  return roles.size === 0 ? '<none>' : [...roles].toSorted().join(',');
}

function addressOf(status: Place, type: string): string {
  const address = status
    .child('addresses')
    .items()
    .find(item => item.child('type').text === type);
  return address?.child('address').text ?? '<none>';
}

/** `podCIDR` is the first of `podCIDRs`, whichever of the two was given. */
function withBothPrefixes(spec: Fields): Fields {
  const { podCIDR, podCIDRs } = spec;
  const [first] = Array.isArray(podCIDRs) ? (podCIDRs as readonly unknown[]) : [];
  if (typeof first === 'string') return podCIDR === first ? spec : fill(spec, { podCIDR: first });
  return typeof podCIDR === 'string' && podCIDR !== '' ? { ...spec, podCIDRs: [podCIDR] } : spec;
}
