import { checkIntOrPercent } from '../apps/amount.ts';
import type { Definition } from '../define.ts';
import { statusOf } from '../define.ts';
import { AGE, NAME, ageOf, column, nameOf } from '../print/columns.ts';
import { checkLabelSelector } from '../validation/labels.ts';
import type { Place } from '../validation/place.ts';

export const POD_DISRUPTION_BUDGET: Definition = {
  group: 'policy',
  version: 'v1',
  kind: 'PodDisruptionBudget',
  plural: 'poddisruptionbudgets',
  schema: 'io.k8s.api.policy.v1.PodDisruptionBudget',
  namespaced: true,
  shortNames: ['pdb'],
  subresources: [statusOf('PodDisruptionBudget')],
  validate: (found, object, _before, subresource) => {
    if (subresource === 'status') return;
    const spec = object.child('spec');
    const [least, most] = [spec.child('minAvailable'), spec.child('maxUnavailable')];
    if (least.present && most.present) {
      found.invalid(spec, 'minAvailable and maxUnavailable cannot be both set', spec.fields);
    }
    for (const place of [least, most]) {
      if (!place.present) continue;
      checkIntOrPercent(found, place);
      if (/^\d+%$/.test(place.text) && Number.parseInt(place.text, 10) > 100) {
        found.invalid(place, 'must not be greater than 100%');
      }
    }
    checkLabelSelector(found, spec.child('selector'));
    found.optionalOneOf(spec.child('unhealthyPodEvictionPolicy'), ['AlwaysAllow', 'IfHealthyBudget']);
  },
  strategy: { statusFields: ['status'], countsGenerations: true },
  table: {
    columns: [
      NAME,
      column('Min Available', 'How many pods, or what share, have to stay.'),
      column('Max Unavailable', 'How many pods, or what share, may be away.'),
      column('Allowed Disruptions', 'How many pods may go now.', 'integer'),
      AGE,
    ],
    cells: (object, now) => [
      nameOf(object),
      amountText(object.child('spec').child('minAvailable')),
      amountText(object.child('spec').child('maxUnavailable')),
      object.child('status').child('disruptionsAllowed').number,
      ageOf(object, now),
    ],
  },
};

const amountText = (place: Place): string => (place.present ? String(place.value) : 'N/A');
