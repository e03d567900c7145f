import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TestCluster } from './pods-cluster.ts';
import { echoServer, seenAs } from './pods-traffic.ts';

const pods = 100;

test('a hundred ADDs at once: every pod gets addresses of its own, all work, and DEL frees them all', async context => {
  const cluster = new TestCluster(context, { links: [1] });
  const [node] = cluster.nodes;
  assert.ok(node);
  await node.startAgent();
  const sandboxes = [];
  for (let index = 0; index < pods; index++) sandboxes.push(await node.sandbox(`pod-${index}`));
  const outcomes = await Promise.all(sandboxes.map(sandbox => node.plugin({ command: 'ADD', ...sandbox })));
  for (const outcome of outcomes) assert.equal(outcome.code, 0, outcome.stdout);
  const results = outcomes.map(outcome => JSON.parse(outcome.stdout) as { ips: { address: string }[] });
  const addresses = results.flatMap(result => result.ips.map(ip => ip.address));
  assert.equal(addresses.length, 2 * pods);
  assert.equal(new Set(addresses).size, 2 * pods, 'no address is given out twice');
  const inOrder = outcomes.map(outcome => outcome.milliseconds).toSorted((a, b) => a - b);
  const at = (part: number) => Math.round(inOrder[Math.floor(part * (pods - 1))] ?? 0);
  context.diagnostic(`ADD, ${pods} at once: p50 ${at(0.5)} ms, p90 ${at(0.9)} ms, p99 ${at(0.99)} ms`);

  const last = sandboxes.at(-1)?.namespace ?? '';
  const first = sandboxes[0]?.namespace ?? '';
  for (const [family, ip] of (results.at(-1)?.ips ?? []).entries()) {
    const host = ip.address.split('/')[0] ?? '';
    const port = await echoServer(context, last, host);
    assert.equal(await seenAs(first, host, port), results[0]?.ips[family]?.address.split('/')[0]);
  }

  const deleted = await Promise.all(sandboxes.map(sandbox => node.plugin({ command: 'DEL', ...sandbox })));
  for (const outcome of deleted) assert.equal(outcome.code, 0, outcome.stdout);
  assert.equal((await node.status()).attachments, 0);

  const single = [];
  for (const name of ['one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine']) {
    const sandbox = await node.sandbox(name);
    const outcome = await node.plugin({ command: 'ADD', ...sandbox });
    assert.equal(outcome.code, 0, outcome.stdout);
    single.push(outcome.milliseconds);
    const fresh = (JSON.parse(outcome.stdout) as { ips: { address: string }[] }).ips[0]?.address ?? '';
    assert.ok(!addresses.includes(fresh), `${fresh} rests before it is given out again`);
  }
  const middle = single.toSorted((a, b) => a - b)[4] ?? 0;
  context.diagnostic(`ADD, one at a time: p50 ${middle.toFixed(1)} ms`);
});

test('kill -9 in the middle of many ADDs: nothing is given out twice, and nothing stays behind', async context => {
  const cluster = new TestCluster(context, { links: [1] });
  const [node] = cluster.nodes;
  assert.ok(node);
  await node.startAgent();
  const sandboxes = [];
  for (let index = 0; index < 30; index++) sandboxes.push(await node.sandbox(`pod-${index}`));
  const adding = sandboxes.map(sandbox => node.plugin({ command: 'ADD', ...sandbox }));
  await Promise.race(adding);
  await node.killAgent();
  const outcomes = await Promise.all(adding);
  assert.ok(
    outcomes.some(outcome => outcome.code === 0),
    'some were through',
  );
  for (const outcome of outcomes) assert.ok([0, 11].includes(outcome.code), outcome.stdout);
  await node.startAgent();
  // As a runtime does: what failed is deleted and tried again.
  const final = await Promise.all(
    sandboxes.map(async (sandbox, index) => {
      const outcome = outcomes[index];
      if (outcome?.code === 0) return outcome;
      assert.equal((await node.plugin({ command: 'DEL', ...sandbox })).code, 0);
      return node.plugin({ command: 'ADD', ...sandbox });
    }),
  );
  const addresses = final.flatMap(outcome => {
    assert.equal(outcome.code, 0, outcome.stdout);
    return (JSON.parse(outcome.stdout) as { ips: { address: string }[] }).ips.map(ip => ip.address);
  });
  assert.equal(new Set(addresses).size, 2 * sandboxes.length);
  assert.equal((await node.status()).attachments, sandboxes.length);
  await Promise.all(sandboxes.map(sandbox => node.plugin({ command: 'DEL', ...sandbox })));
  assert.equal((await node.status()).attachments, 0);
});
