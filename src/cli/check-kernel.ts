import { release } from 'node:os';
import type { ClusterConfig } from '../standalone/cluster.ts';

export function checkKernel(_config: ClusterConfig): string {
  return `Linux ${release()}`;
}
