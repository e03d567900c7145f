import { fill, within } from '../defaults.ts';
import type { Definition } from '../define.ts';
import { AGE, NAME, ageOf, column, nameOf } from '../print/columns.ts';
import { dnsLabel, domainPrefixedPath } from '../text/names.ts';
import type { Findings } from '../validation/findings.ts';
import type { Place } from '../validation/place.ts';
import { checkResource } from './ingress.ts';

const SCOPES = ['Cluster', 'Namespace'];
const LONGEST_CONTROLLER = 250;

export const INGRESS_CLASS: Definition = {
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'IngressClass',
  plural: 'ingressclasses',
  schema: 'io.k8s.api.networking.v1.IngressClass',
  namespaced: false,
  defaults: object =>
    within(object, 'spec', spec =>
      within(spec, 'parameters', parameters => fill(parameters, { scope: 'Cluster' })),
    ),
  validate: (found, object, before) => {
    const controller = object.child('spec').child('controller');
    if (before !== undefined) found.immutable(controller, before.child('spec').child('controller'));
    if (controller.text === '') found.required(controller);
    else {
      if (controller.text.length > LONGEST_CONTROLLER) found.tooLong(controller, LONGEST_CONTROLLER);
      found.complaints(controller, domainPrefixedPath);
    }
    checkParameters(found, object.child('spec').child('parameters'));
  },
  strategy: { countsGenerations: true },
  table: {
    columns: [
      NAME,
      column('Controller', 'Who serves ingresses of the class.'),
      column('Parameters', 'Object with further configuration.'),
      AGE,
    ],
    cells: (object, now) => [
      nameOf(object),
      object.child('spec').child('controller').text,
      parametersText(object.child('spec').child('parameters')),
      ageOf(object, now),
    ],
  },
};

function checkParameters(found: Findings, parameters: Place): void {
  if (!parameters.present) return;
  checkResource(found, parameters);
  const [scope, namespace] = [parameters.child('scope'), parameters.child('namespace')];
  if (!scope.present) found.required(scope);
  else if (!SCOPES.includes(scope.text)) found.notSupported(scope, SCOPES);
  else if (scope.text === 'Namespace') {
    if (!namespace.present) found.required(namespace, "`parameters.scope` is set to 'Namespace'");
    else found.complaints(namespace, dnsLabel);
  } else if (namespace.present) found.forbidden(namespace, "`parameters.scope` is set to 'Cluster'");
}

function parametersText(parameters: Place): string {
  if (!parameters.present) return '<none>';
  const group = parameters.child('apiGroup').text;
  const kind = parameters.child('kind').text;
  return `${group === '' ? kind : `${kind}.${group}`}/${parameters.child('name').text}`;
}
