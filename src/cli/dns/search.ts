/** What a C library makes of a name (resolv.conf(5)): which names it asks for, in which order. */
export interface SearchPlan {
  readonly nameservers: readonly string[];
  readonly searches: readonly string[];
  readonly ndots: number;
  readonly candidates: readonly Candidate[];
}

export interface Candidate {
  readonly name: string;
  /** From the search list, counted from 1; absent for the name as it was given. */
  readonly searchEntry?: number;
}

/** A library reads three. */
const mostNameservers = 3;

export function planSearch(name: string, resolvConf: string): SearchPlan {
  const lines = resolvConf.split('\n').map(line =>
    line
      .replace(/[#;].*$/, '')
      .trim()
      .split(/\s+/),
  );
  const valuesOf = (keyword: string) =>
    lines.filter(([first]) => first === keyword).map(([, ...rest]) => rest);
  const ndotsText = valuesOf('options')
    .flat()
    .findLast(option => option.startsWith('ndots:'));
  const ndots = Math.min(15, Number.parseInt(ndotsText?.slice('ndots:'.length) ?? '1', 10) || 0);
  const searches = valuesOf('search').at(-1) ?? [];
  const nameservers = valuesOf('nameserver')
    .flatMap(([server]) => server ?? [])
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
