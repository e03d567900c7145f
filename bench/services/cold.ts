/**
 * `node cold.ts SERVICES`: a node's Services from nothing, with ten endpoints each, from objects as the agent's caches have
 * them; one line of JSON. A process of its own, with the flags of an agent, so that its memory is that of an agent; and born in
 * a network namespace of its own, as an agent is: in another one every call would open and close a socket, and closing waits
 * for the kernel longer than a change takes.
 */
import { systemClock } from '../../src/base/clock.ts';
import { nft } from '../../src/kernel/contract.ts';
import { proportionalSetSize } from '../../src/kernel/process/index.ts';
import { KernelWorker } from '../../src/kernel/worker/index.ts';
import type { EndpointSlice } from '../../src/kube/types/discovery.ts';
import type { Service } from '../../src/kube/types/service.ts';
import { ServiceNetwork } from '../../src/services/index.ts';
import { fillerAddress, makeService, makeSlice, namespace } from './objects.ts';

export interface ColdResult {
  /** Milliseconds until all of them were in the kernel. */
  readonly load: number;
  /** Milliseconds of single changes, one at a time with pauses. */
  readonly changes: readonly number[];
  /** Bytes more of proportional set size than with the objects alone. */
  readonly memory: number;
}

const endpointsEach = 10;
const changesMeasured = 60;

if (import.meta.main) {
  const worker = new KernelWorker();
  try {
    // An agent runs when it is given many Services: its programs are loaded.
    await measure(worker, 200, 5);
    await worker.nft(`delete table inet ${nft.tables.services}`);
    const result = await measure(worker, Number(process.argv[2]), changesMeasured);
    process.stdout.write(`${JSON.stringify(result)}\n`);
  } finally {
    await worker.close();
  }
}

async function measure(worker: KernelWorker, count: number, changesWanted: number): Promise<ColdResult> {
  const services = new Map<string, Service>();
  const slices = new Map<string, EndpointSlice>();
  const addressesOf = (index: number, shift = 0) =>
    Array.from({ length: endpointsEach }, (_, each) => fillerAddress(index * endpointsEach + each + shift));
  for (let index = 0; index < count; index++) {
    const made = makeService(`s${index}`);
    const spec = { ...made.spec, clusterIPs: [`10.96.${index >> 8}.${index & 255}`] };
    services.set(`${namespace}/s${index}`, { ...made, spec });
    slices.set(`${namespace}/s${index}`, makeSlice(`s${index}`, addressesOf(index), 8080));
  }
  const network = new ServiceNetwork(
    {
      kernel: {
        nft: commands => worker.nft(commands),
        nftChunked: changes => worker.nftChunked(changes),
        nftElements: changes => worker.nftElements(changes),
        nftTable: (name, types) => worker.nftTable(name, types),
        nftCounters: places => worker.nftCounters(places),
        forgetConnections: flows => worker.forgetConnections(flows),
        connections: filters => worker.connections(filters),
        deleteConnections: connections => worker.deleteConnections(connections),
      },
      place: { node: 'node-1', addresses: [], nodePortAddresses: [], servicePrefixes: [] },
      clock: systemClock,
    },
    {
      keys: () => services.keys(),
      service: key => services.get(key),
      slices: key => [slices.get(key) ?? []].flat(),
    },
  );
  await settled();
  const before = proportionalSetSize(process.pid);
  const started = performance.now();
  await network.load();
  const load = performance.now() - started;
  await settled();
  const memory = proportionalSetSize(process.pid) - before;
  const changes: number[] = [];
  for (let turn = 0; turn < changesWanted; turn++) {
    const index = (turn * 7919) % count;
    const key = `${namespace}/s${index}`;
    slices.set(key, makeSlice(`s${index}`, addressesOf(index, turn + 1), 8080));
    // What one change leaves to do for the kernel is not the next one's.
    await new Promise(resolve => setTimeout(resolve, 30));
    const from = performance.now();
    await network.change(key);
    changes.push(performance.now() - from);
  }
  return { load, changes, memory };
}

/** As V8 leaves a process that idles: what is not needed is gone, and what is needed stands close together. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) {
    (globalThis as { gc?: (how: object) => void }).gc?.({
      type: 'major',
      execution: 'sync',
      flavor: 'last-resort',
    });
    await new Promise(resolve => setTimeout(resolve, 100));
  }
}
