import type { Definition } from '../define.ts';
import { statusOf } from '../define.ts';
import { AGE, NAME, ageOf, column, nameOf } from '../print/columns.ts';
import type { Findings } from '../validation/findings.ts';
import type { Place } from '../validation/place.ts';
import { checkGrpcFilters, checkBackendPort } from './http-filters.ts';
import { checkParents } from './parents.ts';
import { checkSession, checkMatchCount } from './rules.ts';

const SERVICE = /^\.?[a-z_][a-z_0-9]*(\.[a-z_][a-z_0-9]*)*$/i;
const METHOD = /^[A-Za-z_][A-Za-z_0-9]*$/;

export const GRPC_ROUTE: Definition = {
  group: 'gateway.networking.k8s.io',
  version: 'v1',
  kind: 'GRPCRoute',
  plural: 'grpcroutes',
  schema: 'io.k8s.networking.gateway.v1.GRPCRoute',
  namespaced: true,
  categories: ['gateway-api'],
  subresources: [statusOf('GRPCRoute')],
  validate: (found, object) => {
    const spec = object.child('spec');
    checkParents(found, spec.child('parentRefs'));
    checkMatchCount(found, spec.child('rules'));
    for (const rule of spec.child('rules').items()) checkRule(found, rule);
  },
  strategy: { statusFields: ['status'], countsGenerations: true, allowsUnconditionalUpdate: false },
  table: {
    columns: [NAME, column('Hostnames', 'Hosts that the route is for.'), AGE],
    cells: (object, now) => {
      const hostnames = object.child('spec').child('hostnames');
      return [nameOf(object), hostnames.present ? JSON.stringify(hostnames.value) : null, ageOf(object, now)];
    },
  },
};

function checkRule(found: Findings, rule: Place): void {
  for (const match of rule.child('matches').items()) checkMethod(found, match.child('method'));
  checkGrpcFilters(found, rule.child('filters'));
  checkSession(found, rule.child('sessionPersistence'));
  for (const backend of rule.child('backendRefs').items()) {
    checkBackendPort(found, backend);
    checkGrpcFilters(found, backend.child('filters'));
  }
}

function checkMethod(found: Findings, method: Place): void {
  if (!method.present) return;
  const [service, name] = [method.child('service'), method.child('method')];
  if (!service.present && !name.present)
    found.invalid(method, "One or both of 'service' or 'method' must be specified", 'object');
  if (method.child('type').text === 'RegularExpression') return;
  if (service.present && !SERVICE.test(service.text)) {
    const pattern = String.raw`^(?i)\.?[a-z_][a-z_0-9]*(\.[a-z_][a-z_0-9]*)*$`;
    found.invalid(method, `service must only contain valid characters (matching ${pattern})`, 'object');
  }
  if (name.present && !METHOD.test(name.text)) {
    const pattern = '^[A-Za-z_][A-Za-z_0-9]*$';
    found.invalid(method, `method must only contain valid characters (matching ${pattern})`, 'object');
  }
}
