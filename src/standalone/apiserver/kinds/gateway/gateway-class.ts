import type { Definition } from '../define.ts';
import { statusOf } from '../define.ts';
import { AGE, NAME, ageOf, column, nameOf, wideColumn } from '../print/columns.ts';
import { conditionText } from './conditions.ts';
import { WAITING, pending } from './pending.ts';

export const GATEWAY_CLASS: Definition = {
  group: 'gateway.networking.k8s.io',
  version: 'v1',
  kind: 'GatewayClass',
  plural: 'gatewayclasses',
  schema: 'io.k8s.networking.gateway.v1.GatewayClass',
  namespaced: false,
  shortNames: ['gc'],
  categories: ['gateway-api'],
  subresources: [statusOf('GatewayClass')],
  validate: (found, object, before) => {
    const controller = object.child('spec').child('controllerName');
    const previous = before?.child('spec').child('controllerName');
    if (previous !== undefined && previous.text !== controller.text) {
      found.invalid(controller, 'Value is immutable', 'string');
    }
  },
  strategy: {
    statusFields: ['status'],
    countsGenerations: true,
    allowsUnconditionalUpdate: false,
    onCreate: pending(WAITING.accepted),
  },
  table: {
    columns: [
      NAME,
      column('Controller', 'Who serves gateways of the class.'),
      column('Accepted', 'Whether its controller has accepted it.'),
      AGE,
      wideColumn('Description', 'What the class is for.'),
    ],
    cells: (object, now) => {
      const spec = object.child('spec');
      return [
        nameOf(object),
        spec.child('controllerName').text,
        conditionText(object, 'Accepted'),
        ageOf(object, now),
        spec.child('description').present ? spec.child('description').text : null,
      ];
    },
  },
};
