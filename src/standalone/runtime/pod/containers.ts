import { FairleadError } from '../../../base/errors.ts';
import type { Log } from '../../../base/log.ts';
import type { Container, Pod } from '../../../kube/types/core.ts';
import { containerId, type ContainerIdentity } from '../container/identity.ts';
import { launchContainer, type LaunchInput } from '../container/launch.ts';
import type { NodeContext } from '../context.ts';
import { ProbeSet } from '../probes/probe-set.ts';
import { adoptContainer, attemptsOf, forgetOldRuns, removeRun } from './adopt.ts';
import { refreshRun } from './container-run.ts';
import { runPostStart } from './lifecycle.ts';
import { unseen, type ObservedContainer, type Run, type Sandbox } from './observed.ts';
import type { TellEvent } from './pod-event.ts';
import { ephemeralContainers, isSidecar, nextLevel, restartPolicyOf, shouldRestart } from './restart.ts';
import { StartFailures } from './start-failures.ts';

export interface ContainersOptions {
  readonly context: NodeContext;
  readonly pod: () => Pod;
  readonly sandbox: () => Sandbox | undefined;
  /** Whether the pod is over, so that nothing is started again. */
  readonly isEnding: () => boolean;
  readonly log: Log;
  readonly signal: AbortSignal;
  readonly event: TellEvent;
  /** Something is different: decide again. */
  readonly changed: () => void;
}

/** The containers of one pod: what is known about them, how they are started, and what their records say. */
export class Containers {
  readonly #options: ContainersOptions;
  readonly #seen = new Map<string, ObservedContainer>();
  readonly #probes: ProbeSet;
  readonly #failures: StartFailures;
  /** Ids of runs whose launcher is known to be gone. */
  readonly #endedLaunchers = new Set<string>();

  constructor(options: ContainersOptions) {
    this.#options = options;
    const { context, pod, sandbox, log, event } = options;
    const change = (name: string, next: Partial<ObservedContainer>) => this.change(name, next);
    this.#probes = new ProbeSet({ context, pod, sandbox, log, event, changed: change });
    this.#failures = new StartFailures({ ...options, seen: name => this.get(name), change });
  }

  get all(): ReadonlyMap<string, ObservedContainer> {
    return this.#seen;
  }

  get(name: string): ObservedContainer {
    return this.#seen.get(name) ?? unseen;
  }

  identity(container: string, attempt: number): ContainerIdentity {
    return { podUid: this.#options.pod().metadata.uid ?? '', container, attempt };
  }

  isAlive(name: string): boolean {
    const at = this.get(name).run?.at;
    return at === 'running' || at === 'starting';
  }

  /** Takes over what an earlier runtime left; returns whether there was something. */
  adopt(): boolean {
    const { context, pod, changed } = this.#options;
    for (const container of this.#list()) {
      const adopted = adoptContainer(context, pod(), container, context.clock.now());
      if (adopted.run === undefined) continue;
      this.#seen.set(container.name, adopted);
      context.watchContainer(adopted.run.id, changed);
      if (adopted.run.at === 'running') this.#probes.start(container, adopted.run, adopted);
    }
    return this.#seen.size > 0;
  }

  /** Reads the records of all runs that have not ended. */
  refresh(): void {
    for (const container of this.#list()) this.#refresh(container);
  }

  /** What waits for an object that was missing tries again now. */
  retryConfiguration(): void {
    this.#retry(['CreateContainerConfigError']);
  }

  retryImages(): void {
    this.#retry(['ErrImagePull', 'ImagePullBackOff']);
  }

  #retry(reasons: readonly string[]): void {
    for (const [name, { waiting }] of this.#seen) {
      if (waiting === undefined || !reasons.includes(waiting.reason)) continue;
      this.change(name, { waiting: { ...waiting, retryAt: 0 } });
    }
  }

  async start(container: Container, attempt: number): Promise<void> {
    const { context, changed } = this.#options;
    const before = this.get(container.name);
    const identity = this.identity(container.name, attempt);
    const id = containerId(identity);
    const previous = before.run?.at === 'ended' ? before.run : before.previous;
    this.set(container.name, { run: { at: 'starting', attempt, id }, previous });
    try {
      await context.starts.run(async () => {
        await Promise.resolve();
        this.#launch(container, identity, id);
      });
      this.#failures.clear(container);
      this.set(container.name, { backoffLevel: nextLevel(before), waiting: undefined });
      forgetOldRuns(context, identity.podUid, container.name, attempt);
    } catch (error) {
      this.set(container.name, { run: before.run, previous: before.previous });
      this.#failures.record(container, error);
    }
    changed();
  }

  set(name: string, change: Partial<ObservedContainer>): void {
    this.#seen.set(name, { ...this.get(name), ...change });
  }

  /** A change that leads to a new decision. */
  change(name: string, change: Partial<ObservedContainer>): void {
    this.set(name, change);
    this.#options.changed();
  }

  stopProbes(): void {
    this.#probes.close();
  }

  /** Records, plans and logs of all runs. */
  removeFiles(): void {
    const { context, pod } = this.#options;
    for (const container of this.#list()) {
      for (const attempt of attemptsOf(context, pod().metadata.uid ?? '', container.name)) {
        removeRun(context, this.identity(container.name, attempt));
      }
    }
  }

  #list(): readonly Container[] {
    const pod = this.#options.pod();
    const { initContainers = [], containers } = pod.spec;
    return [...initContainers, ...containers, ...ephemeralContainers(pod)];
  }

  #launch(container: Container, identity: ContainerIdentity, id: string): void {
    const { context, pod, sandbox, event, changed } = this.#options;
    const image = this.#failures.imageOf(container);
    const at = sandbox();
    if (at === undefined) throw new Error('the sandbox is gone');
    if (identity.attempt === 0) {
      event(
        container,
        'Normal',
        'ImageMapped',
        `Image "${container.image}" is ${image.id} here: nothing was pulled`,
      );
    }
    event(container, 'Normal', 'Pulled', `Container image "${container.image}" already present on machine`);
    context.watchContainer(id, changed);
    const target = this.#targetOf(container);
    launchContainer({ context, pod: pod(), container, identity, image, sandbox: at, ...target }, () => {
      this.#endedLaunchers.add(id);
      changed();
    });
    event(container, 'Normal', 'Created', `Created container: ${container.name}`);
  }

  /** Whose processes an ephemeral container shares (core/v1 EphemeralContainer.targetContainerName). */
  #targetOf(container: Container): Pick<LaunchInput, 'beside'> {
    const all = this.#options.pod().spec.ephemeralContainers;
    const name = all?.find(each => each.name === container.name)?.targetContainerName ?? '';
    if (name === '') return {};
    const { run } = this.get(name);
    if (run?.at === 'running') return { beside: run.record.program };
    throw new FairleadError('runtime/target-container', `the target container "${name}" does not run`);
  }

  #refresh(container: Container): void {
    const { run } = this.get(container.name);
    if (run === undefined || run.at === 'ended') return;
    const { context } = this.#options;
    const identity = this.identity(container.name, run.attempt);
    const place = { files: context.files, node: context.node.name, container, identity };
    const next = refreshRun(run, place, this.#endedLaunchers.has(run.id), context.clock.now());
    if (next.at === run.at) return;
    if (next.at === 'running') this.#begun(container, next);
    else if (next.at === 'ended') this.#ended(container, next);
  }

  #begun(container: Container, run: Run & { readonly at: 'running' }): void {
    const started = container.startupProbe === undefined;
    const ready = container.readinessProbe === undefined;
    this.set(container.name, { run, started, ready, waiting: undefined });
    this.#options.event(container, 'Normal', 'Started', `Started container ${container.name}`);
    void this.#afterStart(container, run);
  }

  #ended(container: Container, run: Run & { readonly at: 'ended' }): void {
    const { context, event } = this.#options;
    this.#probes.stop(container.name);
    this.#endedLaunchers.delete(run.id);
    context.unwatchContainer(run.id);
    this.set(container.name, { run, started: false, ready: false, stopping: false, unhealthy: undefined });
    if (!run.ending.ran) event(container, 'Warning', 'Failed', `Error: ${run.ending.message}`);
    this.#announceBackOff(container, run);
  }

  #announceBackOff(container: Container, run: Run & { readonly at: 'ended' }): void {
    const { pod, isEnding, event } = this.#options;
    const { initContainers = [] } = pod().spec;
    const isInit = initContainers.some(each => each.name === container.name);
    const again =
      shouldRestart(restartPolicyOf(pod(), container, isInit), run.ending) || isSidecar(container);
    if (!again || isEnding() || this.get(container.name).backoffLevel === 0) return;
    const { name, namespace, uid } = pod().metadata;
    const message = `Back-off restarting failed container ${container.name} in pod ${name}_${namespace}(${uid})`;
    event(container, 'Warning', 'BackOff', message);
  }

  /** Probes begin when the postStart hook is done; one that fails ends the container. */
  async #afterStart(container: Container, run: Run & { readonly at: 'running' }): Promise<void> {
    const { context, pod, sandbox, event, signal } = this.#options;
    const identity = this.identity(container.name, run.attempt);
    const failure = await runPostStart(context, pod(), container, identity, run, sandbox());
    if (signal.aborted || this.get(container.name).run !== run) return;
    if (failure === undefined) {
      this.#probes.start(container, run, this.get(container.name));
      return;
    }
    event(container, 'Warning', 'FailedPostStartHook', `PostStartHook failed: ${failure}`);
    const reason = `FailedPostStartHook: ${failure}`;
    this.change(container.name, { unhealthy: { reason, graceSeconds: undefined } });
  }
}
