import type { Container } from '../../../kube/types/core.ts';

/** Tells people what happens to a pod, or to one container of it. */
export type TellEvent = (
  container: Container | undefined,
  type: 'Normal' | 'Warning',
  reason: string,
  message: string,
) => void;
