import { askName } from './ask-name.ts';
import type { NameReply } from './ask-name.ts';
import { addressesInHosts, planSearch } from './search-list.ts';
import type { SearchPlan } from './search-list.ts';

export interface ResolverFiles {
  /** The text of /etc/resolv.conf. */
  readonly resolvConf: string;
  /** The text of /etc/hosts. */
  readonly hosts: string;
}

export interface Resolution {
  readonly plan: SearchPlan;
  /** What /etc/hosts has for the name: then nobody is asked. */
  readonly inHosts: readonly string[];
  readonly questions: readonly AskedQuestion[];
  /** The name that had records of a type that was asked for. */
  readonly hit?: string;
  /** Those of A and AAAA records of the hit, or of /etc/hosts. */
  readonly addresses: readonly string[];
}

export interface AskedQuestion extends NameReply {
  readonly name: string;
  readonly type: string;
  readonly server: string;
  /** Of the search list, counted from 1; absent for the name as it was given. */
  readonly searchEntry?: number;
}

export interface ResolveOptions {
  readonly namespacePath: string;
  readonly files: ResolverFiles;
  readonly name: string;
  /** All at once; A and AAAA where none are given, as a C library asks. */
  readonly types?: readonly string[];
  /** For one question to one server. */
  readonly timeoutMilliseconds: number;
  readonly random: () => number;
}

/** Resolves as a C library does: /etc/hosts, then the search list by `ndots`; of the servers the first that says anything. */
export async function resolveName(options: ResolveOptions): Promise<Resolution> {
  const { files, name, types = ['A', 'AAAA'] } = options;
  const plan = planSearch(name, files.resolvConf);
  const inHosts = addressesInHosts(files.hosts, name);
  if (inHosts.length > 0) return { plan, inHosts, questions: [], hit: name, addresses: inHosts };
  const questions: AskedQuestion[] = [];
  for (const candidate of plan.candidates) {
    const asked = await askServers(options, plan.nameservers, candidate, types);
    questions.push(...asked);
    const records = asked.flatMap(({ answer }) => answer?.answers ?? []);
    const addresses = records.filter(({ type }) => type === 'A' || type === 'AAAA').map(({ data }) => data);
    // An alias that leads nowhere is no answer, unless it was asked for.
    if (records.some(({ type }) => types.includes(type)))
      return { plan, inHosts, questions, hit: candidate.name, addresses: [...new Set(addresses)] };
    // Nobody answers: with the next name it would be the same.
    if (asked.every(({ answer }) => answer === undefined)) break;
  }
  return { plan, inHosts, questions, addresses: [] };
}

/** The first server that answers; each has its time. */
async function askServers(
  { namespacePath, random, timeoutMilliseconds }: ResolveOptions,
  nameservers: readonly string[],
  candidate: { readonly name: string; readonly searchEntry?: number },
  types: readonly string[],
): Promise<readonly AskedQuestion[]> {
  const all: AskedQuestion[] = [];
  for (const server of nameservers) {
    const asked = await Promise.all(
      types.map(async type => {
        const question = { namespacePath, server, name: candidate.name, type, timeoutMilliseconds };
        return { ...candidate, type, server, ...(await askName(question, random)) };
      }),
    );
    all.push(...asked);
    if (asked.some(({ answer }) => answer !== undefined)) break;
  }
  return all;
}
