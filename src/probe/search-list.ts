import { formatAddress, parseAddress } from '../base/ip.ts';

/** What a C library makes of a name (resolv.conf(5)): whom it asks, for which names, in which order. */
export interface SearchPlan {
  readonly nameservers: readonly string[];
  readonly searches: readonly string[];
  readonly ndots: number;
  readonly candidates: readonly Candidate[];
}

interface Candidate {
  readonly name: string;
  /** From the search list, counted from 1; absent for the name as it was given. */
  readonly searchEntry?: number;
}

/** A library reads three servers, and no more than fifteen dots. */
const mostNameservers = 3;
const mostDots = 15;

/** `resolvConf` is the text of /etc/resolv.conf. */
export function planSearch(name: string, resolvConf: string): SearchPlan {
  const lines = resolvConf.split('\n').map(line =>
    line
      .replace(/[#;].*$/, '')
      .trim()
      .split(/\s+/),
  );
  const valuesOf = (keyword: string) =>
    lines.filter(([first]) => first === keyword).map(([, ...rest]) => rest);
  const option = valuesOf('options')
    .flat()
    .findLast(word => word.startsWith('ndots:'));
  const ndots = Math.min(mostDots, Number.parseInt(option?.slice('ndots:'.length) ?? '1', 10) || 0);
  const searches = valuesOf('search').at(-1) ?? [];
  const nameservers = valuesOf('nameserver')
    .flatMap(([server = '']) => (parseAddress(server) === undefined ? [] : [server]))
    .slice(0, mostNameservers);
  return { nameservers, searches, ndots, candidates: candidatesOf(name, searches, ndots) };
}

function candidatesOf(name: string, searches: readonly string[], ndots: number): readonly Candidate[] {
  if (name.endsWith('.')) return [{ name: name.replace(/(.)\.$/, '$1') }];
  const searched = searches.map((domain, index) => ({
    name: `${name}.${domain.replace(/\.$/, '')}`,
    searchEntry: index + 1,
  }));
  return name.split('.').length - 1 >= ndots ? [{ name }, ...searched] : [...searched, { name }];
}

/** The addresses that the text of /etc/hosts has for a name. */
export function addressesInHosts(text: string, name: string): readonly string[] {
  const wanted = name.replace(/\.$/, '').toLowerCase();
  return text.split('\n').flatMap(line => {
    const [address = '', ...names] = line.replace(/#.*$/, '').trim().split(/\s+/);
    const parsed = parseAddress(address);
    const isNamed = names.some(one => one.toLowerCase() === wanted);
    return parsed !== undefined && isNamed ? [formatAddress(parsed)] : [];
  });
}
