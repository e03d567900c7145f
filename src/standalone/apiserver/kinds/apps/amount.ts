import { percentage } from '../text/names.ts';
import type { Findings } from '../validation/findings.ts';
import type { Place } from '../validation/place.ts';

/** A number of pods, or a share of them in per cent. */
export function checkIntOrPercent(found: Findings, place: Place): void {
  if (typeof place.value === 'string') found.complaints(place, percentage);
  else found.notNegative(place);
}

/** The number before the per cent sign, or the number of pods. */
export const amountOf = (place: Place): number =>
  typeof place.value === 'string' ? Number.parseInt(place.value, 10) : place.number;
