import { join } from 'node:path';
import { formatAddress } from '../base/ip.ts';
import type { Address } from '../base/ip.ts';
import type { KernelWorker } from '../kernel/worker/index.ts';
import { kernelMaps } from './apply-kernel-maps.ts';
import { clientKey, labelIn, labelOctets, lengths } from './compile-kernel.ts';

export type PodsKernel = Pick<
  KernelWorker,
  | 'installBpf'
  | 'readBpfMap'
  | 'lookUpBpfMap'
  | 'changeBpfMaps'
  | 'unpinBpf'
  | 'attachBpfToLinks'
  | 'detachBpfFromLinks'
>;

/** A pod's link on the node. */
export interface KernelPod {
  readonly link: string;
  readonly namespace: string;
  readonly addresses: readonly Address[];
}

/** What policy lets a pod ask by; `false` is always safe: then the server is asked. */
export interface MayAsk {
  readonly 4: boolean;
  readonly 6: boolean;
}

export interface KernelPodsOptions {
  /** In the node's network namespace, which has to be the process's own. */
  readonly kernel: PodsKernel;
  /** The compiled object. */
  readonly file: string;
  /** Where pins are. */
  readonly directory: string;
}

interface Known extends KernelPod {
  readonly index: number;
  /** As the kernel has it. */
  flags: number;
}

const nobody: MayAsk = { 4: false, 6: false };
const program = 'answer';

/**
 * The program on the links of a node's pods, and which of them it answers. Everything is pinned: without this process it
 * goes on, and the next one takes it over. Not for two calls at once, but for `deny` and `allow`.
 */
export class KernelPods {
  readonly #options: KernelPodsOptions;
  readonly #known = new Map<string, Known>();
  readonly #byAddress = new Map<string, Known>();
  #isOn = false;
  /** What an earlier process left is still to be looked at. */
  #isFirst = true;

  constructor(options: KernelPodsOptions) {
    this.#options = options;
  }

  get isOn(): boolean {
    return this.#isOn;
  }

  /** What an earlier process let pods ask is known, so that `deny` can take it back. */
  get isSettled(): boolean {
    return this.#isOn && !this.#isFirst;
  }

  /** Links with the program, and those whose pods are answered. */
  counts(): { readonly pods: number; readonly allowed: number } {
    const known = [...this.#known.values()];
    return { pods: known.length, allowed: known.filter(({ flags }) => flags !== 0).length };
  }

  /** Loads the program beside what an earlier process left; throws what the kernel refuses. */
  async start(): Promise<void> {
    const { kernel, file } = this.#options;
    const maps = Object.fromEntries(kernelMaps.map(name => [name, { pin: this.#pin(name) }]));
    const installation = { file, maps, programs: { [program]: this.#programPin }, attachments: [] };
    try {
      await kernel.installBpf(installation);
    } catch (error) {
      if (!/parameter mismatch/.test(String(error))) throw error;
      // Maps of another version: their shapes are others, and what they say is told anew.
      await kernel.unpinBpf(kernelMaps.map(this.#pin));
      await kernel.installBpf(installation);
    }
    this.#known.clear();
    this.#byAddress.clear();
    this.#isFirst = true;
    this.#isOn = true;
  }

  /** Nothing of it is left; `links` are those of all pods. Where it throws, it is as on as before, and may be stopped again. */
  async stop(links: readonly string[]): Promise<void> {
    const { kernel } = this.#options;
    await kernel.detachBpfFromLinks([...new Set([...links, ...this.#known.keys()])]);
    await kernel.unpinBpf([...kernelMaps.map(this.#pin), this.#programPin]);
    this.#isOn = false;
    this.#known.clear();
    this.#byAddress.clear();
  }

  /**
   * Brings the program to the links of these pods. Returns the addresses of those that came: nobody is answered there until
   * `allow` says so; but what an earlier process said of the same link stands. `isWhole`: looks at every link, too.
   */
  async settle(pods: readonly KernelPod[], isWhole: boolean): Promise<readonly string[]> {
    if (!this.#isOn) return [];
    const { kernel } = this.#options;
    const wanted = new Map(pods.map(pod => [pod.link, pod]));
    const gone = [...this.#known.values()].filter(({ link }) => !wanted.has(link));
    const toAttach = isWhole ? pods : pods.filter(({ link }) => !this.#known.has(link));
    for (const one of gone) this.#forget(one);
    const strays = this.#isFirst ? await this.#earlier() : new Map<number, Uint8Array>();
    const strayClients = this.#isFirst ? (await kernel.readBpfMap(this.#pin('clients'))).keys : nothing;
    const attached =
      toAttach.length === 0
        ? []
        : await kernel.attachBpfToLinks(
            this.#programPin,
            toAttach.map(({ link }) => link),
          );
    const come: Known[] = [];
    for (const { name, linkIndex } of attached) {
      const pod = wanted.get(name);
      const known = this.#known.get(name);
      if (pod === undefined || linkIndex === undefined || known?.index === linkIndex) continue;
      if (known !== undefined) gone.push(known);
      const before = strays.get(linkIndex);
      const isSame = before !== undefined && namespaceIn(before) === pod.namespace;
      const one = { ...pod, index: linkIndex, flags: isSame ? (before[0] ?? 0) : 0 };
      come.push(one);
      this.#known.set(name, one);
      for (const address of pod.addresses) this.#byAddress.set(formatAddress(address), one);
    }
    this.#isFirst = false;
    const present = new Set([...this.#known.values()].map(({ index }) => index));
    const remove = [...gone.map(({ index }) => index), ...strays.keys()].filter(index => !present.has(index));
    const leaving = [...splitKeys(strayClients), ...gone.flatMap(one => one.addresses.map(clientKey))];
    const staying = new Set(
      [...this.#known.values()].flatMap(one => one.addresses.map(clientKey)).map(textOf),
    );
    const clients = leaving.filter(key => !staying.has(textOf(key)));
    if (remove.length + come.length + clients.length === 0) return [];
    try {
      await kernel.changeBpfMaps([
        { pin: this.#pin('pods'), remove: Buffer.concat(remove.map(keyOf)), set: entriesOf(come) },
        { pin: this.#pin('clients'), remove: Buffer.concat(clients), set: clientsOf(come) },
      ]);
    } catch (error) {
      for (const one of come) this.#forget(one);
      this.#isFirst = true; // whose entries are to go is found in the map itself
      throw error;
    }
    return come.flatMap(({ addresses }) => addresses.map(formatAddress));
  }

  /** Those that may not ask (any more). */
  async deny(addresses: ReadonlySet<string>, mayAsk: (pod: KernelPod) => MayAsk): Promise<void> {
    await this.#change(addresses, (pod, flags) => flags & flagsOf(mayAsk(pod)));
  }

  async allow(addresses: ReadonlySet<string>, mayAsk: (pod: KernelPod) => MayAsk): Promise<void> {
    await this.#change(addresses, (pod, flags) => flags | flagsOf(mayAsk(pod)));
  }

  /** Addresses of all pods that have the program. */
  addresses(): ReadonlySet<string> {
    return new Set(this.#byAddress.keys());
  }

  /** How many names are in the kernel, and when the API server confirmed them, in milliseconds since the epoch. */
  async state(): Promise<{ readonly confirmedAt: number; readonly names: number }> {
    const { values } = await this.#options.kernel.lookUpBpfMap(this.#pin('state'), new Uint8Array(4));
    const view = new DataView(values.buffer, values.byteOffset, values.byteLength);
    return {
      confirmedAt: Number(view.getBigUint64(0, true)),
      names: Number(view.getBigUint64(8, true)),
    };
  }

  async #change(
    addresses: ReadonlySet<string>,
    flagsFor: (pod: KernelPod, flags: number) => number,
  ): Promise<void> {
    const changed: Known[] = [];
    const before = new Map<Known, number>();
    for (const one of new Set([...addresses].flatMap(address => this.#byAddress.get(address) ?? []))) {
      const flags = flagsFor(one, one.flags);
      if (flags === one.flags) continue;
      before.set(one, one.flags);
      one.flags = flags;
      changed.push(one);
    }
    if (changed.length === 0) return;
    try {
      await this.#options.kernel.changeBpfMaps([{ pin: this.#pin('pods'), set: entriesOf(changed) }]);
    } catch (error) {
      if (!this.#isOn) return; // stopped meanwhile: nobody is answered
      for (const [one, flags] of before) one.flags = flags;
      throw error;
    }
  }

  /** What an earlier process said, by the links' indexes. */
  async #earlier(): Promise<Map<number, Uint8Array>> {
    const { keys, values } = await this.#options.kernel.readBpfMap(this.#pin('pods'));
    const view = new DataView(keys.buffer, keys.byteOffset, keys.byteLength);
    return new Map(
      Array.from({ length: keys.length / 4 }, (_, at) => [
        view.getUint32(4 * at, true),
        values.subarray(at * lengths.pod, (at + 1) * lengths.pod),
      ]),
    );
  }

  #forget(one: Known): void {
    this.#known.delete(one.link);
    for (const address of one.addresses.map(formatAddress))
      if (this.#byAddress.get(address) === one) this.#byAddress.delete(address);
  }

  readonly #pin = (name: string): string => join(this.#options.directory, name);

  get #programPin(): string {
    return this.#pin(`program_${program}`);
  }
}

const flagsOf = (may: MayAsk = nobody): number => (may[4] ? 1 : 0) | (may[6] ? 2 : 0);

const nothing = new Uint8Array(0);

const splitKeys = (keys: Uint8Array): readonly Uint8Array[] =>
  Array.from({ length: keys.length / lengths.client }, (_, at) =>
    keys.subarray(at * lengths.client, (at + 1) * lengths.client),
  );

const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');

function clientsOf(pods: readonly Known[]): { readonly keys: Uint8Array; readonly values: Uint8Array } {
  const clients = pods.flatMap(({ addresses, namespace }) =>
    addresses.map(address => ({ key: clientKey(address), value: labelOctets(namespace) })),
  );
  return {
    keys: Buffer.concat(clients.map(({ key }) => key)),
    values: Buffer.concat(clients.map(({ value }) => value)),
  };
}

const keyOf = (index: number): Uint8Array => new Uint8Array(Uint32Array.of(index).buffer);

function entriesOf(pods: readonly Known[]): { readonly keys: Uint8Array; readonly values: Uint8Array } {
  const values = pods.map(({ flags, namespace }) => {
    const value = Buffer.alloc(lengths.pod);
    value.writeUInt32LE(flags, 0);
    value.set(labelOctets(namespace), 8);
    return value;
  });
  return { keys: Buffer.concat(pods.map(({ index }) => keyOf(index))), values: Buffer.concat(values) };
}

const namespaceIn = (value: Uint8Array): string => labelIn(value.subarray(8));
