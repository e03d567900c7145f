import { setTimeout as sleep } from 'node:timers/promises';
import { FairleadError } from '../../src/base/errors.ts';
import type { KubeClient, WatchEvent, WatchOptions } from '../../src/kube/client.ts';
import type { Resource } from '../../src/kube/resources.ts';
import type { KubeObject } from '../../src/kube/types/meta.ts';

/** Things that go wrong between a controller and a server that is well. */
export interface Faults {
  /** Milliseconds by which watches are late. */
  lateness: number;
  /** This many writes are carried out, but their answers are lost. */
  lostAnswers: number;
}

/** `client` with these faults; `faults` may be changed at any time. */
export function faultyClient(client: KubeClient, faults: Faults): KubeClient {
  const losing =
    <A extends readonly unknown[], R>(call: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      const answer = await call(...args);
      if (faults.lostAnswers <= 0) return answer;
      faults.lostAnswers--;
      throw new FairleadError('kube/unreachable', 'The connection broke before the answer came.');
    };
  return {
    get: (...args) => client.get(...args),
    list: (...args) => client.list(...args),
    create: (resource, object, options) =>
      resource.plural === 'events'
        ? client.create(resource, object, options)
        : losing(() => client.create(resource, object, options))(),
    update: (...args) => client.update(...args),
    patch: (...args) => client.patch(...args),
    delete: losing((...args: Parameters<KubeClient['delete']>) => client.delete(...args)),
    deleteCollection: (...args) => client.deleteCollection(...args),
    createSubresource: losing((...args: Parameters<KubeClient['createSubresource']>) =>
      client.createSubresource(...args),
    ),
    watch: (resource, options) => late(client, resource, options, faults),
    logs: (...args) => client.logs(...args),
    request: (...args) => client.request(...args),
    stream: (...args) => client.stream(...args),
    connectUpgrade: (...args) => client.connectUpgrade(...args),
    close: () => client.close(),
  };
}

async function* late<T extends KubeObject>(
  client: KubeClient,
  resource: Resource<T>,
  options: WatchOptions,
  faults: Faults,
): AsyncGenerator<WatchEvent<T>> {
  for await (const event of client.watch(resource, options)) {
    if (faults.lateness > 0) await sleep(faults.lateness, undefined, { signal: options.signal });
    yield event;
  }
}
