import { rmSync } from 'node:fs';
import { sentenceOf } from '../../../base/errors.ts';
import type { Log } from '../../../base/log.ts';
import { isConflict, isNotFound } from '../../../kube/client.ts';
import { PODS } from '../../../kube/resources.ts';
import type { Container, Pod } from '../../../kube/types/core.ts';
import { containerId, type ContainerIdentity } from '../container/identity.ts';
import { factsOf, launchContainer } from '../container/launch.ts';
import type { NodeContext } from '../context.ts';
import { ProbeSet } from '../probes/probe-set.ts';
import { adoptSandbox, createSandbox, removeSandbox } from '../sandbox/sandbox.ts';
import { PluginError } from '../sandbox/plugin.ts';
import { hasChangingVolumes, setUpVolumes } from '../volumes/pod-volumes.ts';
import { adoptContainer, attemptsOf, forgetOldRuns, removeRun } from './adopt.ts';
import { refreshRun } from './container-run.ts';
import { decide, isDeleted, type Action } from './decide.ts';
import { runPostStart } from './lifecycle.ts';
import { containerIn, unseen, type Observed, type ObservedContainer, type Sandbox, type Step } from './observed.ts';
import { nextLevel } from './restart.ts';
import { podStatus } from './status.ts';
import { StatusReporter } from './status-reporter.ts';
import { stopContainer } from './stop.ts';

/** How long a failed step waits, by the number of failures in a row. */
const RETRY_FIRST = 1000;
const RETRY_LAST = 30_000;
const IMAGE_RETRY_FIRST = 10_000;
const IMAGE_RETRY_LAST = 300_000;
/** ErrImagePull is shown for as long, then ImagePullBackOff. */
const PULL_ERROR_SHOWN = 2000;

/**
 * One pod on one node: asks `decide` what is next, does it, and tells the API. What it knows is in memory and can be
 * found again on disk; every change leads through `#sync`, which never waits.
 */
export class PodWorker {
  readonly #context: NodeContext;
  readonly #log: Log;
  readonly #reporter: StatusReporter;
  readonly #forgotten: (isGone: boolean) => void;
  readonly #containers = new Map<string, ObservedContainer>();
  readonly #probes: ProbeSet;
  readonly #endedLaunchers = new Set<string>();
  readonly #waiters = new Set<() => void>();
  readonly #failures = new Map<string, number>();
  readonly #lifetime = new AbortController();
  #pod: Pod;
  #gone = false;
  #volumes: Step<undefined> = { at: 'absent' };
  #sandbox: Step<Sandbox> = { at: 'absent' };
  #removing: Observed['removing'] = 'no';
  #finishing = false;
  #startTime: number;
  #scheduled = false;
  #timer: NodeJS.Timeout | undefined;

  /** `forgotten` is called once, when nothing of the pod is left here; `isGone`: the API has told so before. */
  constructor(context: NodeContext, pod: Pod, forgotten: (isGone: boolean) => void) {
    this.#context = context;
    this.#pod = pod;
    this.#forgotten = forgotten;
    const { namespace, name } = pod.metadata;
    this.#log = context.log.scope('pod');
    this.#reporter = new StatusReporter(context, this.#lifetime.signal);
    const known = Date.parse(pod.status?.startTime ?? '');
    this.#startTime = Number.isNaN(known) ? context.clock.now() : known;
    this.#probes = new ProbeSet({
      context,
      pod: () => this.#pod,
      sandbox: () => (this.#sandbox.at === 'done' ? this.#sandbox.value : undefined),
      log: this.#log,
      changed: (container, change) => this.#change(container, change),
      event: (container, type, reason, message) => this.#event(container, type, reason, message),
    });
    this.#log.debug({ pod: `${namespace}/${name}`, node: context.node.name }, 'The pod is on this node.');
    this.#adopt();
    this.#schedule();
  }

  get pod(): Pod {
    return this.#pod;
  }

  get context(): NodeContext {
    return this.#context;
  }

  get sandbox(): Sandbox | undefined {
    return this.#sandbox.at === 'done' ? this.#sandbox.value : undefined;
  }

  container(name: string): ObservedContainer {
    return this.#containers.get(name) ?? unseen;
  }

  identity(container: string, attempt: number): ContainerIdentity {
    return { podUid: this.#uid, container, attempt };
  }

  update(pod: Pod): void {
    const before = this.#pod;
    this.#pod = pod;
    const labels = (each: Pod) => JSON.stringify([each.metadata.labels, each.metadata.annotations]);
    if (this.#volumes.at === 'done' && labels(before) !== labels(pod)) this.refreshVolumes();
    this.#schedule();
  }

  /** The API has no such pod any more. */
  removed(): void {
    this.#gone = true;
    this.#schedule();
  }

  /** A ConfigMap or Secret of the pod's namespace changed: what waits for it tries again, and volumes follow. */
  refreshVolumes(): void {
    if (this.#volumes.at === 'failed') this.#volumes = { at: 'absent' };
    for (const [name, container] of this.#containers) {
      const { waiting } = container;
      if (waiting?.reason === 'CreateContainerConfigError') this.#change(name, { waiting: { ...waiting, retryAt: 0 } });
    }
    if (this.#volumes.at === 'done' && hasChangingVolumes(this.#pod) && !isDeleted(this.#pod, this.#observed())) {
      this.#mountVolumes().catch((error: unknown) => {
        this.#log.warn({ pod: this.#pod.metadata.name, error: sentenceOf(error) }, 'Volumes could not be refreshed.');
      });
    }
    this.#schedule();
  }

  /** Looks at the records again. */
  poke(): void {
    this.#schedule();
  }

  /** Ends this object, not the pod: its processes run on. */
  detach(): void {
    this.#lifetime.abort(new Error('the runtime stops'));
    this.#probes.close();
    clearTimeout(this.#timer);
  }

  /** Resolves when the container does not run any more, or at the deadline, which is asked for again on every change. */
  async untilEnded(container: string, deadline: () => number): Promise<void> {
    const isAlive = () => {
      const at = containerIn(this.#observed(), container).run?.at;
      return at === 'running' || at === 'starting';
    };
    while (isAlive() && !this.#lifetime.signal.aborted) {
      const left = deadline() - this.#context.clock.now();
      if (left <= 0) return;
      const changed = Promise.withResolvers<void>();
      this.#waiters.add(changed.resolve);
      const cancel = new AbortController();
      await Promise.race([
        changed.promise,
        this.#context.clock.sleep(left, cancel.signal).catch(() => undefined), // cancelled below
      ]);
      cancel.abort();
      this.#waiters.delete(changed.resolve);
    }
  }

  get #uid(): string {
    return this.#pod.metadata.uid ?? '';
  }

  get #all(): readonly Container[] {
    return [...(this.#pod.spec.initContainers ?? []), ...this.#pod.spec.containers];
  }

  #observed(): Observed {
    return {
      volumes: this.#volumes,
      sandbox: this.#sandbox,
      removing: this.#removing,
      containers: this.#containers,
      gone: this.#gone,
      startTime: this.#startTime,
    };
  }

  #adopt(): void {
    const now = this.#context.clock.now();
    for (const container of this.#all) {
      const adopted = adoptContainer(this.#context, this.#pod, container, now);
      if (adopted.run === undefined) continue;
      this.#containers.set(container.name, adopted);
      this.#context.watchContainer(adopted.run.id, () => this.#schedule());
      if (adopted.run.at === 'running') this.#probes.start(container, adopted.run, adopted);
    }
    if (this.#containers.size === 0) return;
    const sandbox = adoptSandbox(this.#context, this.#pod);
    if (sandbox !== undefined) this.#sandbox = { at: 'done', value: sandbox };
  }

  #schedule(): void {
    if (this.#scheduled || this.#lifetime.signal.aborted) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      if (this.#lifetime.signal.aborted) return;
      try {
        this.#sync();
      } catch (error) {
        // A record or a directory that cannot be read: the next look may find it whole.
        this.#log.error({ pod: this.#pod.metadata.name, error: sentenceOf(error) }, 'The pod could not be looked at.');
        this.#timer = setTimeout(() => this.#schedule(), RETRY_FIRST);
      }
    });
  }

  #sync(): void {
    const { clock } = this.#context;
    for (const container of this.#all) this.#refresh(container);
    for (const wake of this.#waiters) wake();
    const decision = decide(this.#pod, this.#observed(), clock.now());
    for (const action of decision.actions) this.#begin(action);
    clearTimeout(this.#timer);
    if (decision.wakeAt !== undefined) {
      const wait = Math.min(Math.max(decision.wakeAt - clock.now(), 1), 2 ** 31 - 1);
      this.#timer = setTimeout(() => this.#schedule(), wait);
    }
    this.#report();
  }

  #report(): void {
    if (this.#gone || this.#finishing) return;
    const { images, node, clock } = this.#context;
    const status = podStatus({
      pod: this.#pod,
      observed: this.#observed(),
      hostAddresses: node.addresses,
      imageIdOf: container => {
        const resolved = images.resolve(container.image ?? '');
        return resolved.kind === 'mapped' ? resolved.image.id : '';
      },
      now: clock.now(),
    });
    this.#reporter.report(this.#pod, status);
  }

  #refresh(container: Container): void {
    const seen = this.container(container.name);
    if (seen.run === undefined || seen.run.at === 'ended') return;
    const identity = this.identity(container.name, seen.run.attempt);
    const place = { files: this.#context.files, node: this.#context.node.name, container, identity };
    const run = refreshRun(seen.run, place, this.#endedLaunchers.has(seen.run.id), this.#context.clock.now());
    if (run.at === seen.run.at) return;
    if (run.at === 'running') {
      const started = container.startupProbe === undefined;
      const ready = container.readinessProbe === undefined;
      this.#set(container.name, { run, started, ready, waiting: undefined });
      this.#event(container, 'Normal', 'Started', `Started container ${container.name}`);
      void this.#afterStart(container, run);
    } else if (run.at === 'ended') {
      this.#probes.stop(container.name);
      this.#endedLaunchers.delete(run.id);
      this.#context.unwatchContainer(run.id);
      this.#set(container.name, { run, started: false, ready: false, stopping: false, unhealthy: undefined });
      if (!run.ending.ran) this.#event(container, 'Warning', 'Failed', `Error: ${run.ending.message}`);
      this.#announceBackOff(container);
    }
  }

  #announceBackOff(container: Container): void {
    const level = this.container(container.name).backoffLevel;
    if (level === 0 || decide(this.#pod, this.#observed(), this.#context.clock.now()).wakeAt === undefined) return;
    const { name, namespace, uid } = this.#pod.metadata;
    const message = `Back-off restarting failed container ${container.name} in pod ${name}_${namespace}(${uid})`;
    this.#event(container, 'Warning', 'BackOff', message);
  }

  async #afterStart(container: Container, run: ObservedContainer['run'] & { readonly at: 'running' }): Promise<void> {
    const failure = await runPostStart(this.#context, this.#pod, container, this.identity(container.name, run.attempt), run, this.sandbox);
    if (this.#lifetime.signal.aborted || this.container(container.name).run !== run) return;
    if (failure === undefined) {
      this.#probes.start(container, run, this.container(container.name));
      return;
    }
    this.#event(container, 'Warning', 'FailedPostStartHook', `PostStartHook failed: ${failure}`);
    this.#change(container.name, { unhealthy: `FailedPostStartHook: ${failure}` });
  }

  #begin(action: Action): void {
    switch (action.do) {
      case 'mount-volumes':
        this.#volumes = { at: 'doing' };
        void this.#step('FailedMount', () => this.#mountVolumes(), step => (this.#volumes = step));
        return;
      case 'create-sandbox':
        this.#sandbox = { at: 'doing' };
        void this.#step(
          'FailedCreatePodSandBox',
          () => this.#context.starts.run(() => createSandbox(this.#context, this.#pod)),
          step => (this.#sandbox = step),
        );
        return;
      case 'start':
        void this.#start(action.container, action.attempt);
        return;
      case 'stop':
        this.#set(action.container.name, { stopping: true });
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
      this.#failures.delete(reason);
      set({ at: 'done', value });
    } catch (error) {
      const message = sentenceOf(error);
      const retryAt = this.#context.clock.now() + this.#nextPause(reason, RETRY_FIRST, RETRY_LAST);
      set({ at: 'failed', reason, message, retryAt });
      if (!isDeleted(this.#pod, this.#observed())) this.#event(undefined, 'Warning', reason, describe(reason, error));
    }
    this.#schedule();
  }

  async #mountVolumes(): Promise<undefined> {
    const directory = this.#context.files.pod(this.#context.node.name, this.#uid);
    await setUpVolumes(this.#pod, directory, {
      facts: factsOf(this.#context, this.#pod, this.sandbox?.addresses ?? []),
      objects: this.#context.objects,
      token: request => this.#context.token(this.#pod, request),
    });
    return undefined;
  }

  async #start(container: Container, attempt: number): Promise<void> {
    const before = this.container(container.name);
    const identity = this.identity(container.name, attempt);
    const id = containerId(identity);
    const previous = before.run?.at === 'ended' ? before.run : before.previous;
    this.#set(container.name, { run: { at: 'starting', attempt, id }, previous });
    try {
      await this.#context.starts.run(async () => {
        await Promise.resolve();
        this.#launch(container, identity, id);
      });
      this.#failures.delete(`start ${container.name}`);
      this.#set(container.name, { backoffLevel: nextLevel(before), waiting: undefined });
      forgetOldRuns(this.#context, this.#uid, container.name, attempt);
    } catch (error) {
      this.#set(container.name, { run: before.run, previous: before.previous });
      this.#startFailed(container, error);
    }
    this.#schedule();
  }

  #launch(container: Container, identity: ContainerIdentity, id: string): void {
    const resolved = this.#context.images.resolve(container.image ?? '');
    if (resolved.kind === 'refused') throw new ImageRefused(resolved.reason, resolved.message);
    if (this.#sandbox.at !== 'done') throw new Error('the sandbox is gone');
    if (identity.attempt === 0) {
      const message = `Image "${container.image}" is ${resolved.image.id} here: nothing was pulled`;
      this.#event(container, 'Normal', 'ImageMapped', message);
    }
    this.#event(container, 'Normal', 'Pulled', `Container image "${container.image}" already present on machine`);
    const input = { context: this.#context, pod: this.#pod, container, identity, image: resolved.image };
    this.#context.watchContainer(id, () => this.#schedule());
    launchContainer({ ...input, sandbox: this.#sandbox.value }, () => {
      this.#endedLaunchers.add(id);
      this.#schedule();
    });
    this.#event(container, 'Normal', 'Created', `Created container: ${container.name}`);
  }

  #startFailed(container: Container, error: unknown): void {
    const now = this.#context.clock.now();
    const message = sentenceOf(error);
    const isImage = error instanceof ImageRefused;
    const [first, last] = isImage ? [IMAGE_RETRY_FIRST, IMAGE_RETRY_LAST] : [RETRY_FIRST, RETRY_LAST];
    const retryAt = now + this.#nextPause(`start ${container.name}`, first, last);
    const reason = isImage ? error.reason : 'CreateContainerConfigError';
    this.#set(container.name, { waiting: { reason, message, retryAt } });
    if (isImage) this.#event(container, 'Warning', 'Failed', `Failed to pull image "${container.image}": ${message}`);
    this.#event(container, 'Warning', 'Failed', isImage ? `Error: ${reason}` : `Error: ${message}`);
    if (!isImage || reason !== 'ErrImagePull') return;
    const showBackOff = () => {
      if (this.container(container.name).waiting?.retryAt !== retryAt) return;
      const backOff = `Back-off pulling image "${container.image}": ${reason}: ${message}`;
      this.#change(container.name, { waiting: { reason: 'ImagePullBackOff', message: backOff, retryAt } });
      this.#event(container, 'Normal', 'BackOff', `Back-off pulling image "${container.image}"`);
    };
    void this.#context.clock.sleep(PULL_ERROR_SHOWN, this.#lifetime.signal).then(showBackOff, () => undefined);
  }

  async #stop(container: Container, reason: string): Promise<void> {
    const seen = this.container(container.name);
    if (seen.run?.at !== 'running') return;
    this.#event(container, 'Normal', 'Killing', reason);
    try {
      await stopContainer(this, container, seen.run, seen.unhealthy !== undefined, () => this.#gone);
    } catch (error) {
      this.#log.error({ pod: this.#pod.metadata.name, error: sentenceOf(error) }, 'A container could not be stopped.');
      this.#set(container.name, { stopping: false });
    }
    this.#schedule();
  }

  async #removeSandbox(): Promise<void> {
    this.#probes.close();
    try {
      await this.#context.removals.run(() => removeSandbox(this.#context, this.#uid));
      this.#sandbox = { at: 'absent' };
      this.#removing = 'done';
    } catch (error) {
      this.#event(undefined, 'Warning', 'FailedKillPod', `error killing pod: ${sentenceOf(error)}`);
      await this.#context.clock
        .sleep(this.#nextPause('remove', RETRY_FIRST, RETRY_LAST), this.#lifetime.signal)
        .catch(() => undefined); // the runtime stops
      this.#removing = 'no';
    }
    this.#schedule();
  }

  /** Nothing runs any more: the API may forget the pod (grace period 0), and so do we. */
  async #finish(): Promise<void> {
    const { namespace = '', name } = this.#pod.metadata;
    if (!this.#gone) {
      await this.#reporter.flushed();
      this.#finishing = true;
      try {
        const options = { gracePeriodSeconds: 0, preconditions: { uid: this.#uid } };
        await this.#context.writes.run(() => this.#context.client.delete(PODS, { namespace, name }, options));
      } catch (error) {
        if (!isNotFound(error) && !isConflict(error)) {
          this.#finishing = false;
          this.#timer = setTimeout(() => this.#schedule(), this.#nextPause('finish', RETRY_FIRST, RETRY_LAST));
          return;
        }
      }
      // With finalizers it stays in the API until others have done their part; here it is gone all the same.
    }
    this.#finishing = true;
    for (const container of this.#all) {
      for (const attempt of attemptsOf(this.#context, this.#uid, container.name)) {
        removeRun(this.#context, this.identity(container.name, attempt));
      }
    }
    rmSync(this.#context.files.pod(this.#context.node.name, this.#uid), { recursive: true, force: true });
    this.detach();
    this.#forgotten(this.#gone);
  }

  /** A change from outside of `#sync`. */
  #change(name: string, change: Partial<ObservedContainer>): void {
    this.#set(name, change);
    this.#schedule();
  }

  #set(name: string, change: Partial<ObservedContainer>): void {
    this.#containers.set(name, { ...this.container(name), ...change });
  }

  #nextPause(what: string, first: number, last: number): number {
    const failures = this.#failures.get(what) ?? 0;
    this.#failures.set(what, failures + 1);
    return Math.min(last, first * 2 ** Math.min(failures, 10));
  }

  #event(_container: Container | undefined, type: 'Normal' | 'Warning', reason: string, message: string): void {
    this.#context.events.record(this.#pod, { type, reason, note: message });
  }
}

/** The image means nothing here. */
class ImageRefused extends Error {
  readonly reason: 'InvalidImageName' | 'ErrImagePull';

  constructor(reason: 'InvalidImageName' | 'ErrImagePull', message: string) {
    super(message);
    this.reason = reason;
  }
}

function describe(reason: string, error: unknown): string {
  if (reason !== 'FailedCreatePodSandBox') return sentenceOf(error);
  const code = error instanceof PluginError && error.pluginCode !== 0 ? ` (CNI code ${error.pluginCode})` : '';
  return `Failed to create pod sandbox: ${sentenceOf(error)}${code}`;
}
