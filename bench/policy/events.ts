import { FlowStore, explainPass } from '../../src/flows/index.ts';
import { logGroups } from '../../src/kernel/contract.ts';
import { PacketLog } from '../../src/kernel/nflog/index.ts';
import type { PolicyModel } from '../../src/policy/index.ts';
import type { TestEnd } from '../../test/netns/kernel-fixture.ts';

/** Reads what the kernel of a namespace reports, as an agent does. Returns how many events there were. */
export function readEvents(
  context: TestEnd,
  namespacePath: string,
  model: () => PolicyModel | undefined,
): () => number {
  const store = new FlowStore('node-1');
  const log = PacketLog.open({
    group: logGroups.policyReports,
    namespacePath,
    onPacket: ({ head, prefix }) => {
      const inForce = model();
      const key = `${head.source} ${head.sourcePort} ${head.destination} ${head.port}`;
      if (inForce !== undefined)
        store.add('pass', key, Date.now(), () => explainPass(inForce, 'node-1', { rule: prefix, ...head }));
    },
  });
  context.after(() => log.close());
  return () => store.size;
}

/** Milliseconds of the agent for so many reports of connections that come in a second, each of another one. */
export function timeOfEvents(
  model: PolicyModel,
  [source, destination]: readonly [string, string],
  inSecond: number,
): { readonly milliseconds: number; readonly lost: number } {
  const store = new FlowStore('node-1');
  const started = performance.now();
  for (let index = 0; index < inSecond; index++) {
    const sourcePort = 1024 + (index % 64_000);
    store.add(
      'pass',
      `${source} ${sourcePort}`,
      1_700_000_000_000 + Math.floor((index * 1000) / inSecond),
      () =>
        explainPass(model, 'node-1', {
          rule: 'allowed',
          source,
          destination,
          protocol: 17,
          sourcePort,
          port: 9000,
        }),
    );
  }
  return { milliseconds: performance.now() - started, lost: store.lost.passes };
}
