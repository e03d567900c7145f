import type { Fields } from '../../object.ts';
import { isDeepStrictEqual } from 'node:util';
import type { ApiObject } from '../../object.ts';
import { isFields } from '../../object.ts';
import { fill, inTurn, within, withinEach } from '../defaults.ts';
import type { Definition } from '../define.ts';
import { statusOf } from '../define.ts';
import { AGE, NAME, ageOf, column, labelsText, nameOf, wideColumn } from '../print/columns.ts';
import type { Place } from '../validation/place.ts';
import { checkService } from './service-validation.ts';

/** A load balancer that says an address and not how it arrives means that it arrives as it is (KEP-1860). */
function withModes(object: Fields): Fields {
  if (!isFields(object['spec']) || object['spec']['type'] !== 'LoadBalancer') return object;
  return within(object, 'status', status =>
    within(status, 'loadBalancer', balancer =>
      withinEach(balancer, 'ingress', ingress =>
        (ingress['ip'] ?? '') === '' ? ingress : fill(ingress, { ipMode: 'VIP' }),
      ),
    ),
  );
}

/** How long ClientIP affinity holds by default: three hours. */
const AFFINITY_SECONDS = 10_800;

export const SERVICE: Definition = {
  group: '',
  version: 'v1',
  kind: 'Service',
  plural: 'services',
  schema: 'io.k8s.api.core.v1.Service',
  namespaced: true,
  shortNames: ['svc'],
  categories: ['all'],
  nameFormat: 'label-1035',
  subresources: [statusOf('Service')],
  defaults: object => withModes(within(fill(object, { spec: {} }), 'spec', specDefaults)),
  validate: checkService,
  strategy: {
    returnsDeleted: true,
    statusFields: ['status'],
    onCreate: object => ({ ...withoutInternalPolicy(object), status: { loadBalancer: {} } }),
    warnings: serviceWarnings,
    onUpdate: (object, before, subresource) =>
      subresource === undefined ? withoutLeftovers(withoutBalancer(object, before), before) : object,
  },
  selectors: ['spec.clusterIP', 'spec.type'],
  table: {
    columns: [
      NAME,
      column('Type', 'How the service is reached.'),
      column('Cluster-IP', 'Address within the cluster.'),
      column('External-IP', 'Addresses or name outside.'),
      column('Port(s)', 'Ports, with their node ports.'),
      AGE,
      wideColumn('Selector', 'Labels of the pods behind it.'),
    ],
    cells: (object, now) => {
      const spec = object.child('spec');
      return [
        nameOf(object),
        spec.child('type').text,
        spec.child('clusterIPs').texts[0] ?? (spec.child('clusterIP').text || '<none>'),
        externalText(object),
        portsText(spec.child('ports')),
        ageOf(object, now),
        labelsText(spec.child('selector')),
      ];
    },
  },
};

const specDefaults = inTurn(
  spec => fill(spec, { sessionAffinity: 'None', type: 'ClusterIP' }),
  spec => (spec['sessionAffinity'] === 'ClientIP' ? withAffinity(spec) : withoutAffinity(spec)),
  spec =>
    withinEach(spec, 'ports', port => {
      const target = port['targetPort'];
      const named = fill(port, { protocol: 'TCP' });
      return target === undefined || target === 0 || target === ''
        ? { ...named, targetPort: port['port'] }
        : named;
    }),
  spec => (isExternal(spec) ? fill(spec, { externalTrafficPolicy: 'Cluster' }) : spec),
  spec => (spec['type'] === 'ExternalName' ? spec : fill(spec, { internalTrafficPolicy: 'Cluster' })),
  spec => (spec['type'] === 'LoadBalancer' ? fill(spec, { allocateLoadBalancerNodePorts: true }) : spec),
);

/** An ExternalName has no traffic that a policy could be for. */
function withoutInternalPolicy(object: ApiObject): ApiObject {
  const { internalTrafficPolicy, ...spec } = specOf(object);
  return spec['type'] === 'ExternalName' && internalTrafficPolicy === 'Cluster'
    ? { ...object, spec }
    : object;
}

/** Fields that say nothing in this type of Service. */
function serviceWarnings(object: ApiObject): readonly string[] {
  const { type, clusterIP, externalName, externalIPs, loadBalancerIP, sessionAffinity } = specOf(object);
  const warnings: string[] = [];
  const hasExternal = Array.isArray(externalIPs) && externalIPs.length > 0;
  if (type !== 'ExternalName' && clusterIP === 'None') {
    const ignored = (field: string) => warnings.push(`spec.${field} is ignored for headless services`);
    if (isText(loadBalancerIP)) ignored('loadBalancerIP');
    if (hasExternal) ignored('externalIPs');
    if (sessionAffinity === 'ClientIP') ignored('SessionAffinity');
  }
  if (type === 'ExternalName' && hasExternal) {
    warnings.push('spec.externalIPs is ignored when spec.type is "ExternalName"');
  }
  if (type !== 'ExternalName' && isText(externalName)) {
    warnings.push('spec.externalName is ignored when spec.type is not "ExternalName"');
  }
  return warnings;
}

const isText = (value: unknown): boolean => typeof value === 'string' && value !== '';

/** Reached from outside: by node ports, a load balancer, or addresses that someone routes to the nodes. */
function isExternal(spec: Fields): boolean {
  const addresses = Array.isArray(spec['externalIPs']) && spec['externalIPs'].length > 0;
  return (
    spec['type'] === 'NodePort' ||
    spec['type'] === 'LoadBalancer' ||
    (spec['type'] === 'ClusterIP' && addresses)
  );
}

function withoutAffinity(spec: Fields): Fields {
  if (spec['sessionAffinity'] !== 'None' || !Object.hasOwn(spec, 'sessionAffinityConfig')) return spec;
  const { sessionAffinityConfig: _config, ...rest } = spec;
  return rest;
}

function withAffinity(spec: Fields): Fields {
  return within(fill(spec, { sessionAffinityConfig: {} }), 'sessionAffinityConfig', config =>
    within(fill(config, { clientIP: {} }), 'clientIP', client =>
      fill(client, { timeoutSeconds: AFFINITY_SECONDS }),
    ),
  );
}

function externalText(object: Place): string {
  const spec = object.child('spec');
  const given = spec.child('externalIPs').texts;
  switch (spec.child('type').text) {
    case 'ExternalName':
      return spec.child('externalName').text;
    case 'LoadBalancer': {
      const points = object.child('status').child('loadBalancer').child('ingress').items();
      const assigned = points
        .map(point => point.child('ip').text || point.child('hostname').text)
        .filter(text => text !== '');
      const all = [...new Set(assigned), ...given];
      return all.length === 0 ? '<pending>' : all.join(',');
    }
    default:
      return given.length === 0 ? '<none>' : given.join(',');
  }
}

function portsText(ports: Place): string {
  const texts = ports.items().map(port => {
    const nodePort = port.child('nodePort').number;
    const number = port.child('port').number;
    return `${nodePort > 0 ? `${number}:${nodePort}` : number}/${port.child('protocol').text}`;
  });
  return texts.length === 0 ? '<none>' : texts.join(',');
}

/** What a load balancer said ends with the type. */
function withoutBalancer(object: ApiObject, before: ApiObject): ApiObject {
  return isBalancer(specOf(before)) && !isBalancer(specOf(object))
    ? { ...object, status: { loadBalancer: {} } }
    : object;
}

/**
 * What only the old type needed goes with it, unless the client has just set it: a manifest that changes `type` need not
 * take back the node ports that the server had chosen.
 */
function withoutLeftovers(object: ApiObject, before: ApiObject): ApiObject {
  const [spec, old] = [specOf(object), specOf(before)];
  const left = (had: (spec: Fields) => boolean, name: string): readonly string[] =>
    had(old) && !had(spec) && isDeepStrictEqual(spec[name], old[name]) ? [name] : [];
  const names = [
    ...left(isExternal, 'externalTrafficPolicy'),
    ...left(isBalancer, 'allocateLoadBalancerNodePorts'),
    ...left(isBalancer, 'loadBalancerClass'),
    ...left(checksHealth, 'healthCheckNodePort'),
    ...['internalTrafficPolicy', 'clusterIP', 'clusterIPs', 'ipFamilies', 'ipFamilyPolicy'].flatMap(name =>
      left(hasClusterAddress, name),
    ),
  ];
  const kept = Object.fromEntries(Object.entries(spec).filter(([name]) => !names.includes(name)));
  if (
    !takesNodePorts(old) ||
    takesNodePorts(spec) ||
    !isDeepStrictEqual(nodePortsOf(spec), nodePortsOf(old))
  ) {
    return names.length === 0 ? object : { ...object, spec: kept };
  }
  const withoutNodePorts = withinEach(kept, 'ports', port => {
    const { nodePort: _, ...rest } = port;
    return rest;
  });
  return { ...object, spec: withoutNodePorts };
}

const specOf = (object: ApiObject): Fields => (isFields(object['spec']) ? object['spec'] : {});

const isBalancer = (spec: Fields): boolean => spec['type'] === 'LoadBalancer';

const checksHealth = (spec: Fields): boolean => isBalancer(spec) && spec['externalTrafficPolicy'] === 'Local';

const hasClusterAddress = (spec: Fields): boolean => spec['type'] !== 'ExternalName';

/** A load balancer that allocates none any more keeps those that it has, until somebody takes them out. */
const takesNodePorts = (spec: Fields): boolean => spec['type'] === 'NodePort' || isBalancer(spec);

const nodePortsOf = (spec: Fields): readonly unknown[] =>
  (Array.isArray(spec['ports']) ? spec['ports'] : []).map((port: unknown) =>
    isFields(port) ? port['nodePort'] : 0,
  );
