import { isDeepStrictEqual } from 'node:util';
import type { ApiObject, Fields } from '../../object.ts';
import { isFields } from '../../object.ts';
import { fill, within } from '../defaults.ts';
import type { Definition } from '../define.ts';
import { statusOf } from '../define.ts';
import type { Findings } from '../validation/findings.ts';
import { Place } from '../validation/place.ts';
import { podDefaults } from './pod-defaults.ts';
import { POD_TABLE } from './pod-table.ts';
import { checkPodSpec } from './pod-validation.ts';

const FIVE_MINUTES = 300;

export const POD: Definition = {
  group: '',
  version: 'v1',
  kind: 'Pod',
  plural: 'pods',
  schema: 'io.k8s.api.core.v1.Pod',
  namespaced: true,
  shortNames: ['po'],
  categories: ['all'],
  subresources: [
    { name: 'attach', kind: 'PodAttachOptions', verbs: ['create', 'get'] },
    { name: 'binding', kind: 'Binding', verbs: ['create'] },
    { name: 'ephemeralcontainers', kind: 'Pod', verbs: ['get', 'patch', 'update'] },
    { name: 'eviction', group: 'policy', version: 'v1', kind: 'Eviction', verbs: ['create'] },
    { name: 'exec', kind: 'PodExecOptions', verbs: ['create', 'get'] },
    { name: 'log', kind: 'Pod', verbs: ['get'] },
    { name: 'portforward', kind: 'PodPortForwardOptions', verbs: ['create', 'get'] },
    statusOf('Pod'),
  ],
  defaults: podDefaults,
  validate: (found, object, before, subresource) => {
    if (subresource === 'status' || subresource === 'binding') return;
    checkPodSpec(found, object.child('spec'));
    const ephemeral = object.child('spec').child('ephemeralContainers');
    if (before === undefined && ephemeral.present) found.forbidden(ephemeral, 'cannot be set on create');
    if (before === undefined) return;
    if (subresource === 'ephemeralcontainers') checkEphemeralUpdate(found, ephemeral, before);
    else checkUpdate(found, object, before);
  },
  strategy: {
    returnsDeleted: true,
    statusFields: ['status'],
    countsGenerations: true,
    onCreate: admitPod,
    onUpdate: (object, before, subresource) => {
      // Ephemeral containers are added through their own subresource only, and nothing else through it.
      if (subresource === undefined) return withEphemeralContainersOf(object, before);
      return subresource === 'ephemeralcontainers' ? withEphemeralContainersOf(before, object) : object;
    },
    gracePeriodSeconds: (object, requested) => graceOf(object, requested),
  },
  selectors: [
    'spec.nodeName',
    'spec.restartPolicy',
    'spec.schedulerName',
    'spec.serviceAccountName',
    'status.phase',
    'status.podIP',
    'status.nominatedNodeName',
  ],
  computedSelectors: {
    'spec.hostNetwork': object => String(object.child('spec').child('hostNetwork').flag),
    'status.podIP': object => {
      const status = object.child('status');
      return status.child('podIPs').items()[0]?.child('ip').text ?? status.child('podIP').text;
    },
  },
  table: POD_TABLE,
};

/** What admission gives every new pod: an account, a priority, and five minutes on a node that fails. */
function admitPod(object: ApiObject): ApiObject {
  const spec: Fields = isFields(object['spec']) ? object['spec'] : {};
  const account = spec['serviceAccountName'] ?? 'default';
  const admitted = fill(spec, {
    serviceAccountName: account,
    serviceAccount: account,
    priority: 0,
    preemptionPolicy: 'PreemptLowerPriority',
  });
  const tolerations = Array.isArray(spec['tolerations']) ? (spec['tolerations'] as readonly Fields[]) : [];
  const missing = ['not-ready', 'unreachable']
    .map(name => `node.kubernetes.io/${name}`)
    .filter(key => !tolerations.some(toleration => tolerates(toleration, key)))
    .map(key => ({ key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: FIVE_MINUTES }));
  return {
    ...object,
    spec: { ...admitted, tolerations: [...tolerations, ...missing] },
    status: { phase: 'Pending', qosClass: qosClassOf(new Place('spec', spec)) },
  };
}

function tolerates(toleration: Fields, key: string): boolean {
  const effect = toleration['effect'];
  const named = toleration['key'] === key || toleration['key'] === undefined || toleration['key'] === '';
  return named && (effect === 'NoExecute' || effect === undefined || effect === '');
}

/** BestEffort without any request, Guaranteed where every container's limits equal its requests, else Burstable. */
function qosClassOf(spec: Place): string {
  const containers = [...spec.child('containers').items(), ...spec.child('initContainers').items()];
  const amounts = containers.map(container => container.child('resources'));
  const asked = (resources: Place) =>
    ['cpu', 'memory'].some(
      name => resources.child('requests').key(name).present || resources.child('limits').key(name).present,
    );
  if (!amounts.some(asked)) return 'BestEffort';
  const guaranteed = amounts.every(resources =>
    ['cpu', 'memory'].every(name => {
      const limit = resources.child('limits').key(name);
      const request = resources.child('requests').key(name);
      return limit.present && (!request.present || request.value === limit.value);
    }),
  );
  return guaranteed ? 'Guaranteed' : 'Burstable';
}

/** A pod that runs nowhere, or has ended, goes at once; else what was asked for or the pod's own grace. */
function graceOf(object: ApiObject, requested: number | undefined): number {
  const pod = new Place('', object);
  const phase = pod.child('status').child('phase').text;
  const spec = pod.child('spec');
  if (spec.child('nodeName').text === '' || phase === 'Succeeded' || phase === 'Failed') return 0;
  return (
    requested ??
    (spec.child('terminationGracePeriodSeconds').present
      ? spec.child('terminationGracePeriodSeconds').number
      : 30)
  );
}

function withEphemeralContainersOf(object: ApiObject, before: ApiObject): ApiObject {
  const kept = isFields(before['spec']) ? before['spec']['ephemeralContainers'] : undefined;
  const spec = within(object, 'spec', inner => {
    const { ephemeralContainers: _, ...rest } = inner;
    return kept === undefined ? rest : { ...rest, ephemeralContainers: kept };
  });
  return { ...object, ...spec };
}

/** Ephemeral containers are added; those that are there stay as they are. */
function checkEphemeralUpdate(found: Findings, ephemeral: Place, before: Place): void {
  for (const old of before.child('spec').child('ephemeralContainers').items()) {
    const name = old.child('name').text;
    const now = ephemeral.items().find(item => item.child('name').text === name);
    if (now === undefined) {
      found.forbidden(ephemeral, `existing ephemeral containers ${JSON.stringify(name)} may not be removed`);
    } else if (!isDeepStrictEqual(now.value, old.value)) {
      found.forbidden(ephemeral, `existing ephemeral containers ${JSON.stringify(name)} may not be changed`);
    }
  }
}

/** Of a pod's spec only images, the deadline (shorter), tolerations (more) and lifted gates may change. */
function checkUpdate(found: Findings, object: Place, before: Place): void {
  const [spec, old] = [object.child('spec'), before.child('spec')];
  checkDeadline(found, spec.child('activeDeadlineSeconds'), old.child('activeDeadlineSeconds'));
  const added = spec.child('tolerations').list;
  const kept = old
    .child('tolerations')
    .list.every(toleration => added.some(item => isDeepStrictEqual(item, toleration)));
  if (!kept) {
    found.forbidden(
      spec.child('tolerations'),
      'existing toleration can not be modified except its tolerationSeconds',
    );
  }
  if (!isDeepStrictEqual(fixedPart(spec.fields), fixedPart(old.fields))) {
    found.forbidden(
      spec,
      'pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)',
    );
  }
}

function checkDeadline(found: Findings, deadline: Place, before: Place): void {
  if (!before.present) return;
  if (!deadline.present) found.invalid(deadline, 'must not update from a positive integer to nil value');
  else if (deadline.number > before.number) {
    found.invalid(deadline, 'must be less than or equal to previous value');
  }
}

function fixedPart(spec: Fields): Fields {
  const {
    activeDeadlineSeconds: _deadline,
    tolerations: _tolerations,
    schedulingGates: _gates,
    ...rest
  } = spec;
  const withoutImages = (list: unknown) =>
    Array.isArray(list) ? list.map((container: Fields) => ({ ...container, image: '' })) : list;
  return {
    ...rest,
    containers: withoutImages(rest['containers']),
    initContainers: withoutImages(rest['initContainers']),
  };
}
