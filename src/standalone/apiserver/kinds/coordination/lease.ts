import type { Definition } from '../define.ts';
import { AGE, NAME, ageOf, column, nameOf } from '../print/columns.ts';

export const LEASE: Definition = {
  group: 'coordination.k8s.io',
  version: 'v1',
  kind: 'Lease',
  plural: 'leases',
  schema: 'io.k8s.api.coordination.v1.Lease',
  namespaced: true,
  validate: (found, object) => {
    const spec = object.child('spec');
    const [seconds, transitions] = [spec.child('leaseDurationSeconds'), spec.child('leaseTransitions')];
    found.positive(seconds);
    if (transitions.number < 0) found.invalid(transitions, 'must be greater than or equal to 0');
  },
  strategy: { allowsCreateOnUpdate: true, allowsUnconditionalUpdate: false, tracksFromFirstApply: true },
  table: {
    columns: [NAME, column('Holder', 'Who holds the lease.'), AGE],
    cells: (object, now) => [
      nameOf(object),
      object.child('spec').child('holderIdentity').text,
      ageOf(object, now),
    ],
  },
};
