/**
 * Answers of DNS on the links of the node's pods: brings the program there, and says which pods it may answer. What it
 * answers the node's DNS server tells it (src/dns/apply-kernel.ts).
 *
 * ```
 *   attachments ──▶ KernelPods ──▶ links, the map of pods
 *                      ▲
 *   PolicyNode ──verdicts──┘  before the rules who may ask no more, after them who may
 * ```
 */
import type { Clock } from '../base/clock.ts';
import { sentenceOf } from '../base/errors.ts';
import { formatAddress, parseAddress } from '../base/ip.ts';
import type { Address } from '../base/ip.ts';
import type { Log } from '../base/log.ts';
import type { Metrics } from '../base/metrics.ts';
import { WorkQueue } from '../base/work-queue.ts';
import { KernelPods } from '../dns/apply-kernel-pods.ts';
import type { KernelPod, MayAsk, PodsKernel } from '../dns/index.ts';
import { bpf } from '../kernel/contract.ts';
import type { KernelWorker } from '../kernel/worker/index.ts';
import type { Change } from '../kube/cache.ts';
import type { Informer } from '../kube/informer.ts';
import type { Node } from '../kube/types/node.ts';
import { decidePolicy } from '../policy/index.ts';
import type { PolicyModel, PolicyNodeOptions } from '../policy/index.ts';

/** On a Node: `off` has all questions answered by its DNS server; it is followed at once. */
export const DNS_KERNEL = 'fairlead.dev/dns-kernel';
export const dnsKernelWishes = ['auto', 'off'] as const;
export type DnsKernelWish = (typeof dnsKernelWishes)[number];

export interface DnsKernelOptions {
  readonly cluster: string;
  readonly node: string;
  readonly worker: PodsKernel & Pick<KernelWorker, 'probe'>;
  /** The compiled program. */
  readonly file: string;
  /** What the agent was started with. */
  readonly option: DnsKernelWish;
  /** Of the cluster's DNS. */
  readonly dnsAddresses: readonly string[];
  readonly nodes: Pick<Informer<Node>, 'synced'> & { readonly cache: Pick<Informer<Node>['cache'], 'get'> };
  /** The node's pods that are wired. */
  readonly pods: () => readonly KernelPod[];
  /** Has verdicts asked again; it may be now or soon. */
  readonly recheck: () => void;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly log: Log;
}

export interface DnsKernelStatus {
  readonly state: 'on' | 'off';
  /** Why, in words. */
  readonly reason: string;
  /** With the program on their links, and those of them that policy lets ask. */
  readonly pods: number;
  readonly allowed: number;
  /** In the kernel; as of the last look. */
  readonly names: number;
  /** Seconds since the API server last confirmed them; null where it never did. */
  readonly ageSeconds: number | null;
}

export interface DnsKernel {
  readonly verdicts: NonNullable<PolicyNodeOptions['verdicts']>;
  /** Pods may have come or gone. */
  podsChanged(): void;
  /** Looks at every link, and has every verdict asked again. */
  reconcile(): void;
  status(): DnsKernelStatus;
  close(): Promise<void>;
}

const probe = 'bpf-tc';

export function followDnsKernel(options: DnsKernelOptions): DnsKernel {
  const { cluster, node, worker, log, clock, nodes } = options;
  const kernel = new KernelPods({ kernel: worker, file: options.file, directory: bpf.dns(cluster, node) });
  const dns = options.dnsAddresses.flatMap(text => parseAddress(text) ?? []);
  const state = {
    reason: 'it is not decided yet',
    isDecided: false,
    names: 0,
    confirmedAt: 0,
    /** Their verdicts are to be asked, whether they changed or not. */
    unasked: new Set<string>(),
  };

  const say = (reason: string): void => {
    if (reason !== state.reason) log.info({ reason }, 'whether the kernel answers is decided');
    state.reason = reason;
    state.isDecided = true;
  };
  const switchOff = async (reason: string): Promise<void> => {
    // Of what an earlier process left nothing is known: until it is decided once, it is taken away.
    if (!state.isDecided || kernel.isOn) await kernel.stop(options.pods().map(({ link }) => link));
    say(reason);
  };

  const decideMode = async (): Promise<void> => {
    const annotation = nodes.cache.get(node)?.metadata.annotations?.[DNS_KERNEL];
    if (annotation === 'off') return switchOff(`the Node's annotation ${DNS_KERNEL} asks for it`);
    if (options.option === 'off' && annotation !== 'auto') return switchOff('--dns-kernel asks for it');
    if (dns.length === 0) return switchOff('the address of the cluster’s DNS is not known');
    const [found] = await worker.probe([probe]);
    if (found?.outcome.is !== 'supported')
      return switchOff(`the kernel does not pass ${probe}: ${found?.outcome.reason ?? 'it was not asked'}`);
    try {
      if (!kernel.isOn) await kernel.start();
      say('the kernel passes its probe');
    } catch (error) {
      await switchOff(`the kernel did not take the program: ${sentenceOf(error)}`);
    }
  };

  let turn: Promise<unknown> = Promise.resolve();
  /** What brings the program to links, and what takes it away: one after the other. */
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const done = turn.then(work, work);
    turn = done;
    return done;
  };
  const isNodeKnown = nodes.synced.then(
    () => true,
    () => false, // stopped before
  );
  const settleNow = async (isWhole: boolean): Promise<void> => {
    // The Node may say otherwise; until then all stands as it was left.
    if (!(await isNodeKnown)) return;
    if (isWhole || !state.isDecided) await decideMode();
    if (!kernel.isOn) return;
    const come = await kernel.settle(options.pods(), isWhole);
    if (isWhole) for (const address of kernel.addresses()) state.unasked.add(address);
    for (const address of come) state.unasked.add(address);
    if (state.unasked.size > 0) options.recheck();
  };
  const settle = (isWhole: boolean): Promise<void> => inTurn(() => settleNow(isWhole));
  const queue = new WorkQueue<'settle' | 'whole'>(work => settle(work === 'whole'), {
    clock,
    onError: (_, error, retryInMilliseconds) =>
      log.error(
        { reason: sentenceOf(error), retryInMilliseconds },
        'pods cannot be answered by the kernel; the DNS server answers them',
      ),
  });

  /** None is better than one that cannot be told who may not ask. */
  const giveUp = async (error: unknown): Promise<void> => {
    state.reason = `pods could not be taken out: ${sentenceOf(error)}`;
    try {
      await inTurn(() => kernel.stop(options.pods().map(({ link }) => link)));
      log.error({ reason: state.reason }, 'the DNS server answers all questions');
    } catch (worse) {
      for (const address of kernel.addresses()) state.unasked.add(address);
      state.reason += `, nor the program off their links: ${sentenceOf(worse)}`;
      log.error({ reason: state.reason }, 'pods that policy forbids to ask may be answered until it can');
    }
  };
  /** What an earlier process let pods ask is to be known before rules that forbid it come into force. */
  const settleFirst = async (): Promise<boolean> => {
    if (state.isDecided && kernel.isSettled === kernel.isOn) return false;
    await settle(true).catch(giveUp);
    return true;
  };

  const verdicts: DnsKernel['verdicts'] = (model, addresses) => {
    // Other verdicts of the server's address are others of everybody.
    const isAll = addresses === undefined || options.dnsAddresses.some(address => addresses.has(address));
    const { unasked } = state;
    state.unasked = new Set();
    let concerned: ReadonlySet<string> = new Set();
    const decided = new Map<string, MayAsk>();
    const mayAsk = (pod: KernelPod): MayAsk => {
      const known = decided.get(pod.link);
      if (known !== undefined) return known;
      const made = mayAskOf(model, pod, dns);
      decided.set(pod.link, made);
      return made;
    };
    return {
      tighten: async () => {
        const isFirst = await settleFirst();
        concerned = isAll || isFirst ? kernel.addresses() : new Set([...addresses, ...unasked]);
        await kernel.deny(concerned, mayAsk).catch(giveUp);
      },
      loosen: async isRefused => {
        if (isRefused) {
          for (const address of kernel.addresses()) state.unasked.add(address);
          await kernel.deny(kernel.addresses(), () => ({ 4: false, 6: false })).catch(giveUp);
          return;
        }
        await kernel.allow(concerned, mayAsk).catch((error: unknown) => {
          // The server answers them; the next turn tries again.
          for (const address of concerned) state.unasked.add(address);
          log.warn({ reason: sentenceOf(error) }, 'pods could not be let ask the kernel');
        });
      },
    };
  };

  const ages = options.metrics.gauge(
    'fairlead_dns_kernel_snapshot_age_seconds',
    'Time since the API server last confirmed the names that the kernel answers; -1 where it never did',
  );
  const counted = options.metrics.gauge(
    'fairlead_dns_kernel_pods',
    'Pods of this node by what the kernel does',
    ['state'],
  );
  const named = options.metrics.gauge('fairlead_dns_kernel_names', 'Names that the kernel answers');
  const age = () =>
    state.confirmedAt === 0 ? undefined : Math.max(0, (clock.now() - state.confirmedAt) / 1000);
  let isReading = false;
  const look = () => {
    if (isReading || !kernel.isOn) return;
    isReading = true;
    kernel
      .state()
      .then(
        ({ confirmedAt, names }) => Object.assign(state, { confirmedAt, names }),
        (error: unknown) => log.debug({ reason: sentenceOf(error) }, 'the age of names cannot be read'),
      )
      .finally(() => (isReading = false));
  };
  // What the kernel says is read apart: a scrape does not wait, it gets that of the look before.
  options.metrics.onCollect(() => {
    const { pods, allowed } = kernel.counts();
    ages.with().set(kernel.isOn ? (age() ?? -1) : -1);
    named.with().set(kernel.isOn ? state.names : 0);
    counted.with('answered').set(allowed);
    counted.with('left to the server').set(pods - allowed);
    look();
  });

  return {
    verdicts,
    podsChanged: () => queue.add('settle'),
    reconcile: () => {
      look();
      queue.add('whole');
    },
    status: () => {
      look();
      return {
        state: kernel.isOn ? 'on' : 'off',
        reason: state.reason,
        ...kernel.counts(),
        names: kernel.isOn ? state.names : 0,
        ageSeconds: (kernel.isOn ? age() : undefined) ?? null,
      };
    },
    close: () => queue.close(),
  };
}

/** Does a change of Nodes say otherwise of this one? */
export function changesDnsKernel({ before, after }: Change<Node>, node: string): boolean {
  const wish = (one: Node | undefined) => one?.metadata.annotations?.[DNS_KERNEL];
  return (after ?? before)?.metadata.name === node && wish(before) !== wish(after);
}

/** Of an address that policies do not know (yet) nothing is known: the rules decide, on the way to the server. */
function mayAskOf(model: PolicyModel, { addresses }: KernelPod, dns: readonly Address[]): MayAsk {
  const mayBy = (family: 4 | 6): boolean => {
    const own = addresses.filter(address => address.family === family);
    const servers = dns.filter(address => address.family === family);
    return (
      own.length > 0 &&
      servers.length > 0 &&
      own.every(source =>
        servers.every(
          destination =>
            model.podsByAddress.has(formatAddress(source)) &&
            decidePolicy(model, { source, destination, protocol: 'UDP', port: 53 }).allowed,
        ),
      )
    );
  };
  return { 4: mayBy(4), 6: mayBy(6) };
}
