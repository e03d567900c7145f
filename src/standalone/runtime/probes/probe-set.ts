import { sentenceOf } from '../../../base/errors.ts';
import type { Log } from '../../../base/log.ts';
import type { Container, Pod, Probe } from '../../../kube/types/core.ts';
import type { NodeContext } from '../context.ts';
import type { ObservedContainer, Run, Sandbox } from '../pod/observed.ts';
import { runHandler } from './handler.ts';
import { runProber } from './prober.ts';

export interface ProbeSetOptions {
  readonly context: NodeContext;
  readonly pod: () => Pod;
  readonly sandbox: () => Sandbox | undefined;
  readonly log: Log;
  readonly changed: (container: string, change: Partial<ObservedContainer>) => void;
  readonly event: (container: Container, type: 'Normal' | 'Warning', reason: string, message: string) => void;
}

type Kind = 'Startup' | 'Liveness' | 'Readiness';

/** The probes of one pod's running containers: until the startup probe succeeds, the others wait. */
export class ProbeSet {
  readonly #options: ProbeSetOptions;
  readonly #running = new Map<string, AbortController>();

  constructor(options: ProbeSetOptions) {
    this.#options = options;
  }

  start(container: Container, run: Run & { readonly at: 'running' }, seen: ObservedContainer): void {
    this.stop(container.name);
    if (container.startupProbe === undefined || seen.started) {
      this.#startLater(container, run, seen.ready);
      if (!seen.started) this.#options.changed(container.name, { started: true });
      return;
    }
    const probe = container.startupProbe;
    this.#run('Startup', probe, container, run, true, ok => {
      if (!ok) {
        this.#unhealthy('startup', container, probe);
        return;
      }
      this.stop(container.name);
      this.#options.changed(container.name, { started: true });
      this.#startLater(container, run, false);
    });
  }

  stop(container: string): void {
    this.#running.get(container)?.abort(new Error('the container ended'));
    this.#running.delete(container);
  }

  close(): void {
    for (const container of this.#running.keys()) this.stop(container);
  }

  #startLater(container: Container, run: Run & { readonly at: 'running' }, isReady: boolean): void {
    const { livenessProbe, readinessProbe } = container;
    if (livenessProbe !== undefined) {
      this.#run('Liveness', livenessProbe, container, run, false, ok => {
        if (!ok) this.#unhealthy('liveness', container, livenessProbe);
      });
    }
    if (readinessProbe === undefined) {
      if (!isReady) this.#options.changed(container.name, { ready: true });
      return;
    }
    let ready: boolean | undefined;
    this.#run('Readiness', readinessProbe, container, run, !isReady, ok => {
      if (ok !== ready) this.#options.changed(container.name, { ready: ok });
      ready = ok;
    });
  }

  #unhealthy(kind: string, container: Container, probe: Probe): void {
    this.stop(container.name);
    const reason = `Container ${container.name} failed ${kind} probe, will be restarted`;
    const graceSeconds = probe.terminationGracePeriodSeconds;
    this.#options.changed(container.name, { unhealthy: { reason, graceSeconds } });
  }

  #run(
    kind: Kind,
    probe: Probe,
    container: Container,
    run: Run & { readonly at: 'running' },
    eager: boolean,
    verdict: (ok: boolean) => void,
  ): void {
    const { context, pod, sandbox, log, event } = this.#options;
    const controller = this.#running.get(container.name) ?? new AbortController();
    this.#running.set(container.name, controller);
    const identity = { podUid: pod().metadata.uid ?? '', container: container.name, attempt: run.attempt };
    const work = runProber({
      probe,
      clock: context.clock,
      signal: controller.signal,
      startedAt: Date.parse(run.record.startedAt),
      eager,
      check: timeout => {
        const at = sandbox();
        if (at === undefined) return Promise.resolve({ ok: false, message: 'the pod has no network' });
        return runHandler(probe, { context, pod: pod(), container, identity, run, sandbox: at }, timeout);
      },
      failed: message => {
        if (!controller.signal.aborted)
          event(container, 'Warning', 'Unhealthy', `${kind} probe failed: ${message}`);
      },
      verdict: ok => {
        if (!controller.signal.aborted) verdict(ok);
      },
    });
    work.catch((error: unknown) =>
      log.error({ error: sentenceOf(error), probe: kind }, 'A probe broke off.'),
    );
  }
}
