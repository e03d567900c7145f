import type { Clock } from '../../base/clock.ts';
import type { Log } from '../../base/log.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { EventRecorder } from '../../kube/events.ts';
import type { Pod } from '../../kube/types/core.ts';
import type { ImageMap } from '../images/index.ts';
import type { ClusterConfig, NodeConfig } from '../cluster.ts';
import type { Objects } from './container/environment.ts';
import type { RuntimeFiles } from './files.ts';
import type { Limit } from './limit.ts';
import type { PodNetwork } from './sandbox/network.ts';
import type { TokenRequest } from './volumes/payload.ts';

/** What all pods of a cluster share in this process. */
export interface RuntimeContext {
  readonly cluster: ClusterConfig;
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly log: Log;
  readonly files: RuntimeFiles;
  readonly images: ImageMap;
  readonly objects: Objects;
  /** Undefined where the API gives no tokens. */
  token(pod: Pod, request: TokenRequest): Promise<string | undefined>;
  /** Sandboxes and containers that are being made at the same time. */
  readonly starts: Limit;
  /** Sandboxes that are being removed at the same time. */
  readonly removals: Limit;
  /** Writes to the API at the same time: each needs a connection, and a hundred at once need a hundred handshakes. */
  readonly writes: Limit;
  readonly launcher: string;
  /** The Node program that built-in images run on. */
  readonly nodeProgram: string;
  readonly cgroupMount: string;
  readonly hostFileSystems: readonly string[];
  /** Of the cluster's DNS. */
  readonly dnsAddresses: readonly string[];
  /** Tells the worker of a container when its records change. */
  watchContainer(id: string, changed: () => void): void;
  unwatchContainer(id: string): void;
}

/** One node of it. */
export interface NodeContext extends RuntimeContext {
  readonly node: NodeConfig;
  readonly namespacePath: string;
  readonly network: PodNetwork;
  /** Reports as the node's kubelet. */
  readonly events: EventRecorder;
  readonly allocatable: Readonly<Record<string, string>>;
}
