import { createClient } from '../kube/client.ts';
import type { KubeClient } from '../kube/client.ts';
import { loadKubeconfig } from '../kube/kubeconfig.ts';
import { administratorKubeconfig } from './kubeconfig.ts';

/** Where a command that only reads objects finds them. */
export interface ObjectSource {
  readonly cluster: string;
  /** Of any cluster; absent: that of the cluster of this machine. */
  readonly kubeconfig?: string;
  /** Manifests instead of a cluster. */
  readonly files: readonly string[];
}

/** A client of the source's cluster; `command` says who needs root for one of this machine. The caller closes it. */
export const clientOf = ({ cluster, kubeconfig }: ObjectSource, command: string): KubeClient =>
  createClient(loadKubeconfig(kubeconfig ?? administratorKubeconfig(cluster, command)));
