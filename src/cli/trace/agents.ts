import { join } from 'node:path';
import { sentenceOf } from '../../base/errors.ts';
import type { FlowEvent } from '../../base/flow-event.ts';
import { objectNameOf } from '../../base/provenance.ts';
import type { Provenance } from '../../base/provenance.ts';
import type {
  CounterChange,
  DropReport,
  Judgement,
  ObservedConnection,
  ServiceChange,
  TrackedConnection,
} from '../../insight/trace/index.ts';
import { paths } from '../../kernel/contract.ts';
import { askAgent } from '../../probe/index.ts';
import { endOf } from './hop-text.ts';

const timeoutMilliseconds = 3000;

/** A counter at one moment; `key` names it among those of all nodes and flows. */
interface Counted extends Omit<CounterChange, 'before' | 'after'> {
  readonly key: string;
  readonly packets: number;
}

/** As src/agent/observe.ts answers. */
interface CountersAnswer {
  readonly counters: readonly {
    readonly direction: 'egress' | 'ingress';
    readonly does: 'allow' | 'drop';
    readonly chain: string;
    readonly element?: { readonly set: string; readonly key: string };
    readonly rules: readonly { readonly provenance: Provenance }[];
    readonly policies: readonly Provenance[];
    readonly packets: number;
  }[];
}

interface ServiceAnswer {
  readonly accepted: number;
  readonly rejected: number;
  readonly dropped?: number;
  readonly endpoints: readonly {
    readonly address: string;
    readonly port: number;
    readonly packets: number;
  }[];
}

export interface ServicePlace {
  readonly node: string;
  readonly address: string;
  readonly port: number;
  readonly protocol: string;
}

/** The agents of a cluster's nodes, asked for what their kernels saw. Who does not answer is named in `silent`. */
export class Agents {
  readonly #cluster: string;
  /** Sentences by node: who is silent once is not asked again. */
  readonly #silent = new Map<string, string>();

  constructor(cluster: string) {
    this.#cluster = cluster;
  }

  get silent(): readonly string[] {
    return [...this.#silent.values()];
  }

  /** Of the policies of both ends of each flow, where an end is isolated. */
  async counters(flows: readonly Judgement[]): Promise<readonly Counted[]> {
    const counted: Counted[] = [];
    for (const flow of flows) {
      const { from, protocol, seenAs = from, to } = flow;
      const asked = [
        { node: from.node ?? seenAs.node, source: from.address },
        { node: to.node, source: to.node === seenAs.node ? from.address : seenAs.address },
      ];
      const unique = new Map(asked.map(one => [`${one.node ?? ''} ${one.source}`, one]));
      for (const { node, source } of unique.values()) {
        if (node === undefined) continue;
        const query = new URLSearchParams({
          source,
          destination: to.address,
          protocol,
          port: String(to.port ?? 0),
          hairpin: String(from.address === to.address),
        });
        const answer = await this.#ask<CountersAnswer>(node, `/observe/counters?${query.toString()}`);
        for (const { chain, direction, does, element, packets, policies, rules } of answer?.counters ?? []) {
          const place = element === undefined ? chain : `${element.set} { ${element.key} }`;
          const by =
            rules.length > 0 ? rules.map(one => ruleName(one.provenance)) : policies.map(objectNameOf);
          const isRule = rules.length > 0;
          const key = `${node} ${source} ${to.address} ${direction} ${place}`;
          const ends = { source, destination: to.address };
          counted.push({ node, ...ends, direction, does, place, by, isRule, key, packets });
        }
      }
    }
    return counted;
  }

  /** Entries that begin at this end. */
  async tracked(
    nodes: readonly string[],
    end: { readonly address: string; readonly port: number },
    protocol: string,
  ): Promise<readonly TrackedConnection[]> {
    const query = new URLSearchParams({ address: end.address, port: String(end.port), protocol });
    const answers = await this.#askAll<{ readonly connections: readonly Omit<TrackedConnection, 'node'>[] }>(
      nodes,
      `/observe/connections?${query.toString()}`,
    );
    return answers.flatMap(({ answer, node }) =>
      answer.connections.map(({ mark, original, reply }) => ({ node, original, reply, mark })),
    );
  }

  /** How each node's routes lead to the pods of the others. */
  async ways(nodes: readonly string[]): Promise<ObservedConnection['ways']> {
    const answers = await this.#askAll<{ readonly peers: readonly Omit<Way, 'from'>[] }>(nodes, '/status');
    return answers.flatMap(({ answer, node }) => answer.peers.map(peer => ({ from: node, ...peer })));
  }

  service({ node, ...at }: ServicePlace): Promise<ServiceAnswer | undefined> {
    const query = new URLSearchParams({ ...at, port: String(at.port) });
    return this.#ask(node, `/observe/services?${query.toString()}`);
  }

  /** What was dropped of these flows since a moment, in milliseconds since 1970. */
  async drops(
    nodes: readonly string[],
    flows: readonly Judgement[],
    since: number,
  ): Promise<readonly DropReport[]> {
    const events = await this.#events(nodes, { since: String(since) });
    const isOurs = ({ destination, source }: FlowEvent) =>
      flows.some(
        ({ from, seenAs, to }) =>
          (from.address === source.address || seenAs?.address === source.address) &&
          to.address === destination.address &&
          to.port === destination.port,
      );
    return events.filter(isOurs).map(reportOf);
  }

  /** What was dropped on its way from one of these addresses to a port. */
  async dropsFrom(
    node: string,
    addresses: readonly string[],
    port: number,
    since: number,
  ): Promise<readonly DropReport[]> {
    const events = await this.#events([node], { since: String(since), port: String(port) });
    return events.filter(({ source }) => addresses.includes(source.address)).map(reportOf);
  }

  async #events(
    nodes: readonly string[],
    filter: Readonly<Record<string, string>>,
  ): Promise<readonly FlowEvent[]> {
    const path = `/observe/drops?${new URLSearchParams(filter).toString()}`;
    const answers = await this.#askAll<{ readonly events: readonly FlowEvent[] }>(nodes, path);
    return answers.flatMap(({ answer }) => answer.events);
  }

  async #askAll<T>(nodes: readonly string[], path: string) {
    const answers = await Promise.all(
      nodes.map(async node => ({ node, answer: await this.#ask<T>(node, path) })),
    );
    return answers.flatMap(({ answer, node }) => (answer === undefined ? [] : [{ node, answer }]));
  }

  /** Undefined where the agent does not answer. */
  async #ask<T>(node: string, path: string): Promise<T | undefined> {
    if (this.#silent.has(node)) return undefined;
    try {
      const socket = join(paths.nodeRun(this.#cluster, node), 'agent.sock');
      return (await askAgent(socket, path, timeoutMilliseconds)) as T; // as src/agent/observe.ts says
    } catch (error) {
      this.#silent.set(node, `${node}: ${sentenceOf(error)}`);
      return undefined;
    }
  }
}

type Way = ObservedConnection['ways'][number];

const reportOf = ({ destination, direction, node, packets, source, why }: FlowEvent): DropReport => ({
  node,
  direction,
  source: endOf(source),
  destination: endOf(destination),
  packets,
  rule: why.rule,
  sentence: why.sentence,
});

const ruleName = (provenance: Provenance): string => `${objectNameOf(provenance)} ${provenance.field}`;

/** What moved between two moments. */
export function counterChanges(
  before: readonly Counted[],
  after: readonly Counted[],
): readonly CounterChange[] {
  const later = new Map(after.map(counted => [counted.key, counted.packets]));
  return before.flatMap(({ key, packets, ...counter }) => {
    const then = later.get(key);
    return then === undefined ? [] : [{ ...counter, before: packets, after: then }];
  });
}

export function serviceChange(
  node: string,
  before: ServiceAnswer | undefined,
  after: ServiceAnswer | undefined,
): ServiceChange | undefined {
  if (before === undefined || after === undefined) return undefined;
  const earlier = new Map(before.endpoints.map(one => [`${one.address} ${one.port}`, one.packets]));
  return {
    node,
    accepted: after.accepted - before.accepted,
    rejected: after.rejected - before.rejected,
    dropped: (after.dropped ?? 0) - (before.dropped ?? 0),
    endpoints: after.endpoints.map(({ address, packets, port }) => ({
      address,
      port,
      drawn: Math.max(0, packets - (earlier.get(`${address} ${port}`) ?? 0)),
    })),
  };
}
