import { labelValue, qualifiedName } from '../text/names.ts';
import type { Findings } from './findings.ts';
import type { Place } from './place.ts';

/** Keys and values of a map of labels: metadata.labels, a Service's selector, a node selector. */
export function checkLabels(found: Findings, place: Place): void {
  for (const [key, value] of place.entries()) {
    for (const complaint of qualifiedName(key)) found.invalid(place, complaint, key);
    for (const complaint of labelValue(value.text)) found.invalid(place, complaint, value.text);
  }
}

/** metadata.annotations: keys without regard to case, and 256 KiB in all. */
export function checkAnnotations(found: Findings, place: Place): void {
  let size = 0;
  for (const [key, value] of place.entries()) {
    for (const complaint of qualifiedName(key.toLowerCase())) found.invalid(place, complaint, key);
    size += Buffer.byteLength(key) + Buffer.byteLength(value.text);
  }
  if (size > 256 * 1024) found.tooLong(place, 256 * 1024);
}

/** meta/v1 LabelSelector. */
export function checkLabelSelector(found: Findings, place: Place): void {
  checkLabels(found, place.child('matchLabels'));
  for (const requirement of place.child('matchExpressions').items()) {
    const operator = requirement.child('operator');
    const values = requirement.child('values');
    if (operator.text === 'In' || operator.text === 'NotIn') {
      if (values.list.length === 0)
        found.required(values, "must be specified when `operator` is 'In' or 'NotIn'");
    } else if (operator.text === 'Exists' || operator.text === 'DoesNotExist') {
      if (values.list.length > 0) {
        found.forbidden(values, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
      }
    } else {
      found.invalid(operator, 'not a valid selector operator');
    }
    found.complaints(requirement.child('key'), qualifiedName);
    for (const value of values.items()) found.complaints(value, labelValue);
  }
}

/** True for a selector without any requirement: it selects everything. */
export function selectsEverything(selector: Place): boolean {
  return (
    Object.keys(selector.child('matchLabels').fields).length === 0 &&
    selector.child('matchExpressions').list.length === 0
  );
}
