import type { Definition } from '../define.ts';
import { AGE, NAME, ageOf, column, nameOf } from '../print/columns.ts';
import type { Place } from '../validation/place.ts';

export const CONTROLLER_REVISION: Definition = {
  group: 'apps',
  version: 'v1',
  kind: 'ControllerRevision',
  plural: 'controllerrevisions',
  schema: 'io.k8s.api.apps.v1.ControllerRevision',
  namespaced: true,
  validate: (found, object, before) => {
    if (!object.child('data').present) found.required(object.child('data'), 'data is mandatory');
    found.notNegative(object.child('revision'));
    if (before !== undefined) found.immutable(object.child('data'), before.child('data'));
  },
  table: {
    columns: [
      NAME,
      column('Controller', 'Whose template it is.'),
      column('Revision', 'Its number in the history.'),
      AGE,
    ],
    cells: (object, now) => [
      nameOf(object),
      controllerOf(object),
      object.child('revision').number,
      ageOf(object, now),
    ],
  },
};

/** `statefulset.apps/web`; `<none>` without an owner that controls it. */
function controllerOf(object: Place): string {
  const owner = object
    .child('metadata')
    .child('ownerReferences')
    .items()
    .find(reference => reference.child('controller').flag);
  if (owner === undefined) return '<none>';
  const [group = ''] = owner.child('apiVersion').text.split('/');
  return `${owner.child('kind').text.toLowerCase()}.${group}/${owner.child('name').text}`;
}
