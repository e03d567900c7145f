import { fill } from '../defaults.ts';
import type { Definition } from '../define.ts';
import { AGE, NAME, ageOf, column, nameOf } from '../print/columns.ts';

/** Above it stand the two classes of the system. */
const HIGHEST = 1_000_000_000;

export const PRIORITY_CLASS: Definition = {
  group: 'scheduling.k8s.io',
  version: 'v1',
  kind: 'PriorityClass',
  plural: 'priorityclasses',
  schema: 'io.k8s.api.scheduling.v1.PriorityClass',
  namespaced: false,
  shortNames: ['pc'],
  defaults: object => fill(object, { preemptionPolicy: 'PreemptLowerPriority' }),
  validate: (found, object, before) => {
    const [name, value] = [object.child('metadata').child('name'), object.child('value')];
    const isSystem = name.text.startsWith('system-');
    if (isSystem && !['system-cluster-critical', 'system-node-critical'].includes(name.text)) {
      found.forbidden(
        name,
        "priority class names with 'system-' prefix are reserved for system use only. error: unknown system priority class",
      );
    } else if (!isSystem && value.number > HIGHEST) {
      found.forbidden(value, `maximum allowed value of a user defined priority is ${HIGHEST}`);
    }
    found.optionalOneOf(object.child('preemptionPolicy'), ['Never', 'PreemptLowerPriority']);
    if (before === undefined) return;
    if (value.number !== before.child('value').number) {
      found.forbidden(value, 'may not be changed in an update.');
    }
    found.immutable(object.child('preemptionPolicy'), before.child('preemptionPolicy'));
  },
  table: {
    columns: [
      NAME,
      column('Value', 'The higher, the more important.', 'integer'),
      column('Global-Default', 'Whether pods that name none have this one.', 'boolean'),
      AGE,
      column('PreemptionPolicy', 'Whether its pods may drive out others.'),
    ],
    cells: (object, now) => [
      nameOf(object),
      object.child('value').number,
      object.child('globalDefault').flag,
      ageOf(object, now),
      object.child('preemptionPolicy').text,
    ],
  },
};
