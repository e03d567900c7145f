import type { Address } from '../../base/ip.ts';
import type { Log } from '../../base/log.ts';
import type { CompiledAnswer } from '../compile-answer.ts';
import type { ClusterNames } from '../compile-cluster.ts';
import type { DnsConfig } from '../config/config.ts';
import type { UpstreamQuestion } from '../forward/upstream-message.ts';
import type { DnsMetrics } from '../metrics.ts';
import { flags, rcodes, textOfName, types } from '../wire/index.ts';
import type { NameKey, Query } from '../wire/index.ts';
import { AccessList } from './access-list.ts';
import { completed, completionsOf } from './autopath.ts';
import { addressesOf, joinAliases, renamed } from './compose.ts';
import type { HostsTable } from './hosts-table.ts';
import type { NameGate } from './name-gate.ts';
import { codeOnly } from './reply.ts';
import type { Reply } from './reply.ts';
import { Resolver } from './resolver.ts';
import { Rewriter } from './rewriter.ts';

export interface PipelineOptions {
  readonly names: ClusterNames;
  readonly config: DnsConfig;
  readonly hosts: HostsTable | undefined;
  readonly gate: NameGate | undefined;
  /** The namespace of a pod of this node, by its address. */
  readonly namespaceOf?: (client: Address) => string | undefined;
  readonly random: () => number;
  /** Milliseconds that only go forward. */
  readonly now: () => number;
  readonly metrics: DnsMetrics;
  readonly log: Log;
}

/** Who asks: an address, looked at only by those who need it. */
export type Client = () => Address | undefined;

/**
 * What becomes of a question, in this order; what a step does not know is the next one's.
 *
 *   access list ─▶ rewriting ─▶ hosts ─▶ names of the cluster ─▶ cache ─▶ upstreams
 *                                              └── alias of an outside name ──▶┘        then: policies that wait for the name
 */
export class Pipeline {
  readonly names: ClusterNames;
  readonly resolver: Resolver;
  readonly config: DnsConfig;
  /** Names of the cluster come first, and nothing has to be known of who asks. */
  readonly #isPlain: boolean;
  readonly #options: PipelineOptions;
  readonly #access: AccessList | undefined;
  readonly #rewriter: Rewriter | undefined;

  constructor(options: PipelineOptions) {
    const { names, config, random, now, metrics, log } = options;
    this.#options = options;
    this.names = names;
    this.config = config;
    const { forward, cache, loopDetection } = config;
    this.resolver = new Resolver({ forward, cache, loopDetection, random, now, metrics, log });
    this.#access = config.acl.length === 0 ? undefined : new AccessList(config.acl);
    this.#rewriter = config.rewrite.length === 0 ? undefined : new Rewriter(config.rewrite);
    this.#isPlain =
      this.#access === undefined &&
      this.#rewriter === undefined &&
      options.hosts === undefined &&
      config.log === 'none';
  }

  /** The names alone say what is answered, but for policies that wait for some of them. */
  get isPlain(): boolean {
    return this.#isPlain;
  }

  /**
   * While it stays the same, so does what `direct` answers to a question, whoever asks. Undefined: questions have to go the
   * long way, as who asks, or who waits for the answer, makes a difference.
   */
  get stamp(): number | undefined {
    return this.#isPlain && this.#options.gate?.isIdle !== false ? this.names.version : undefined;
  }

  /** The short way, while there is a stamp: undefined where the question has to go the long one. */
  direct(query: Query): CompiledAnswer | undefined {
    const answer = this.names.answer(query.key, query.type);
    // Another entry of somebody's search list may have it.
    if (this.config.autopath && answer?.rcode === rcodes.NXDOMAIN) return undefined;
    return answer?.continues === undefined ? answer : undefined;
  }

  /** `drop`: the client gets no answer. */
  answer(query: Query, client: Client): Reply | Promise<Reply> | 'drop' {
    const verdict = this.#access?.verdict(query.key, query.type, client()) ?? 'allow';
    if (verdict === 'drop') return 'drop';
    if (verdict === 'block') return codeOnly(rcodes.REFUSED, 'acl');
    if (verdict === 'filter') return codeOnly(rcodes.NOERROR, 'acl');
    const rewritten = this.#rewriter?.rewrite(query.key, query.type);
    if (rewritten === undefined) {
      const own = this.#find(query, query.key, query.type);
      return this.#gated(query.key, this.#complete(query, own, client) ?? own);
    }
    const found = this.#find(query, rewritten.key, rewritten.type);
    const back = (reply: Reply) => renamed(query.key, rewritten.key, reply);
    return this.#gated(query.key, found instanceof Promise ? found.then(back) : back(found));
  }

  /** What the access list says, for its metrics. */
  verdict(query: Query, client: Client): 'allow' | 'block' | 'filter' | 'drop' | undefined {
    return this.#access?.verdict(query.key, query.type, client());
  }

  close(): void {
    this.resolver.close();
  }

  #find(query: Query, key: NameKey, type: number): Reply | Promise<Reply> {
    const listed = this.#options.hosts?.answer(key, type);
    if (listed !== undefined) return { answer: listed, age: 0, by: 'hosts' };
    const own = this.names.answer(key, type);
    // A transfer is many messages of one connection (RFC 5936): nobody is asked for those of others.
    if (own === undefined && (type === types.AXFR || type === types.IXFR))
      return codeOnly(rcodes.REFUSED, 'transfer');
    if (own === undefined) return this.resolver.resolve(upstreamQuestion(query, key, type));
    if (own.continues === undefined || type === types.CNAME) return { answer: own, age: 0, by: 'kubernetes' };
    return this.#chase(query, key, type, own, own.continues);
  }

  /** Undefined where the answer stands as it is. */
  #complete(query: Query, own: Reply | Promise<Reply>, client: Client): Promise<Reply> | undefined {
    const { metrics, namespaceOf } = this.#options;
    if (!this.config.autopath || namespaceOf === undefined || own instanceof Promise) return undefined;
    const { answer, by } = own;
    if (by !== 'kubernetes' || answer.rcode !== rcodes.NXDOMAIN || answer.answers > 0) return undefined;
    const from = client();
    const namespace = from === undefined ? undefined : namespaceOf(from);
    if (namespace === undefined) return undefined;
    const { key, type } = query;
    const keys = completionsOf(this.names, key, namespace);
    const tryAll = async (): Promise<Reply> => {
      for (const next of keys) {
        // What this client may not ask, or is told by another name, it has to ask for itself.
        if ((this.#access?.verdict(next, type, from) ?? 'allow') !== 'allow') return own;
        if (this.#rewriter?.rewrite(next, type) !== undefined) return own;
        const reply = await this.#find(query, next, type);
        if (reply.answer.rcode !== rcodes.NOERROR) continue;
        metrics.autopathSuccesses.add();
        return completed(key, next, reply, this.names);
      }
      return own;
    };
    return keys.length === 0 ? undefined : tryAll();
  }

  #chase(
    query: Query,
    key: NameKey,
    type: number,
    aliases: CompiledAnswer,
    target: NameKey,
  ): Reply | Promise<Reply> {
    const asIs: Reply = { answer: aliases, age: 0, by: 'kubernetes' };
    const hosts = this.#options.hosts?.answer(target, type);
    const join = (reply: Reply): Reply =>
      // Without anybody to ask, the alias is what there is to say.
      reply.answer.rcode === rcodes.REFUSED
        ? asIs
        : { ...joinAliases(key, aliases, target, reply), by: 'kubernetes' };
    if (hosts !== undefined) return join({ answer: hosts, age: 0, by: 'hosts' });
    if (!this.resolver.hasUpstreams) return asIs;
    const found = this.resolver.resolve(upstreamQuestion(query, target, type));
    return found instanceof Promise ? found.then(join) : join(found);
  }

  /** Holds an answer with addresses until the policies that wait for its names have them. */
  #gated(key: NameKey, found: Reply | Promise<Reply>): Reply | Promise<Reply> {
    const { gate } = this.#options;
    if (gate === undefined || gate.isIdle) return found;
    return found instanceof Promise
      ? found.then(reply => this.#told(gate, key, reply))
      : this.#told(gate, key, found);
  }

  #told(gate: NameGate, key: NameKey, reply: Reply): Reply | Promise<Reply> {
    if (reply.answer.answers === 0) return reply;
    const { chain, addresses } = addressesOf(key, reply);
    const names = chain.map(name => textOfName(name).toLowerCase());
    if (addresses.length === 0 || !gate.waitsFor(names)) return reply;
    const told = addresses.map(({ data, ttl }) => ({
      address: addressText(data),
      ttl: Math.max(0, ttl - Math.min(ttl, reply.age)),
    }));
    return gate.announce(names, told).then(() => reply);
  }
}

function upstreamQuestion(query: Query, key: NameKey, type: number): UpstreamQuestion {
  return {
    key,
    type,
    recursionDesired: (query.flags & flags.RD) !== 0,
    checkingDisabled: (query.flags & flags.CD) !== 0,
    dnssecOk: query.edns?.dnssecOk ?? false,
  };
}

const addressText = (data: Buffer): string =>
  data.length === 4
    ? [...data].join('.')
    : Array.from({ length: 8 }, (_, index) => data.readUInt16BE(2 * index).toString(16)).join(':');
