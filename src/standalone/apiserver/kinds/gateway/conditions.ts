import type { Place } from '../validation/place.ts';

/** The status of a condition in `status.conditions`; null where there is none. */
export function conditionText(object: Place, type: string): string | null {
  const condition = object
    .child('status')
    .child('conditions')
    .items()
    .find(item => item.child('type').text === type);
  return condition?.child('status').text ?? null;
}
