import { equalJson } from '../../codec/json.ts';
import type { ApiObject, Fields } from '../../object.ts';
import { fill, within } from '../defaults.ts';
import type { Definition } from '../define.ts';
import { statusOf } from '../define.ts';
import { AGE, NAME, ageOf, column, nameOf } from '../print/columns.ts';
import type { Findings } from '../validation/findings.ts';
import type { Place } from '../validation/place.ts';

/** Holds a claim that is deleted until no pod uses it. */
const PROTECTION = 'kubernetes.io/pvc-protection';

const MODES: Readonly<Record<string, string>> = {
  ReadWriteOnce: 'RWO',
  ReadOnlyMany: 'ROX',
  ReadWriteMany: 'RWX',
  ReadWriteOncePod: 'RWOP',
};

export const PERSISTENT_VOLUME_CLAIM: Definition = {
  group: '',
  version: 'v1',
  kind: 'PersistentVolumeClaim',
  plural: 'persistentvolumeclaims',
  schema: 'io.k8s.api.core.v1.PersistentVolumeClaim',
  namespaced: true,
  shortNames: ['pvc'],
  subresources: [statusOf('PersistentVolumeClaim')],
  defaults: object => within(object, 'spec', spec => fill(spec, { volumeMode: 'Filesystem' })),
  validate: (found, object, before, subresource) => {
    if (subresource === 'status') return;
    checkSpec(found, object.child('spec'));
    if (before !== undefined) checkUpdate(found, object, before);
  },
  strategy: { statusFields: ['status'], countsGenerations: false, onCreate: protectedAndPending },
  table: {
    columns: [
      NAME,
      column('Status', 'Whether it has a volume.'),
      column('Volume', 'The volume that it has.'),
      column('Capacity', 'How much fits into it.'),
      column('Access Modes', 'Who may use it at a time.'),
      column('StorageClass', 'The class that it names.'),
      column('VolumeAttributesClass', 'The class of its attributes.'),
      AGE,
      { ...column('VolumeMode', 'Files or a block device.'), priority: 1 },
    ],
    cells: (object, now) => [
      nameOf(object),
      object.child('metadata').child('deletionTimestamp').present
        ? 'Terminating'
        : object.child('status').child('phase').text,
      object.child('spec').child('volumeName').text,
      object.child('status').child('capacity').child('storage').text,
      object
        .child('status')
        .child('accessModes')
        .texts.map(mode => MODES[mode] ?? mode)
        .join(','),
      object.child('spec').child('storageClassName').text,
      object.child('spec').child('volumeAttributesClassName').text || '<unset>',
      ageOf(object, now),
      object.child('spec').child('volumeMode').text,
    ],
  },
};

function protectedAndPending(object: ApiObject): ApiObject {
  const finalizers = object.metadata.finalizers ?? [];
  return {
    ...object,
    metadata: {
      ...object.metadata,
      finalizers: finalizers.includes(PROTECTION) ? finalizers : [...finalizers, PROTECTION],
    },
    status: { phase: 'Pending' } satisfies Fields,
  };
}

function checkSpec(found: Findings, spec: Place): void {
  const modes = spec.child('accessModes');
  if (modes.list.length === 0) found.required(modes, 'at least 1 access mode is required');
  for (const mode of modes.items()) found.oneOf(mode, Object.keys(MODES));
  if (modes.texts.includes('ReadWriteOncePod') && modes.list.length > 1)
    found.forbidden(modes, 'may not use ReadWriteOncePod with other access modes');
  const storage = spec.child('resources').child('requests').key('storage');
  if (!storage.present) found.required(spec.child('resources').key('storage'));
  found.optionalOneOf(spec.child('volumeMode'), ['Block', 'Filesystem']);
}

/** A volume comes once; more may be asked of one that is there. */
function checkUpdate(found: Findings, object: Place, before: Place): void {
  const isNamed = before.child('spec').child('volumeName').present;
  const isBound = before.child('status').child('phase').text === 'Bound';
  const kept = (claim: Place): Fields => {
    const {
      resources: _resources,
      volumeAttributesClassName,
      volumeName,
      ...rest
    } = claim.child('spec').fields;
    return {
      ...rest,
      ...(isNamed ? { volumeName } : {}),
      ...(isBound ? {} : { volumeAttributesClassName }),
    };
  };
  if (!equalJson(kept(object), kept(before))) {
    found.forbidden(
      object.child('spec'),
      'spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims',
    );
  }
}
