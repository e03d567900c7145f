import { join } from 'node:path';
import { before } from 'node:test';
import type { TestContext } from 'node:test';
import { execFileSync } from 'node:child_process';
import { systemClock } from '../../src/base/clock.ts';
import { parseAddress } from '../../src/base/ip.ts';
import { KernelWorker } from '../../src/kernel/worker/index.ts';
import { SocketTranslation } from '../../src/services/apply-ebpf.ts';
import { SocketServices } from '../../src/services/apply-ebpf-services.ts';
import { ServiceNetwork } from '../../src/services/index.ts';
import { temporaryBpfFileSystem, temporaryCgroup } from './kernel-fixture.ts';
import { nodeAddresses, servicePrefixes, startNode } from './services-node.ts';
import type { ServiceNode } from './services-node.ts';
import { SocketClient } from './socket-client.ts';

const root = new URL('../../', import.meta.url).pathname;
export const objectFile = join(root, 'build/bpf/service-sockets.o');

/** Programs are built once for a file of tests. */
export const buildPrograms = (): void =>
  before(() => execFileSync('make', ['-s', '-C', join(root, 'bpf')], { stdio: 'inherit' }));

/** A node whose pods are in a control group with socket hooks. */
export interface SocketNode extends ServiceNode {
  readonly pins: string;
  readonly cgroup: string;
  /** Its worker, whose process is in no pod's namespace. */
  readonly worker: KernelWorker;
  translation(): SocketTranslation;
  /** The network with the hooks' side of it. */
  networkWith(translation: SocketTranslation): ServiceNetwork;
  /** A program in the pods' group and in a namespace. */
  pod(namespace: string): Promise<SocketClient>;
}

export function startSocketNode(context: TestContext): SocketNode {
  const node = startNode(context);
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
    translation: () => new SocketTranslation({ kernel: worker, file: objectFile, pins, cgroup }),
    networkWith: translation =>
      new ServiceNetwork(
        {
          kernel: {
            ...node.kernel,
            nftElements: (changes: Parameters<KernelWorker['nftElements']>[0]) =>
              worker.nftElements(changes, node.node),
          },
          place,
          clock: systemClock,
          sockets: new SocketServices(translation, new Set(), error => {
            throw error;
          }),
        },
        node.objects,
      ),
    pod: namespace => SocketClient.start(context, namespace, cgroup),
  };
}
