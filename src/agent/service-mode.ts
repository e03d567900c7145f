import { existsSync } from 'node:fs';
import { sentenceOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { createCgroup } from '../kernel/cgroup/index.ts';
import { bpf, cgroups } from '../kernel/contract.ts';
import type { KernelWorker } from '../kernel/worker/index.ts';
import type { Node } from '../kube/types/node.ts';
import { SERVICE_MODE, SocketTranslation, decideMode, modeProbes, wishOf } from '../services/index.ts';
import type { ModeDecision, ServiceModeWish } from '../services/index.ts';

export interface ServiceModeOptions {
  readonly cluster: string;
  readonly node: string;
  readonly worker: KernelWorker;
  /** The compiled hooks. */
  readonly file: string;
  readonly option: ServiceModeWish;
  /** The control group of the node's pods, where it is not a standalone cluster's. */
  readonly podsCgroup?: string;
  readonly log: Log;
}

export interface ServiceModeStatus extends ModeDecision {
  /** Front ends that pods' sockets are led by. */
  readonly socketFrontends: number;
  /** Those that there was no room for: nftables translates them. */
  readonly withoutRoom: number;
  /** Sockets that were translated before are still open: the hooks that answer them stay. */
  readonly draining: boolean;
}

/** Which of the two modes the node's Services are in, and why; brought into the kernel by `settle`. */
export class ServiceModeSwitch {
  readonly translation: SocketTranslation;
  readonly #options: ServiceModeOptions;
  #decision: ModeDecision = { mode: 'nftables', reason: 'it is not decided yet' };
  #refused: string | undefined;

  constructor(options: ServiceModeOptions) {
    const { cluster, file, node, podsCgroup, worker } = options;
    this.#options = options;
    this.translation = new SocketTranslation({
      kernel: worker,
      file,
      pins: bpf.services(cluster, node),
      cgroup: podsCgroup ?? cgroups.pods(cluster, node),
    });
  }

  /** What of a Node it depends on. */
  static partOf(node: Node | undefined): string | undefined {
    return node?.metadata.annotations?.[SERVICE_MODE];
  }

  /** Follows the Node; returns whether everything has to be told anew. What cannot be done is tried again the next time. */
  async settle(node: Node | undefined): Promise<boolean> {
    const { option, worker } = this.#options;
    const wish = wishOf(ServiceModeSwitch.partOf(node), option);
    if (wish.refused !== this.#refused && wish.refused !== undefined)
      this.#options.log.warn({ annotation: SERVICE_MODE }, wish.refused);
    this.#refused = wish.refused;
    const probes = wish.wish === 'nftables' ? [] : await worker.probe(modeProbes);
    const wanted = decideMode(wish, probes);
    const before = this.translation.state;
    const decision = wanted.mode === 'ebpf' ? await this.#start(wanted) : wanted;
    if (decision.mode === 'nftables') await this.#stop();
    if (decision.mode !== this.#decision.mode || decision.reason !== this.#decision.reason)
      this.#options.log.info({ ...decision }, 'the mode of Services is decided');
    this.#decision = decision;
    return this.translation.state !== before;
  }

  /** The hooks were given up; `settle` tries again. */
  failed(error: unknown): void {
    const reason = `the hooks at sockets failed: ${sentenceOf(error)}`;
    this.#options.log.error({ reason }, 'nftables translates all Services');
    this.#decision = { mode: 'nftables', reason };
  }

  status(): ServiceModeStatus {
    const { frontends, left } = this.translation.counts();
    return {
      ...this.#decision,
      socketFrontends: frontends,
      withoutRoom: left,
      draining: this.translation.state === 'draining',
    };
  }

  async #start(wanted: ModeDecision): Promise<ModeDecision> {
    if (this.translation.state === 'on' && this.translation.isInPlace()) return wanted;
    const { cluster, log, node, podsCgroup } = this.#options;
    try {
      // The first pod would make it; another cluster's is there before any agent.
      if (podsCgroup === undefined) createCgroup(cgroups.pods(cluster, node));
      await this.translation.start();
      return wanted;
    } catch (error) {
      const reason = sentenceOf(error);
      log.error({ reason }, 'Services cannot be translated at sockets; nftables translates all of them');
      return { mode: 'nftables', reason: `the kernel did not take the hooks: ${reason}` };
    }
  }

  /** An agent before this one may have been in the other mode. */
  async #stop(): Promise<void> {
    const { cluster, log, node } = this.#options;
    if (this.translation.state === 'off' && !existsSync(bpf.services(cluster, node))) return;
    try {
      await this.translation.stop();
    } catch (error) {
      log.error({ reason: sentenceOf(error) }, 'the hooks at sockets cannot be taken away');
    }
  }
}
