import { timestampOf } from '../../../kube/timestamps.ts';
import type { Pod } from '../../../kube/types/core.ts';
import type { Service } from '../../../kube/types/service.ts';
import { timeOf } from '../pod-state.ts';

interface Seen {
  readonly service: number;
  readonly pods: ReadonlyMap<string, number>;
}

/**
 * When the changes began that a slice tells of: the earliest time, among a Service's creation and its pods' becoming
 * ready or not, that is later than what was seen of it before. Seconds: that is what the API keeps.
 */
export class TriggerTimes {
  readonly #seen = new Map<string, Seen>();
  /** Times of changes that could not be written yet, in milliseconds since the epoch. */
  readonly #unwritten = new Map<string, number>();

  /** RFC 3339; undefined when nothing is newer, and nothing is left to be told. */
  next(key: string, service: Service, pods: readonly Pod[]): string | undefined {
    const seen = this.#seen.get(key);
    const created = timeOf(service.metadata.creationTimestamp) ?? 0;
    const times = new Map(pods.map(pod => [pod.metadata.name, readyChanged(pod)]));
    this.#seen.set(key, { service: created, pods: times });
    const newer = [...times].flatMap(([name, time]) => (time > (seen?.pods.get(name) ?? 0) ? [time] : []));
    if (created > (seen?.service ?? 0)) newer.push(created);
    const unwritten = this.#unwritten.get(key);
    if (unwritten !== undefined) newer.push(unwritten);
    if (newer.length === 0) return undefined;
    const earliest = newer.reduce((a, b) => Math.min(a, b));
    this.#unwritten.set(key, earliest);
    return timestampOf(earliest);
  }

  /** What `next` told is written. */
  written(key: string): void {
    this.#unwritten.delete(key);
  }

  forget(key: string): void {
    this.#seen.delete(key);
    this.#unwritten.delete(key);
  }
}

function readyChanged(pod: Pod): number {
  const condition = pod.status?.conditions?.find(each => each.type === 'Ready');
  return timeOf(condition?.lastTransitionTime) ?? 0;
}
