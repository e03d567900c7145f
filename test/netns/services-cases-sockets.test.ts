import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { formatAddress } from '../../src/base/ip.ts';
import type { BpfMapChange } from '../../src/kernel/bpf/index.ts';
import type { ServiceNetwork } from '../../src/services/index.ts';
import type { ServiceCase } from '../cases/services/case.ts';
import { checkDataPath } from '../cases/services/check.ts';
import type { Ask, Seen } from '../cases/services/check.ts';
import { serviceCases } from '../cases/services/index.ts';
import { addressOf, objectsOf, placeOf } from '../cases/services/objects.ts';
import { patienceFor, startCasesRig } from './services-cases-rig.ts';
import { Objects } from './services-node.ts';
import type { Meeting } from './services-node.ts';
import type { SocketAnswer } from './socket-client.ts';
import { buildPrograms, withSockets } from './socket-node.ts';
import type { SocketNode } from './socket-node.ts';

buildPrograms();

const plain = (address: string): string => formatAddress(addressOf(address));

function seenOf({ failed, said }: SocketAnswer): Seen {
  if (failed !== undefined) return failed === 'ECONNREFUSED' ? 'REJECT' : 'DROP';
  const { from, port, reached } = JSON.parse(said ?? '') as Meeting;
  const place = placeOf(plain(reached));
  assert.ok(place, `${reached} is no place of the cases`);
  return { place, port, from: plain(from) };
}

interface SocketCases {
  readonly network: ServiceNetwork;
  /** Puts a case's objects in force, and its packets on their way. */
  readonly check: (one: ServiceCase) => Promise<void>;
}

type Change = NonNullable<Parameters<SocketNode['translation']>[0]>;

async function startSocketCases(context: TestContext, change?: Change): Promise<SocketCases> {
  const { node, reach } = await startCasesRig(context);
  const sockets = withSockets(context, node);
  const pods = { pod: await sockets.pod(node.client), a: await sockets.pod(node.servers) };
  const fromPod = async (one: ServiceCase, from: keyof typeof pods, ask: Ask): Promise<Seen> => {
    const { address: host, port, protocol } = ask;
    const milliseconds = patienceFor(one, ask);
    return seenOf(
      await pods[from].ask(
        protocol === 'TCP'
          ? { do: 'tcp', host, port, milliseconds }
          : { do: 'udp', connected: true, host, port, milliseconds },
      ),
    );
  };
  let objects = new Objects();
  const translation = sockets.translation(change);
  const network = sockets.networkWith(translation, {
    keys: () => objects.keys(),
    service: (key: string) => objects.service(key),
    slices: (key: string) => objects.slices(key),
  });
  await translation.start();
  await network.load();
  return {
    network,
    check: async one => {
      const before = [...objects.keys()];
      objects = new Objects();
      const { services, slices } = objectsOf(one);
      objects.put(...services, ...slices);
      for (const key of new Set([...before, ...objects.keys()])) await network.change(key);
      await checkDataPath(one, ask =>
        ask.from === 'pod' || ask.from === 'a' ? fromPod(one, ask.from, ask) : reach(one, ask),
      );
    },
  };
}

test('with hooks at the sockets of pods, every packet goes where the API says', async context => {
  const { check, network } = await startSocketCases(context);
  for (const one of serviceCases) await context.test(one.name, () => check(one));
  await context.test('what was changed step by step needs no correction', async () => {
    assert.equal((await network.reconcile()).corrections, 0);
  });
});

/** Of what is written to a map, something else. */
const instead =
  (maps: string, to: (change: BpfMapChange) => BpfMapChange): Change =>
  worker => ({
    changeBpfMaps: changes =>
      worker.changeBpfMaps(
        changes.map(change => (new RegExp(`/(${maps})$`).test(change.pin) ? to(change) : change)),
      ),
  });

function withWord(values: Uint8Array, length: number, write: (view: DataView) => void): Uint8Array {
  const changed = Uint8Array.from(values);
  for (let at = 0; at < changed.length; at += length) write(new DataView(changed.buffer, at, length));
  return changed;
}

const mutations: Readonly<Record<string, Change>> = {
  'the last endpoint is never drawn': instead('frontends', change =>
    change.set === undefined
      ? change
      : {
          ...change,
          set: {
            ...change.set,
            values: withWord(change.set.values, 24, view =>
              view.setUint32(0, Math.max(1, view.getUint32(0, true) - 1), true),
            ),
          },
        },
  ),
  'endpoints are met at another port': instead('endpoints', change =>
    change.set === undefined
      ? change
      : {
          ...change,
          set: { ...change.set, values: withWord(change.set.values, 24, view => view.setUint16(16, 8081)) },
        },
  ),
  'a pod that meets itself is not noticed': instead('locals', ({ pin }) => ({ pin })),
  'what is gone stays': instead('frontends|endpoints', ({ pin, set }) => ({
    pin,
    ...(set === undefined ? {} : { set }),
  })),
};

const answered = serviceCases.filter(({ packets }) => packets.every(({ gets }) => gets !== 'DROP'));

for (const [what, change] of Object.entries(mutations)) {
  test(`the cases find a mistake in what the hooks are told: ${what}`, async context => {
    const { check } = await startSocketCases(context, change);
    await assert.rejects(async () => {
      for (const one of answered) await check(one);
    }, /(TCP|UDP) from (pod|a) to /);
  });
}
