import type { Taint, Toleration } from '../../../kube/types/core.ts';

/** core/v1 Toleration: an absent key with Exists tolerates everything, an absent effect every effect. */
export function tolerates(toleration: Toleration, taint: Taint): boolean {
  if (toleration.effect !== undefined && (toleration.effect as string) !== '') {
    if (toleration.effect !== taint.effect) return false;
  }
  const key = toleration.key ?? '';
  if (key !== '' && key !== taint.key) return false;
  const { operator } = toleration;
  if (operator === 'Exists') return true;
  if (key === '') return false;
  if (operator === 'Lt' || operator === 'Gt') {
    return compares(operator, taint.value ?? '', toleration.value ?? '');
  }
  return (toleration.value ?? '') === (taint.value ?? '');
}

/** The first taint of one of the effects that no toleration answers. */
export function untolerated(
  taints: readonly Taint[],
  tolerations: readonly Toleration[] | undefined,
  effects: readonly Taint['effect'][],
): Taint | undefined {
  return taints.find(
    taint =>
      effects.includes(taint.effect) && !(tolerations ?? []).some(toleration => tolerates(toleration, taint)),
  );
}

/** Numeric tolerations: the taint's value is less than, or greater than, the toleration's. */
function compares(operator: 'Lt' | 'Gt', taintValue: string, tolerationValue: string): boolean {
  if (!/^-?\d+$/.test(taintValue) || !/^-?\d+$/.test(tolerationValue)) return false;
  return operator === 'Lt'
    ? BigInt(taintValue) < BigInt(tolerationValue)
    : BigInt(taintValue) > BigInt(tolerationValue);
}
