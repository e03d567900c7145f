import { formatAddress, parseAddress } from '../base/ip.ts';
import { askName } from './ask-name.ts';
import type { NameReply } from './ask-name.ts';
import type { QuestionType } from './dns-message.ts';

export interface ResolverFiles {
  /** The text of /etc/resolv.conf. */
  readonly resolvConf: string;
  /** The text of /etc/hosts. */
  readonly hosts: string;
}

export interface Resolution {
  /** Those of resolv.conf, in their order. */
  readonly nameservers: readonly string[];
  readonly searches: readonly string[];
  /** /etc/hosts knows the name: nobody is asked. */
  readonly isInHosts: boolean;
  readonly questions: readonly AskedQuestion[];
  /** The name that had addresses. */
  readonly hit?: string;
  readonly addresses: readonly string[];
}

export interface AskedQuestion {
  readonly name: string;
  readonly type: QuestionType;
  readonly server: string;
  readonly reply: NameReply;
}

export interface ResolveOptions {
  readonly namespacePath: string;
  readonly files: ResolverFiles;
  readonly name: string;
  /** For one question to one server. */
  readonly timeoutMilliseconds: number;
  readonly random: () => number;
}

/** resolv.conf(5). */
const mostNameservers = 3;

/** Resolves as a C library does: /etc/hosts, then the search list by `ndots`, A and AAAA of each name at once. */
export async function resolveName(options: ResolveOptions): Promise<Resolution> {
  const { files, name } = options;
  const { ndots, nameservers, searches } = readResolvConf(files.resolvConf);
  const base = { nameservers, searches };
  const known = inHosts(files.hosts, name);
  if (known.length > 0) return { ...base, isInHosts: true, questions: [], hit: name, addresses: known };
  const questions: AskedQuestion[] = [];
  for (const candidate of candidatesOf(name, searches, ndots)) {
    const asked = await askServers(options, nameservers, candidate);
    questions.push(...asked);
    const addresses = addressesIn(asked);
    if (addresses.length > 0) return { ...base, isInHosts: false, questions, hit: candidate, addresses };
    // Nobody answers: with the next name it would be the same.
    if (asked.every(({ reply }) => reply.kind !== 'answer')) break;
  }
  return { ...base, isInHosts: false, questions, addresses: [] };
}

const addressesIn = (asked: readonly AskedQuestion[]): readonly string[] => [
  ...new Set(
    asked.flatMap(({ reply }) =>
      reply.kind === 'answer'
        ? reply.records.filter(({ type }) => type !== 'CNAME').map(({ value }) => value)
        : [],
    ),
  ),
];

/** The first server that answers; each has its time. */
async function askServers(
  { namespacePath, random, timeoutMilliseconds }: ResolveOptions,
  nameservers: readonly string[],
  name: string,
): Promise<readonly AskedQuestion[]> {
  const all: AskedQuestion[] = [];
  for (const server of nameservers) {
    const asked = await Promise.all(
      (['A', 'AAAA'] as const).map(async type => ({
        name,
        type,
        server,
        reply: await askName({ namespacePath, server, name, type, timeoutMilliseconds, random }),
      })),
    );
    all.push(...asked);
    if (asked.some(({ reply }) => reply.kind === 'answer')) break;
  }
  return all;
}

function candidatesOf(name: string, searches: readonly string[], ndots: number): readonly string[] {
  if (name.endsWith('.')) return [name.slice(0, -1)];
  const searched = searches.map(domain => `${name}.${domain.replace(/\.$/, '')}`);
  return name.split('.').length - 1 >= ndots ? [name, ...searched] : [...searched, name];
}

function readResolvConf(text: string) {
  const words = text.split('\n').map(line =>
    line
      .replace(/[#;].*$/, '')
      .trim()
      .split(/\s+/),
  );
  const valuesOf = (keyword: string) =>
    words.filter(([first]) => first === keyword).map(([, ...rest]) => rest);
  const option = valuesOf('options')
    .flat()
    .find(word => word.startsWith('ndots:'));
  const ndots = Number(option?.slice('ndots:'.length) ?? 1);
  return {
    nameservers: valuesOf('nameserver')
      .flatMap(([server = '']) => (parseAddress(server) === undefined ? [] : [server]))
      .slice(0, mostNameservers),
    searches: valuesOf('search').at(-1) ?? [],
    ndots: Number.isInteger(ndots) ? ndots : 1,
  };
}

function inHosts(text: string, name: string): readonly string[] {
  const wanted = name.replace(/\.$/, '').toLowerCase();
  return text.split('\n').flatMap(line => {
    const [address = '', ...names] = line.replace(/#.*$/, '').trim().split(/\s+/);
    const parsed = parseAddress(address);
    const isNamed = names.some(one => one.toLowerCase() === wanted);
    return parsed !== undefined && isNamed ? [formatAddress(parsed)] : [];
  });
}
