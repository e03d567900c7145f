import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import { startController } from '../../src/controller/index.ts';
import { createClient } from '../../src/kube/client.ts';
import { loadKubeconfig } from '../../src/kube/kubeconfig.ts';
import { EVENTS, NODES } from '../../src/kube/resources.ts';
import type { Node } from '../../src/kube/types/node.ts';
import { startControlPlane } from './control-plane.ts';

const node = (name: string): Node => ({ apiVersion: 'v1', kind: 'Node', metadata: { name } });

test('nodes of a real API server get their pod prefixes, also when there are too few', async t => {
  await using plane = await startControlPlane();
  const { client } = plane;
  const read = (name: string) => client.get(NODES, { name });
  /** Waits for a condition of a node with a deadline of 20 s. */
  const until = async (name: string, sentence: string, holds: (found: Node) => boolean) => {
    for (const deadline = Date.now() + 20_000; ;) {
      const found = await read(name);
      if (holds(found)) return found;
      if (Date.now() > deadline)
        assert.fail(`not within 20 s: ${name} ${sentence}: ${JSON.stringify(found)}`);
      await new Promise(resolve => setTimeout(resolve, 20));
    }
  };
  const start = () => {
    const stop = new AbortController();
    const own = createClient(loadKubeconfig(plane.kubeconfig));
    const podPrefixes = ['10.244.0.0/23', 'fd00:10:244::/56'];
    startController({ client: own, podPrefixes, log: silentLog, clock: systemClock, signal: stop.signal });
    const end = () => {
      stop.abort(new Error('stopped'));
      own.close();
    };
    t.after(end);
    return end;
  };
  const stop = start();
  const hasPrefixes = ({ spec }: Node) => spec?.podCIDRs !== undefined;
  await client.create(NODES, node('node-1'));
  const first = await until('node-1', 'has prefixes', hasPrefixes);
  assert.deepEqual(first.spec?.podCIDRs, ['10.244.0.0/24', 'fd00:10:244::/64']);
  assert.equal(first.spec?.podCIDR, '10.244.0.0/24');
  stop();
  start();
  await client.create(NODES, node('node-2'));
  const second = await until('node-2', 'has prefixes after a restart', hasPrefixes);
  assert.deepEqual(second.spec?.podCIDRs, ['10.244.1.0/24', 'fd00:10:244:1::/64']);
  await client.create(NODES, node('node-3'));
  const condition = ({ status }: Node) =>
    status?.conditions?.find(({ type }) => type === 'NetworkUnavailable');
  await until('node-3', 'is told that none is left', found => condition(found)?.status === 'True');
  const told = { fieldSelector: 'involvedObject.name=node-3,reason=PodPrefixesExhausted' };
  for (const deadline = Date.now() + 20_000; (await client.list(EVENTS, told)).items.length !== 1;) {
    assert.ok(Date.now() < deadline, 'not within 20 s: one Event tells that none is left');
    await new Promise(resolve => setTimeout(resolve, 20));
  }
  await client.delete(NODES, { name: 'node-1' });
  const third = await until(
    'node-3',
    'has what node-1 had',
    found => hasPrefixes(found) && condition(found)?.status === 'False',
  );
  assert.equal(third.spec?.podCIDR, '10.244.0.0/24');
});
