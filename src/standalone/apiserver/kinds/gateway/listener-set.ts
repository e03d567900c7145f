import type { Definition } from '../define.ts';
import { statusOf } from '../define.ts';
import { AGE, NAME, ageOf, column, nameOf } from '../print/columns.ts';
import { conditionText } from './conditions.ts';
import { checkListeners } from './listeners.ts';
import { WAITING, pending } from './pending.ts';

export const LISTENER_SET: Definition = {
  group: 'gateway.networking.k8s.io',
  version: 'v1',
  kind: 'ListenerSet',
  plural: 'listenersets',
  schema: 'io.k8s.networking.gateway.v1.ListenerSet',
  namespaced: true,
  shortNames: ['lset'],
  categories: ['gateway-api'],
  subresources: [statusOf('ListenerSet')],
  validate: (found, object) => checkListeners(found, object.child('spec').child('listeners')),
  strategy: {
    statusFields: ['status'],
    countsGenerations: true,
    allowsUnconditionalUpdate: false,
    onCreate: pending(WAITING.acceptedAndProgrammed),
  },
  table: {
    columns: [
      NAME,
      column('Accepted', 'Whether its gateway has taken it.'),
      column('Programmed', 'Whether the data path is in place.'),
      AGE,
    ],
    cells: (object, now) => [
      nameOf(object),
      conditionText(object, 'Accepted'),
      conditionText(object, 'Programmed'),
      ageOf(object, now),
    ],
  },
};
