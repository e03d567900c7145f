import { join } from 'node:path';
import { before } from 'node:test';
import type { TestContext } from 'node:test';
import { execFileSync } from 'node:child_process';
import { systemClock } from '../../src/base/clock.ts';
import { parseAddress } from '../../src/base/ip.ts';
import { KernelWorker } from '../../src/kernel/worker/index.ts';
import { SocketTranslation } from '../../src/services/apply-ebpf.ts';
import type { SocketKernel } from '../../src/services/apply-ebpf.ts';
import { SocketServices } from '../../src/services/apply-ebpf-services.ts';
import { ServiceNetwork } from '../../src/services/index.ts';
import type { ServiceSource } from '../../src/services/index.ts';
import { temporaryBpfFileSystem, temporaryCgroup } from './kernel-fixture.ts';
import { nodeAddresses, servicePrefixes, startNode } from './services-node.ts';
import type { ServiceNode } from './services-node.ts';
import { SocketClient } from './socket-client.ts';

const root = new URL('../../', import.meta.url).pathname;
const objectFile = join(root, 'build/bpf/service-sockets.o');

/** Programs are built once for a file of tests. */
export const buildPrograms = (): void =>
  before(() => execFileSync('make', ['-s', '-C', join(root, 'bpf')], { stdio: 'inherit' }));

/** A node whose pods are in a control group with socket hooks. */
export interface SocketNode extends ServiceNode {
  readonly pins: string;
  readonly cgroup: string;
  /** Its worker, whose process is in no pod's namespace. */
  readonly worker: KernelWorker;
  /** `change` stands in for some of the kernel's calls. */
  translation(change?: (kernel: KernelWorker) => Partial<SocketKernel>): SocketTranslation;
  /** The network with the hooks' side of it. */
  networkWith(
    translation: SocketTranslation,
    source?: ServiceSource,
    onFailure?: (error: unknown) => void,
  ): ServiceNetwork;
  /** A program in the pods' group and in a namespace. */
  pod(namespace: string): Promise<SocketClient>;
}

export const startSocketNode = (context: TestContext): SocketNode => withSockets(context, startNode(context));

/** A node with a control group for its pods, and a place for pins. */
export function withSockets(context: TestContext, node: ServiceNode): SocketNode {
  const { path: cgroup } = temporaryCgroup(context, 'pods');
  const pins = join(temporaryBpfFileSystem(context), 'services');
  const worker = new KernelWorker();
  context.after(() => worker.close());
  const addresses = nodeAddresses.flatMap(text => parseAddress(text) ?? []);
  const place = { node: 'node-1', zone: 'here', addresses, nodePortAddresses: addresses, servicePrefixes };
  return {
    ...node,
    pins,
    cgroup,
    worker,
    translation: (change = () => ({})) => {
      const calls: SocketKernel = {
        installBpf: installation => worker.installBpf(installation),
        readBpfMap: pin => worker.readBpfMap(pin),
        lookUpBpfMap: (pin, keys) => worker.lookUpBpfMap(pin, keys),
        changeBpfMaps: changes => worker.changeBpfMaps(changes),
        bpfMapCapacity: pin => worker.bpfMapCapacity(pin),
        unpinBpf: pins => worker.unpinBpf(pins),
        namespaceCookie: () => worker.namespaceCookie(),
        podNamespaces: group => worker.podNamespaces(group),
        endUdpSockets: (group, sockets) => worker.endUdpSockets(group, sockets),
      };
      return new SocketTranslation({
        kernel: { ...calls, ...change(worker) },
        file: objectFile,
        pins,
        cgroup,
      });
    },
    networkWith: (translation, source = node.objects, onFailure = fail) =>
      new ServiceNetwork(
        {
          kernel: {
            ...node.kernel,
            nftElements: (changes: Parameters<KernelWorker['nftElements']>[0]) =>
              worker.nftElements(changes, node.node),
          },
          place,
          clock: systemClock,
          sockets: new SocketServices(translation, new Set(), onFailure),
        },
        source,
      ),
    pod: namespace => SocketClient.start(context, namespace, cgroup),
  };
}

function fail(error: unknown): never {
  throw error;
}
