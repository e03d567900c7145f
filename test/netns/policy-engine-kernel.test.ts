import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import fc from 'fast-check';
import { systemClock } from '../../src/base/clock.ts';
import { bindUdpIn } from '../../src/kernel/ns/index.ts';
import { KernelWorker } from '../../src/kernel/worker/index.ts';
import { PolicyTable } from '../../src/policy/apply-nft.ts';
import { compileDelta } from '../../src/policy/compile-delta.ts';
import type { PolicyProgram } from '../../src/policy/compile-program.ts';
import { decide } from '../../src/policy/decide.ts';
import type { PolicyModel } from '../../src/policy/model.ts';
import { address, modelOf, programOf, worldPorts, worlds } from '../property/policy-worlds.ts';
import type { World } from '../property/policy-worlds.ts';
import { boundUdp, buildRig, reachesTcp, rigAddresses } from './policy-rig.ts';
import type { Rig } from './policy-rig.ts';

const podCount = 5;
const localCount = 3;
const addresses = Array.from({ length: podCount }, (_, index) => rigAddresses(index));
/** What is dropped never answers; what differs is asked again with more time, for a busy machine. */
const waits = { first: 250, again: 2000 } as const;

/** One kernel, and the same worlds for all of the tests here. */
async function laboratory(context: TestContext, part: string): Promise<Laboratory> {
  const rig = buildRig(context, part, podCount);
  const worker = new KernelWorker();
  context.after(() => worker.close());
  const received = new Set<string>();
  for (const pod of rig.pods)
    for (const host of pod.addresses)
      for (const port of worldPorts) {
        const socket = await boundUdp(context, pod.namespace, host, port);
        socket.on('message', message => received.add(message.toString()));
      }
  return { rig, worker, table: new PolicyTable(worker, rig.router), received, round: 0 };
}

interface Laboratory {
  readonly rig: Rig;
  readonly worker: KernelWorker;
  readonly table: PolicyTable;
  readonly received: Set<string>;
  round: number;
}

interface Probe {
  readonly from: number;
  readonly to: number;
  readonly family: 0 | 1;
  readonly protocol: 'TCP' | 'UDP';
  readonly port: number;
}

const probes: readonly Probe[] = addresses.flatMap((_, from) =>
  addresses.flatMap((__, to) =>
    from === to
      ? []
      : ([0, 1] as const).flatMap(family =>
          worldPorts.flatMap(port =>
            (['TCP', 'UDP'] as const).map(protocol => ({ from, to, family, protocol, port })),
          ),
        ),
  ),
);

/** What this node's kernel has to do: it asks each end that is its own. */
function expected(model: PolicyModel, probe: Probe): boolean {
  const { egress, ingress } = decide(model, {
    source: address(addresses[probe.from]?.[probe.family] ?? ''),
    destination: address(addresses[probe.to]?.[probe.family] ?? ''),
    protocol: probe.protocol,
    port: probe.port,
  });
  return (probe.from >= localCount || egress.allowed) && (probe.to >= localCount || ingress.allowed);
}

/** Sends all probes; the names of those that came through. */
async function observe(
  laboratory: Laboratory,
  sent: readonly Probe[],
  milliseconds: number,
): Promise<ReadonlySet<string>> {
  const { rig, received } = laboratory;
  const round = ++laboratory.round;
  received.clear();
  const through = new Set<string>();
  const tcp = sent
    .filter(probe => probe.protocol === 'TCP')
    .map(async probe => {
      const host = addresses[probe.to]?.[probe.family] ?? '';
      if (await reachesTcp(rig.pods[probe.from]?.namespace ?? '', host, probe.port, milliseconds))
        through.add(nameOf(probe));
    });
  const sockets = new Map<string, ReturnType<typeof createSocket>>();
  for (const probe of sent.filter(one => one.protocol === 'UDP')) {
    const key = `${probe.from} ${probe.family}`;
    let socket = sockets.get(key);
    if (socket === undefined) {
      socket = createSocket(probe.family === 0 ? 'udp4' : 'udp6');
      const listening = once(socket, 'listening');
      const host = addresses[probe.from]?.[probe.family] ?? '';
      socket.bind({ fd: bindUdpIn(rig.pods[probe.from]?.namespace ?? '', { host, port: 0 }) });
      await listening;
      sockets.set(key, socket);
    }
    socket.send(`${round} ${nameOf(probe)}`, probe.port, addresses[probe.to]?.[probe.family] ?? '');
  }
  await Promise.all(tcp);
  await systemClock.sleep(milliseconds / 4); // nothing says that a datagram will not come any more
  for (const socket of sockets.values()) socket.close();
  for (const message of received)
    if (message.startsWith(`${round} `)) through.add(message.slice(`${round} `.length));
  return through;
}

const nameOf = (probe: Probe): string =>
  `${probe.protocol} pod${probe.from} -> pod${probe.to} IPv${probe.family === 0 ? 4 : 6} port ${probe.port}`;

async function differences(
  laboratory: Laboratory,
  model: PolicyModel,
  program: PolicyProgram,
): Promise<readonly string[]> {
  assert.deepEqual((await laboratory.table.apply(program)).refused, []);
  const differing = async (sent: readonly Probe[], milliseconds: number) => {
    const through = await observe(laboratory, sent, milliseconds);
    return sent.filter(probe => through.has(nameOf(probe)) !== expected(model, probe));
  };
  const different = await differing(probes, waits.first);
  const still = different.length === 0 ? [] : await differing(different, waits.again);
  return still.map(
    probe => `${nameOf(probe)}: the engine says ${expected(model, probe) ? 'allowed' : 'denied'}`,
  );
}

test('the kernel passes and drops exactly what the engine says, on random policies', async context => {
  const lab = await laboratory(context, 'pol-engine');
  let previous: PolicyProgram | undefined;
  await fc.assert(
    fc.asyncProperty(worlds(addresses, localCount), async (world: World) => {
      const model = modelOf(world);
      const program = programOf(world);
      assert.deepEqual(await differences(lab, model, program), []);
      const state = await lab.table.read(program);
      assert.deepEqual(compileDelta(state, program), [], 'the kernel has the program and nothing else');
      previous = program;
    }),
    { numRuns: 25, endOnFailure: true },
  );
  assert.ok(previous);
});

test('a mistake in the compiled program is found', async context => {
  const lab = await laboratory(context, 'pol-mutant');
  const [world] = fc.sample(
    worlds(addresses, localCount).filter(one => {
      const program = programOf(one);
      return [...program.sets].some(([name, set]) => name.includes('-ports') && set.elements.size > 0);
    }),
    { numRuns: 1, seed: 7 },
  );
  assert.ok(world);
  const model = modelOf(world);
  const program = programOf(world);
  const mutant: PolicyProgram = {
    ...program,
    chains: new Map(
      [...program.chains].map(([name, chain]) => [
        name,
        name.startsWith('drop-') ? { ...chain, rules: ['counter accept'] } : chain,
      ]),
    ),
  };
  assert.deepEqual(await differences(lab, model, program), []);
  assert.notDeepEqual(await differences(lab, model, mutant), []);
});
