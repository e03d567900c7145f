import { setTimeout as sleep } from 'node:timers/promises';
import { Asker } from './asker.ts';
import type { Subject } from './server.ts';

export interface Restart {
  /** Part of the questions without an answer within a client's first time-out. */
  readonly lost: number;
  /** The longest that any of the others waited. */
  readonly longestMilliseconds: number;
}

const perSecond = 200;
const seconds = 4;
/** glibc asks again after five seconds, musl after two and a half. */
const firstTimeoutMilliseconds = 2500;

/** Kills the server with -9 under a steady load; its supervisor starts it again. */
export async function measureRestart(subject: Subject, names: readonly string[]): Promise<Restart> {
  const asker = new Asker(subject);
  try {
    const asked: ReturnType<Asker['ask']>[] = [];
    const started = performance.now();
    const count = perSecond * seconds;
    for (let index = 0; index < count; index++) {
      if (index === count / 4) process.kill(subject.pid, 'SIGKILL');
      asked.push(asker.ask(names[index % names.length] ?? '', firstTimeoutMilliseconds));
      await sleep(Math.max(0, started + (1000 * (index + 1)) / perSecond - performance.now()));
    }
    const answered = (await Promise.all(asked)).filter(outcome => outcome !== undefined);
    return {
      lost: (count - answered.length) / count,
      longestMilliseconds: Math.max(...answered.map(({ milliseconds }) => milliseconds)),
    };
  } finally {
    asker.close();
  }
}

/** From the API's word for a new Service to its first answer, in milliseconds; `create` makes the one of a name. */
export async function measureNew(
  subject: Subject,
  count: number,
  create: (name: string) => Promise<void>,
): Promise<readonly number[]> {
  const asker = new Asker(subject);
  try {
    const times: number[] = [];
    for (let index = 0; index < count; index++) {
      const name = `new-${index}`;
      const full = `${name}.bench.svc.cluster.local`;
      await asker.ask(full, 1000); // that it is absent is answered before
      await create(name);
      const created = performance.now();
      while (((await asker.ask(full, 1000))?.answers ?? 0) === 0)
        if (performance.now() - created > 20_000) throw new Error(`${full} is never answered`);
      times.push(performance.now() - created);
    }
    return times;
  } finally {
    asker.close();
  }
}
