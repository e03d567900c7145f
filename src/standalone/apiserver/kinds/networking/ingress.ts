import { parseAddress } from '../../../../base/ip.ts';
import { fill } from '../defaults.ts';
import type { Definition } from '../define.ts';
import { statusOf } from '../define.ts';
import { AGE, NAME, ageOf, column, firstThree, nameOf } from '../print/columns.ts';
import { dnsLabel, dnsSubdomain, pathSegment, portName, wildcardSubdomain } from '../text/names.ts';
import { checkAddress } from '../validation/addresses.ts';
import type { Findings } from '../validation/findings.ts';
import type { Place } from '../validation/place.ts';

const CLASS_ANNOTATION = 'kubernetes.io/ingress.class';
const PATH_TYPES = ['Exact', 'ImplementationSpecific', 'Prefix'];
const FORBIDDEN_WITHIN = ['//', '/./', '/../', '%2f', '%2F'];
const FORBIDDEN_AT_END = ['/..', '/.'];

export const INGRESS: Definition = {
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'Ingress',
  plural: 'ingresses',
  schema: 'io.k8s.api.networking.v1.Ingress',
  namespaced: true,
  shortNames: ['ing'],
  subresources: [statusOf('Ingress')],
  defaults: object => fill(object, { spec: {} }),
  validate: (found, object, before, subresource) => {
    if (subresource === 'status') checkStatus(found, object.child('status').child('loadBalancer'));
    else checkSpec(found, object, before === undefined);
  },
  strategy: {
    statusFields: ['status'],
    countsGenerations: true,
    onCreate: object => ({ ...object, status: { loadBalancer: {} } }),
    warnings: object =>
      object.metadata.annotations?.[CLASS_ANNOTATION] === undefined
        ? []
        : [`annotation "${CLASS_ANNOTATION}" is deprecated, please use 'spec.ingressClassName' instead`],
  },
  table: {
    columns: [
      NAME,
      column('Class', 'Class of the controller that serves it.'),
      column('Hosts', 'Hosts that its rules are for.'),
      column('Address', 'Where it is reached.'),
      column('Ports', 'Ports that it opens.'),
      AGE,
    ],
    cells: (object, now) => {
      const spec = object.child('spec');
      const annotation = object.child('metadata').child('annotations').key(CLASS_ANNOTATION);
      const points = object.child('status').child('loadBalancer').child('ingress').items();
      const addresses = points.map(point => point.child('ip').text || point.child('hostname').text);
      const hosts = spec
        .child('rules')
        .items()
        .map(rule => rule.child('host').text);
      return [
        nameOf(object),
        spec.child('ingressClassName').text || annotation.text || '<none>',
        firstThree(
          hosts.filter(host => host !== ''),
          '*',
        ),
        addresses.filter(address => address !== '').join(','),
        spec.child('tls').list.length > 0 ? '80, 443' : '80',
        ageOf(object, now),
      ];
    },
  },
};

function checkSpec(found: Findings, object: Place, isNew: boolean): void {
  const spec = object.child('spec');
  const [backend, rules, className] = [
    spec.child('defaultBackend'),
    spec.child('rules'),
    spec.child('ingressClassName'),
  ];
  if (rules.list.length === 0 && !backend.present) {
    const detail = 'either `defaultBackend` or `rules` must be specified';
    found.add({ type: 'Invalid', field: spec.path, value: rules.value ?? null, detail });
  }
  if (backend.present) checkBackend(found, backend);
  for (const rule of rules.items()) checkRule(found, rule);
  for (const tls of spec.child('tls').items()) {
    for (const host of tls.child('hosts').items()) {
      found.complaints(host, host.text.includes('*') ? wildcardSubdomain : dnsSubdomain);
    }
    if (tls.child('secretName').text !== '') found.complaints(tls.child('secretName'), dnsSubdomain);
  }
  if (className.present) found.complaints(className, dnsSubdomain);
  const annotation = object.child('metadata').child('annotations').key(CLASS_ANNOTATION);
  if (isNew && annotation.present && className.present && annotation.text !== className.text) {
    // Upstream names this field without the metadata that it stands in.
    const place = object.child('annotations').child(CLASS_ANNOTATION);
    found.invalid(place, 'must match `ingressClassName` when both are specified', annotation.text);
  }
}

function checkRule(found: Findings, rule: Place): void {
  const [host, http] = [rule.child('host'), rule.child('http')];
  if (host.text !== '') {
    if (parseAddress(host.text) !== undefined) found.invalid(host, 'must be a DNS name, not an IP address');
    found.complaints(host, host.text.includes('*') ? wildcardSubdomain : dnsSubdomain);
  }
  if (!http.present) return;
  if (http.child('paths').list.length === 0) found.required(http.child('paths'));
  for (const path of http.child('paths').items()) checkPath(found, path);
}

function checkPath(found: Findings, item: Place): void {
  const [type, path] = [item.child('pathType'), item.child('path')];
  if (!type.present) {
    found.required(type, 'pathType must be specified');
    return;
  }
  const isAbsolute = path.text.startsWith('/');
  if (type.text === 'Exact' || type.text === 'Prefix') {
    if (!isAbsolute) found.invalid(path, 'must be an absolute path', path.text);
    for (const part of FORBIDDEN_WITHIN)
      if (path.text.includes(part)) found.invalid(path, `must not contain '${part}'`);
    for (const end of FORBIDDEN_AT_END)
      if (path.text.endsWith(end)) found.invalid(path, `cannot end with '${end}'`);
  } else if (type.text === 'ImplementationSpecific') {
    if (path.text !== '' && !isAbsolute) found.invalid(path, 'must be an absolute path');
  } else found.notSupported(type, PATH_TYPES);
  checkBackend(found, item.child('backend'));
}

function checkBackend(found: Findings, backend: Place): void {
  const [resource, service] = [backend.child('resource'), backend.child('service')];
  if (resource.present && service.present) {
    found.invalid(backend, 'cannot set both resource and service backends', '');
  } else if (resource.present) checkResource(found, resource);
  else if (service.present) {
    const name = service.child('name');
    if (name.text === '') found.required(name);
    else found.complaints(name, dnsLabel);
    checkServicePort(found, backend, service.child('port'));
  } else found.invalid(backend, 'resource or service backend is required', '');
}

function checkServicePort(found: Findings, backend: Place, port: Place): void {
  const [name, number] = [port.child('name'), port.child('number')];
  if (name.text !== '' && number.number !== 0)
    found.invalid(backend, 'cannot set both port name & port number', '');
  else if (name.text !== '') found.complaints(name, portName);
  else if (number.number !== 0) found.port(number);
  else found.required(backend, 'port name or number is required');
}

/** A reference to an object of any group in the same namespace. */
export function checkResource(found: Findings, reference: Place): void {
  if (reference.child('apiGroup').present) found.complaints(reference.child('apiGroup'), dnsSubdomain);
  for (const name of ['kind', 'name']) {
    if (reference.child(name).text === '') found.required(reference.child(name));
    else found.complaints(reference.child(name), pathSegment);
  }
}

function checkStatus(found: Findings, status: Place): void {
  for (const point of status.child('ingress').items()) {
    const [ip, hostname] = [point.child('ip'), point.child('hostname')];
    if (ip.text !== '') checkAddress(found, ip);
    if (hostname.text === '') continue;
    found.complaints(hostname, dnsSubdomain);
    if (parseAddress(hostname.text) !== undefined)
      found.invalid(hostname, 'must be a DNS name, not an IP address');
  }
}
