import type { Clock } from '../../base/clock.ts';
import { sentenceOf } from '../../base/errors.ts';
import { bitsOf, formatAddress, formatPrefix } from '../../base/ip.ts';
import type { Log } from '../../base/log.ts';
import type { Allocation, Ipam } from '../ipam/ipam.ts';
import type { ObserveOperation } from '../metrics.ts';
import type { AttachmentKey, PodReference } from '../model.ts';
import { attachmentOf, notReady } from '../pod-network.ts';
import type { PodNetwork } from '../pod-network.ts';
import { CniError, cniCodeOf, cniCodes, renderError } from './cni-error.ts';
import type { PodGate, PodSource } from './gate.ts';
import { parseRequest, versionFor } from './request.ts';
import type { CniRequest, Environment } from './request.ts';
import { renderResult, resultOf } from './result.ts';
import type { CniResult } from './result.ts';
import { requireSandbox } from './sandbox.ts';
import { newestVersion } from './version.ts';

export interface CniPluginOptions {
  readonly network: PodNetwork;
  readonly ipam: Ipam;
  readonly pods: PodSource;
  /** Awaited in this order. */
  readonly gates: readonly PodGate[];
  /** How long ADD waits for the pod and the gates; default 10 s, which is less than the plugin waits for its answer. */
  readonly addMilliseconds?: number;
  /** Told of each operation's end. */
  readonly observe?: ObserveOperation;
  readonly clock: Clock;
  readonly log: Log;
}

export interface CniAnswer {
  /** 0, or the code of the error that `body` describes. */
  readonly code: number;
  readonly body: string;
}

const defaultAddMilliseconds = 10_000;

/** What the CNI plugin's operations do (CNI specification 1.1.0). Operations of one attachment follow each other. */
export class CniPlugin {
  readonly #options: CniPluginOptions;
  readonly #turns = new Map<string, Promise<unknown>>();
  readonly #adding = new Map<string, AbortController>();

  constructor(options: CniPluginOptions) {
    this.#options = options;
  }

  /** Never throws: an error becomes the specification's error object. */
  async call(environment: Environment, stdin: string): Promise<CniAnswer> {
    const started = performance.now();
    const command = environment['CNI_COMMAND'] ?? '';
    const fields = { command: command.slice(0, 16), container: environment['CNI_CONTAINERID']?.slice(0, 64) };
    const { log } = this.#options;
    try {
      const body = await this.#run(parseRequest(environment, stdin));
      this.#options.observe?.(command, 0, performance.now() - started);
      log.debug(
        { ...fields, milliseconds: Math.round(performance.now() - started) },
        'a CNI operation succeeded',
      );
      return { code: 0, body };
    } catch (error) {
      this.#options.observe?.(command, cniCodeOf(error), performance.now() - started);
      log.warn({ ...fields, code: cniCodeOf(error), reason: sentenceOf(error) }, 'a CNI operation failed');
      return renderError(error, versionFor(stdin, newestVersion));
    }
  }

  /** DEL from elsewhere: the queue of releases. */
  async delete(key: AttachmentKey): Promise<void> {
    this.#adding
      .get(nameOf(key))
      ?.abort(new CniError(cniCodes.tryAgainLater, 'deleted', 'DEL came during ADD'));
    await this.#inTurn(key, () => this.#options.network.detach(key));
  }

  async #run(request: CniRequest): Promise<string> {
    switch (request.command) {
      case 'ADD':
        return this.#inTurn(request.key, () => this.#add(request));
      case 'DEL':
        await this.delete(request.key);
        break;
      case 'CHECK':
        await this.#inTurn(request.key, () => this.#check(request));
        break;
      case 'GC':
        await this.#collect(request.valid);
        break;
      case 'STATUS':
        this.#status();
        break;
    }
    return '';
  }

  async #add(request: CniRequest & { command: 'ADD' }): Promise<string> {
    const { network, ipam, pods, gates, clock } = this.#options;
    const { key, sandbox } = request;
    const self = network.self;
    if (self === undefined || self.podPrefixes.length === 0) throw tryAgain(notReady());
    requireSandbox(sandbox);
    const addMilliseconds = this.#options.addMilliseconds ?? defaultAddMilliseconds;
    const abort = new AbortController();
    let reason = unknownSentence(request.pod);
    const late = setTimeout(
      () => abort.abort(new CniError(cniCodes.tryAgainLater, 'late', reason)),
      addMilliseconds,
    );
    this.#adding.set(nameOf(key), abort);
    const end = network.begin(key);
    try {
      const pod = await pods.known(request.pod, abort.signal);
      reason = `it was not through within ${addMilliseconds / 1000} s`;
      const identity = { ...request.pod, uid: pod.metadata.uid ?? request.pod.uid };
      const deadline = clock.now() + 2 * addMilliseconds;
      const { hostPorts } = request;
      const allocation = ipam.reserve(
        { ...key, pod: identity, sandbox, deadline, hostPorts },
        self.podPrefixes,
      );
      await this.#passGates(gates, pod, allocation, abort.signal);
      const { attachment, mtu } = await network.attach(allocation);
      return renderResult(resultOf(attachment, sandbox, mtu, request.previous), request.version);
    } finally {
      clearTimeout(late);
      end();
      this.#adding.delete(nameOf(key));
    }
  }

  async #passGates(
    gates: readonly PodGate[],
    pod: Parameters<PodGate['admit']>[0],
    allocation: Allocation,
    signal: AbortSignal,
  ): Promise<void> {
    for (const gate of gates) {
      try {
        await gate.admit(pod, attachmentOf(allocation), signal);
        signal.throwIfAborted();
      } catch (cause) {
        this.#options.ipam.release([allocation]);
        throw new CniError(cniCodes.tryAgainLater, 'gate', `${gate.name} is not ready for the pod`, {
          cause,
        });
      }
    }
  }

  async #check(request: CniRequest & { command: 'CHECK' }): Promise<void> {
    const { network, ipam } = this.#options;
    const { key, sandbox, previous } = request;
    requireSandbox(sandbox);
    const allocation = ipam.get(key);
    if (allocation === undefined || allocation.state !== 'assigned')
      throw checkFailed([`${key.containerId}/${key.interfaceName} has no addresses`]);
    const missing = [
      ...resultDifferences(allocation, previous),
      ...(await network.verify({ ...allocation, sandbox })),
    ];
    if (missing.length > 0) throw checkFailed(missing);
  }

  /** Goes on after a failure; the first one is told. */
  async #collect(valid: readonly AttachmentKey[]): Promise<void> {
    const keep = new Set(valid.map(nameOf));
    const failures: unknown[] = [];
    for (const allocation of this.#options.ipam.list()) {
      if (keep.has(nameOf(allocation)) || this.#adding.has(nameOf(allocation))) continue;
      try {
        await this.delete(allocation);
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }

  #status(): void {
    const { network, ipam } = this.#options;
    const self = network.self;
    if (self === undefined || self.podPrefixes.length === 0)
      throw new CniError(cniCodes.notAvailable, 'not-available', notReady().message);
    for (const prefix of self.podPrefixes) {
      const { taken, capacity } = ipam.usage(prefix);
      if (BigInt(taken) < capacity) continue;
      const sentence = `all ${capacity} addresses of ${formatPrefix(prefix)} are taken`;
      throw new CniError(cniCodes.notAvailable, 'exhausted', sentence);
    }
  }

  async #inTurn<T>(key: AttachmentKey, work: () => Promise<T>): Promise<T> {
    const name = nameOf(key);
    const before = this.#turns.get(name);
    const turn = (async () => {
      // The operation before has told its own caller how it went.
      await before?.catch(() => undefined);
      return work();
    })();
    this.#turns.set(name, turn);
    try {
      return await turn;
    } finally {
      if (this.#turns.get(name) === turn) this.#turns.delete(name);
    }
  }
}

const unknownSentence = (pod: PodReference): string =>
  `the agent did not learn in time that the pod ${pod.namespace}/${pod.name} is one of this node's`;

const nameOf = (key: AttachmentKey): string => `${key.containerId}/${key.interfaceName}`;

/** Later plugins of a chain may have added to the result; what ADD gave has to be in it. */
function resultDifferences(allocation: Allocation, previous: CniResult): readonly string[] {
  const interfaceIndex = previous.interfaces.findIndex(
    entry => entry.name === allocation.interfaceName && (entry.sandbox ?? '') !== '',
  );
  if (interfaceIndex < 0) return [`prevResult has no interface ${allocation.interfaceName} in the pod`];
  return allocation.addresses
    .map(address => `${formatAddress(address)}/${bitsOf(address.family)}`)
    .filter(text => !previous.ips.some(entry => entry.address === text))
    .map(text => `prevResult does not have the address ${text}`);
}

function checkFailed(missing: readonly string[]): CniError {
  return new CniError(
    cniCodes.checkFailed,
    'check',
    `the attachment is not as ADD left it: ${missing.join('; ')}`,
  );
}

function tryAgain(error: Error): CniError {
  return new CniError(cniCodes.tryAgainLater, 'not-ready', error.message);
}
