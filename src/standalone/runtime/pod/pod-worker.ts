import { rmSync } from 'node:fs';
import { sentenceOf } from '../../../base/errors.ts';
import type { Log } from '../../../base/log.ts';
import { isConflict, isNotFound } from '../../../kube/client.ts';
import { PODS } from '../../../kube/resources.ts';
import type { Container, Pod } from '../../../kube/types/core.ts';
import type { ContainerIdentity } from '../container/identity.ts';
import { factsOf, volumePlaces } from '../container/launch.ts';
import type { NodeContext } from '../context.ts';
import { PluginError } from '../sandbox/plugin.ts';
import { adoptSandbox, createSandbox, removeSandbox } from '../sandbox/sandbox.ts';
import { hasChangingVolumes, setUpVolumes, unmountVolumes } from '../volumes/pod-volumes.ts';
import { Containers } from './containers.ts';
import { decide, isDeleted, mustEnd, type Action } from './decide.ts';
import type { Observed, ObservedContainer, Sandbox, Step } from './observed.ts';
import { Pauses } from './pauses.ts';
import { podStatus } from './status.ts';
import { StatusReporter } from './status-reporter.ts';
import { notEnforced, refuseWhatIsNotOffered } from './stand-in-limits.ts';
import { stopContainer } from './stop.ts';

/** How long a failed step waits, by the number of failures in a row. */
const RETRY = { first: 1000, last: 30_000 };
const LONGEST_TIMER = 2 ** 31 - 1;

/**
 * One pod on one node: asks `decide` what is next, does it, and tells the API. What it knows is in memory and can be
 * found again on disk; every change leads through `#sync`, which never waits.
 */
export class PodWorker {
  readonly context: NodeContext;
  readonly #log: Log;
  readonly #reporter: StatusReporter;
  readonly #forgotten: (isGone: boolean) => void;
  readonly #containers: Containers;
  readonly #waiters = new Set<() => void>();
  readonly #pauses = new Pauses();
  readonly #lifetime = new AbortController();
  readonly #startTime: number;
  #pod: Pod;
  #gone = false;
  #volumes: Step<undefined> = { at: 'absent' };
  #sandbox: Step<Sandbox> = { at: 'absent' };
  #removing: Observed['removing'] = 'no';
  #finishing = false;
  #scheduled = false;
  #timer: NodeJS.Timeout | undefined;

  /** `forgotten` is called once, when nothing of the pod is left here; `isGone`: the API has told so before. */
  constructor(context: NodeContext, pod: Pod, forgotten: (isGone: boolean) => void) {
    this.context = context;
    this.#pod = pod;
    this.#forgotten = forgotten;
    this.#log = context.log.scope('pod');
    this.#reporter = new StatusReporter(context, this.#lifetime.signal);
    const known = Date.parse(pod.status?.startTime ?? '');
    this.#startTime = Number.isNaN(known) ? context.clock.now() : known;
    this.#containers = new Containers({
      context,
      pod: () => this.#pod,
      sandbox: () => this.sandbox,
      isEnding: () => mustEnd(this.#pod, this.#observed(), context.clock.now()),
      log: this.#log,
      signal: this.#lifetime.signal,
      event: (_container, type, reason, message) => this.#event(type, reason, message),
      changed: () => this.poke(),
    });
    if (this.#containers.adopt()) {
      const sandbox = adoptSandbox(context, pod);
      if (sandbox !== undefined) this.#sandbox = { at: 'done', value: sandbox };
    }
    this.poke();
  }

  get pod(): Pod {
    return this.#pod;
  }

  get sandbox(): Sandbox | undefined {
    return this.#sandbox.at === 'done' ? this.#sandbox.value : undefined;
  }

  container(name: string): ObservedContainer {
    return this.#containers.get(name);
  }

  identity(container: string, attempt: number): ContainerIdentity {
    return this.#containers.identity(container, attempt);
  }

  update(pod: Pod): void {
    const facts = (each: Pod) => JSON.stringify([each.metadata.labels, each.metadata.annotations]);
    const isChanged = facts(this.#pod) !== facts(pod);
    this.#pod = pod;
    if (isChanged && this.#volumes.at === 'done') this.refreshVolumes();
    this.poke();
  }

  /** The API has no such pod any more. */
  removed(): void {
    this.#gone = true;
    this.poke();
  }

  /** A ConfigMap or Secret of the pod's namespace changed: what waits for it tries again, and volumes follow. */
  refreshVolumes(): void {
    if (this.#volumes.at === 'failed') this.#volumes = { at: 'absent' };
    this.#containers.retryConfiguration();
    if (
      this.#volumes.at === 'done' &&
      hasChangingVolumes(this.#pod) &&
      !isDeleted(this.#pod, this.#observed())
    ) {
      this.#mountVolumes().catch((error: unknown) => {
        this.#log.warn(
          { pod: this.#pod.metadata.name, error: sentenceOf(error) },
          'Volumes could not be refreshed.',
        );
      });
    }
    this.poke();
  }

  /** The image map changed. */
  retryImages(): void {
    this.#containers.retryImages();
    this.poke();
  }

  /** Looks again at what there is, soon; many calls are one look. */
  poke(): void {
    if (this.#scheduled || this.#lifetime.signal.aborted) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      if (this.#lifetime.signal.aborted) return;
      try {
        this.#sync();
      } catch (error) {
        // A record or a directory that cannot be read: the next look may find it whole.
        this.#log.error(
          { pod: this.#pod.metadata.name, error: sentenceOf(error) },
          'The pod could not be looked at.',
        );
        this.#wakeIn(RETRY.first);
      }
    });
  }

  /** Ends this object, not the pod: its processes run on. */
  detach(): void {
    this.#lifetime.abort(new Error('the runtime stops'));
    this.#containers.stopProbes();
    clearTimeout(this.#timer);
  }

  /** Resolves when the container does not run any more, or at the deadline, which is asked for again on every change. */
  async untilEnded(container: string, deadline: () => number): Promise<void> {
    const { clock } = this.context;
    while (this.#containers.isAlive(container) && !this.#lifetime.signal.aborted) {
      const left = deadline() - clock.now();
      if (left <= 0) return;
      const changed = Promise.withResolvers<void>();
      this.#waiters.add(changed.resolve);
      const cancel = new AbortController();
      await Promise.race([changed.promise, clock.sleep(left, cancel.signal).catch(() => undefined)]); // cancelled below
      cancel.abort();
      this.#waiters.delete(changed.resolve);
    }
  }

  get #uid(): string {
    return this.#pod.metadata.uid ?? '';
  }

  #observed(): Observed {
    return {
      volumes: this.#volumes,
      sandbox: this.#sandbox,
      removing: this.#removing,
      containers: this.#containers.all,
      gone: this.#gone,
      startTime: this.#startTime,
    };
  }

  #sync(): void {
    this.#containers.refresh();
    for (const wake of this.#waiters) wake();
    const now = this.context.clock.now();
    const decision = decide(this.#pod, this.#observed(), now);
    for (const action of decision.actions) this.#begin(action);
    clearTimeout(this.#timer);
    if (decision.wakeAt !== undefined) this.#wakeIn(decision.wakeAt - now);
    this.#report();
  }

  #wakeIn(milliseconds: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.poke(), Math.min(Math.max(milliseconds, 1), LONGEST_TIMER));
  }

  #report(): void {
    if (this.#gone || this.#finishing) return;
    const { images, node, clock } = this.context;
    const imageIdOf = (container: Container) => {
      const resolved = images.resolve(container.image ?? '');
      return resolved.kind === 'mapped' ? resolved.image.id : '';
    };
    const observed = this.#observed();
    const hostAddresses = node.addresses;
    this.#reporter.report(
      this.#pod,
      podStatus({ pod: this.#pod, observed, hostAddresses, imageIdOf, now: clock.now() }),
    );
  }

  #begin(action: Action): void {
    switch (action.do) {
      case 'mount-volumes':
        this.#volumes = { at: 'doing' };
        void this.#step(
          'FailedMount',
          () => this.#mountVolumes(),
          step => (this.#volumes = step),
        );
        return;
      case 'create-sandbox':
        this.#sandbox = { at: 'doing' };
        void this.#step(
          'FailedCreatePodSandBox',
          () => this.context.starts.run(() => this.#createSandbox()),
          step => (this.#sandbox = step),
        );
        return;
      case 'start':
        void this.#containers.start(action.container, action.attempt);
        return;
      case 'stop':
        this.#containers.set(action.container.name, { stopping: true });
        void this.#stop(action.container, action.reason);
        return;
      case 'remove-sandbox':
        this.#removing = 'doing';
        void this.#removeSandbox();
        return;
      case 'finish':
        if (!this.#finishing) void this.#finish();
        return;
    }
  }

  /** Runs a step that is repeated, with a growing pause, until it succeeds. */
  async #step<T>(reason: string, work: () => Promise<T>, set: (step: Step<T>) => void): Promise<void> {
    try {
      const value = await work();
      this.#pauses.succeeded(reason);
      set({ at: 'done', value });
    } catch (error) {
      const retryAt = this.context.clock.now() + this.#pauses.next(reason, RETRY);
      set({ at: 'failed', reason, message: sentenceOf(error), retryAt });
      if (!isDeleted(this.#pod, this.#observed())) this.#event('Warning', reason, describe(reason, error));
    }
    this.poke();
  }

  async #createSandbox(): Promise<Sandbox> {
    refuseWhatIsNotOffered(this.#pod);
    const sandbox = await createSandbox(this.context, this.#pod);
    const missing = notEnforced(this.#pod);
    if (missing.length > 0)
      this.#event('Warning', 'NotEnforced', `This cluster is a stand-in: ${missing.join('; ')}.`);
    return sandbox;
  }

  async #mountVolumes(): Promise<undefined> {
    const { objects } = this.context;
    await setUpVolumes(this.#pod, volumePlaces(this.context, this.#uid), {
      facts: factsOf(this.context, this.#pod, this.sandbox?.addresses ?? []),
      objects,
      token: request => this.context.token(this.#pod, request),
    });
    return undefined;
  }

  async #stop(container: Container, reason: string): Promise<void> {
    const { run, unhealthy } = this.container(container.name);
    if (run?.at !== 'running') return;
    this.#event('Normal', 'Killing', reason);
    try {
      await stopContainer(this, container, run, unhealthy, () => this.#gone);
    } catch (error) {
      this.#log.error(
        { pod: this.#pod.metadata.name, error: sentenceOf(error) },
        'A container could not be stopped.',
      );
      await this.#pause('stop');
      this.#containers.set(container.name, { stopping: false });
    }
    this.poke();
  }

  async #removeSandbox(): Promise<void> {
    this.#containers.stopProbes();
    try {
      await this.context.removals.run(() => removeSandbox(this.context, this.#uid));
      this.#sandbox = { at: 'absent' };
      this.#removing = 'done';
    } catch (error) {
      this.#event('Warning', 'FailedKillPod', `error killing pod: ${sentenceOf(error)}`);
      await this.#pause('remove');
      this.#removing = 'no';
    }
    this.poke();
  }

  /** Nothing runs any more: the API may forget the pod (grace period 0), and so do we. */
  async #finish(): Promise<void> {
    this.#finishing = true;
    if (!this.#gone && !(await this.#deleteFromApi())) {
      await this.#pause('finish');
      this.#finishing = false;
      this.poke();
      return;
    }
    // With finalizers it stays in the API until others have done their part; here it is gone all the same.
    this.#containers.removeFiles();
    const directory = this.context.files.pod(this.context.node.name, this.#uid);
    unmountVolumes(directory);
    rmSync(directory, { recursive: true, force: true });
    this.detach();
    this.#forgotten(this.#gone);
  }

  async #deleteFromApi(): Promise<boolean> {
    const { namespace = '', name } = this.#pod.metadata;
    const options = { gracePeriodSeconds: 0, preconditions: { uid: this.#uid } };
    await this.#reporter.flushed();
    try {
      await this.context.writes.run(() => this.context.client.delete(PODS, { namespace, name }, options));
      return true;
    } catch (error) {
      if (isNotFound(error) || isConflict(error)) return true;
      this.#log.warn(
        { pod: name, error: sentenceOf(error) },
        'The end of a pod could not be told; it is tried again.',
      );
      return false;
    }
  }

  async #pause(what: string): Promise<void> {
    const milliseconds = this.#pauses.next(what, RETRY);
    await this.context.clock.sleep(milliseconds, this.#lifetime.signal).catch(() => undefined); // the runtime stops
  }

  #event(type: 'Normal' | 'Warning', reason: string, message: string): void {
    this.context.events.record(this.#pod, { type, reason, note: message });
  }
}

function describe(reason: string, error: unknown): string {
  if (reason !== 'FailedCreatePodSandBox') return sentenceOf(error);
  const code =
    error instanceof PluginError && error.pluginCode !== 0 ? ` (CNI code ${error.pluginCode})` : '';
  return `Failed to create pod sandbox: ${sentenceOf(error)}${code}`;
}
