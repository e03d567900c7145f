import { expandPattern } from '../pattern/expand-pattern.ts';
import type { Branch } from '../pattern/expand-pattern.ts';
import { isRewritten } from '../servers.ts';
import type { Location, Server } from '../servers.ts';
import { parsePattern } from '../pattern/parse-pattern.ts';
import { rewriteOf } from './rewrite.ts';
import type { Rewrite } from './rewrite.ts';
import { BEYOND } from './target.ts';
import type { Target } from './target.ts';

/** One path of a host in the form of a route's match, and what is done with it. */
export interface Entry {
  readonly type: 'Exact' | 'PathPrefix' | 'RegularExpression';
  readonly path: string;
  readonly location: Location;
  /** Absent: the path reaches the backend as it is. */
  readonly rewrite?: Rewrite;
  /** nginx' own answer to a path without its last slash: 301 to the path with it. */
  readonly addsSlash?: true;
}

/** Where an entry and the old location part, with a path that shows it. */
export interface PathDifference {
  readonly location: Location;
  readonly code: 'regex-spread' | 'case-folding' | 'literal-pattern' | 'rewrite';
  readonly sentence: string;
  readonly path: string;
}

/** A path that no match of the Gateway API says. */
export interface LostPath {
  readonly location: Location;
  readonly why: string;
}

export interface HostEntries {
  readonly entries: readonly Entry[];
  readonly differences: readonly PathDifference[];
  readonly lost: readonly LostPath[];
  /** Locations of which nothing is left: an earlier one takes all their requests. */
  readonly hidden: readonly Location[];
}

/** The locations of a host as matches, so that the longest match finds what nginx finds. */
export function entriesOf(server: Server, { features }: Target): HostEntries {
  if (!server.regular) return plainEntries(server.locations);
  const exact = features.has(BEYOND.regularPaths) ? patternEntries(server.locations) : undefined;
  return exact ?? regularEntries(server.locations);
}

/**
 * The patterns as they are, for a class that takes them: then they ignore case and are open at their end as in nginx, and
 * the longer one goes first. undefined where a rewrite keeps a part of the path, or a pattern is not of RE2.
 */
function patternEntries(locations: readonly Location[]): HostEntries | undefined {
  const entries: Entry[] = [];
  for (const location of locations)
    for (const { pattern } of patternsOf(location)) {
      if (!isOfRe2(pattern)) return undefined;
      const target = location.ingress?.annotations.text('rewrite-target') ?? '';
      const rewritten = isRewritten(location);
      if (rewritten && !/^\/[^?$]*$/.test(target)) return undefined;
      entries.push({
        type: 'RegularExpression',
        path: `(?i)${pattern}.*`,
        location,
        ...(rewritten ? { rewrite: { type: 'full', value: target } } : {}),
      });
    }
  return { entries, differences: [], lost: [], hidden: [] };
}

/** Of the syntax that PCRE and RE2 share, without alternatives outside of a group; it is compiled, and never run. */
function isOfRe2(pattern: string): boolean {
  if (pattern.length > 500 || /\(\?(?!:)|\\[1-9A-Zghkux]|[*+?}]\+|\[\[/.test(pattern)) return false;
  if (parsePattern(pattern).is === 'choice') return false;
  try {
    return new RegExp(pattern).source !== '';
  } catch {
    return false;
  }
}

/** Without regular expressions nginx takes the exact path, else the longest prefix, as a gateway does. */
function plainEntries(locations: readonly Location[]): HostEntries {
  const entries = new Map<string, Entry>();
  const lost: LostPath[] = [];
  const add = (entry: Entry) => {
    const key = `${entry.type} ${entry.path}`;
    if (!entries.has(key)) entries.set(key, entry);
  };
  const taken = new Set(locations.filter(({ path }) => !path.endsWith('/')).map(({ path }) => path));
  for (const location of locations) {
    const path = writtenPath(location.path);
    if (path === undefined) {
      lost.push({ location, why: `${JSON.stringify(location.path)} is no path that a match can have` });
      continue;
    }
    if (location.type === 'Exact') add({ type: 'Exact', path, location });
    else add({ type: 'PathPrefix', path: withoutSlash(path), location });
    const short = withoutSlash(path);
    if (path.endsWith('/') && path !== '/' && !taken.has(withoutSlash(location.path)))
      add({ type: 'Exact', path: short, location, addsSlash: true });
  }
  const differences = locations
    .filter(({ path }) => /[()|*\\[\]{}^$]/.test(path))
    .map((location): PathDifference => ({
      location,
      code: 'literal-pattern',
      path: location.path,
      sentence: `Nothing makes a regular expression of ${location.path}: the controller takes it as it is written, so that nobody comes there.`,
    }));
  return { entries: [...entries.values()], differences, lost, hidden: [] };
}

interface Tried {
  readonly location: Location;
  readonly branch: Branch;
  readonly path: string;
  readonly rewrite: Rewrite | undefined;
  /** Its place among all of the host. */
  readonly place: number;
}

/** The branches of a host, found by what they begin with: hosts with thousands of paths are asked about each of them. */
class TriedBranches {
  readonly all: Tried[] = [];
  readonly #byText = new Map<string, Tried[]>();

  add(one: Omit<Tried, 'place'>): void {
    const tried = { ...one, place: this.all.length };
    const text = one.branch.text.toLowerCase();
    this.all.push(tried);
    this.#byText.set(text, [...(this.#byText.get(text) ?? []), tried]);
  }

  /** Everything that the branch matches, one before it does. */
  hide(branch: Branch): boolean {
    return this.#startsOf(branch.text).some(({ branch: first }) => hides(first, branch));
  }

  /** The first that takes a path. */
  ownerOf(path: string): Tried | undefined {
    const takers = this.#startsOf(path).filter(({ branch }) => takes(branch, path));
    return takers.reduce<Tried | undefined>(
      (first, one) => (first === undefined || one.place < first.place ? one : first),
      undefined,
    );
  }

  #startsOf(text: string): readonly Tried[] {
    const found: Tried[] = [];
    const folded = text.toLowerCase();
    for (let length = 0; length <= folded.length; length++) {
      const there = this.#byText.get(folded.slice(0, length));
      if (there !== undefined) found.push(...there);
    }
    return found;
  }
}

/**
 * With regular expressions nginx takes the first location that matches. What an earlier one hides is left out, so that the
 * longest match is the first one.
 */
function regularEntries(locations: readonly Location[]): HostEntries {
  const differences: PathDifference[] = [];
  const lost: LostPath[] = [];
  const tried = new TriedBranches();
  for (const location of locations)
    for (const { field, pattern } of patternsOf(location)) {
      const { branches, why } = expandPattern(pattern);
      if (branches === undefined) {
        lost.push({ location, why: `the regular expression ${JSON.stringify(field)} is not plain: ${why}` });
        continue;
      }
      for (const branch of branches) {
        const path = writtenPath(branch.text === '' ? '/' : branch.text);
        const rewrite = rewriteOf(location, branch);
        if (path === undefined)
          lost.push({ location, why: `${JSON.stringify(branch.text)} is no path that a match can have` });
        else if (rewrite !== undefined && 'why' in rewrite) lost.push({ location, why: rewrite.why });
        else if (!tried.hide(branch)) tried.add({ location, branch, path, rewrite });
      }
    }
  const reached = new Set([...tried.all, ...lost].map(({ location }) => location));
  const entries = new Map<string, Entry>();
  const add = ({ location, path, rewrite, type }: Entry) => {
    const key = `${type} ${path}`;
    if (entries.has(key)) return;
    entries.set(key, { type, path, location, ...(rewrite === undefined ? {} : { rewrite }) });
  };
  for (const { branch, location, path, rewrite } of tried.all) {
    const type = branch.follows === 'end' ? 'Exact' : 'PathPrefix';
    add({ type, path: type === 'Exact' ? path : withoutSlash(path), location, ...(rewrite && { rewrite }) });
  }
  for (const one of tried.all) differences.push(...differencesOf(one, tried, add));
  for (const [key, entry] of entries) {
    const prefix = entries.get(`PathPrefix ${entry.path}`);
    if (entry.type !== 'Exact' || prefix?.location !== entry.location) continue;
    if (sameRewrite(prefix.rewrite, entry.rewrite, entry.path)) entries.delete(key);
  }
  return {
    entries: [...entries.values()],
    differences: firstOfEach(differences),
    lost: firstLost(lost),
    hidden: locations.filter(location => !reached.has(location)),
  };
}

/** The controller writes a path once or, for a plain prefix, with and without a last slash. */
function patternsOf(location: Location): readonly { readonly field: string; readonly pattern: string }[] {
  const { path, type } = location;
  const own = isRewritten(location) || location.ingress?.annotations.flag('use-regex') === true;
  if (own || type === 'Exact' || path === '/') return [{ field: path, pattern: path }];
  const slashed = path.endsWith('/') ? path : `${path}/`;
  return [
    { field: slashed, pattern: slashed },
    { field: path, pattern: path },
  ];
}

/** Everything that the second one matches, the first one does. */
function hides(first: Branch, second: Branch): boolean {
  const [one, two] = [first.text.toLowerCase(), second.text.toLowerCase()];
  if (first.follows === 'end') return second.follows === 'end' && one === two;
  if (first.follows === 'more' && one === two) return second.follows === 'more';
  return two.startsWith(one);
}

/** What the matches of one branch take too much or too little, against all branches of the host. */
function differencesOf(
  { branch, location, path, rewrite }: Tried,
  tried: TriedBranches,
  add: (entry: Entry) => void,
): readonly PathDifference[] {
  const found: PathDifference[] = [];
  const differ = (code: PathDifference['code'], shown: string, sentence: string) =>
    found.push({ location, code, path: shown, sentence });
  if (branch.follows !== 'end' && path !== '/' && !path.endsWith('/'))
    differ(
      'regex-spread',
      `${path}x`,
      `As a regular expression ${location.path} is open at its end: the controller takes ${path}x for it, the gateway does not.`,
    );
  const short = withoutSlash(path);
  if (branch.follows !== 'end' && path.endsWith('/') && path !== '/') {
    const owner = tried.ownerOf(short);
    if (owner === undefined)
      differ(
        'regex-spread',
        short,
        `${location.path} does not match ${short}, which the prefix ${short} of the gateway does.`,
      );
    else if (owner.location !== location || !sameRewrite(owner.rewrite, rewrite, short))
      add({
        type: 'Exact',
        path: short,
        location: owner.location,
        ...(owner.rewrite === undefined ? {} : { rewrite: fullRewrite(owner.rewrite, owner.path, short) }),
      });
  }
  if (rewrite?.doubled === true)
    differ(
      'rewrite',
      `${path}/a`,
      `For ${path}/a the controller asks the backend for ${rewrite.value.replace(/\/$/, '')}//a, the gateway with one slash.`,
    );
  if (branch.follows === 'more')
    differ(
      'regex-spread',
      path,
      `${location.path} wants more than ${path}, which the gateway serves as well.`,
    );
  if (branch.dots)
    differ(
      'regex-spread',
      path.replace(/\.(?!.*\.)/, 'x'),
      `A dot of ${location.path} stands for any character; the gateway takes it for a dot.`,
    );
  const folded = swapCase(path);
  if (folded !== path)
    differ(
      'case-folding',
      folded,
      `The controller takes ${folded} for ${path}: regular expressions of a host ignore case; the gateway does not.`,
    );
  return found;
}

function takes({ text, follows }: Branch, path: string): boolean {
  const [own, asked] = [text.toLowerCase(), path.toLowerCase()];
  if (follows === 'end') return own === asked;
  return asked.startsWith(own) && (follows === 'rest' || asked.length > own.length);
}

/** What a rewrite makes of one path. */
const fullRewrite = (rewrite: Rewrite, prefix: string, path: string): Rewrite =>
  rewrite.type === 'full'
    ? rewrite
    : { type: 'full', value: joined(rewrite.value, path.slice(withoutSlash(prefix).length)) };

const joined = (value: string, rest: string): string => {
  const whole = `${value.replace(/\/$/, '')}${rest}`;
  return whole === '' ? '/' : whole;
};

function sameRewrite(a: Rewrite | undefined, b: Rewrite | undefined, path: string): boolean {
  if (a === undefined || b === undefined) return a === b;
  const [one, two] = [fullRewrite(a, path, path), fullRewrite(b, path, path)];
  return one.value === two.value;
}

/** One of a kind for each location is enough to see it. */
function firstOfEach(differences: readonly PathDifference[]): readonly PathDifference[] {
  const seen = new Map<Location, Set<string>>();
  return differences.filter(({ code, location }) => {
    const codes = seen.get(location) ?? new Set();
    seen.set(location, codes);
    if (codes.has(code)) return false;
    codes.add(code);
    return true;
  });
}

const firstLost = (lost: readonly LostPath[]): readonly LostPath[] => {
  const seen = new Set<Location>();
  return lost.filter(({ location }) => !seen.has(location) && seen.add(location) !== undefined);
};

const swapCase = (path: string): string => {
  const upper = path.toUpperCase();
  return upper === path ? path.toLowerCase() : upper;
};

const withoutSlash = (path: string): string => (path === '/' ? path : path.replace(/\/$/, ''));

const allowed = /^\/(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|%[0-9a-fA-F]{2})*$/;
const forbidden = /\/\/|\/\.\.?(?:\/|$)|%2f/i;

/** A decoded path as a match's value (HTTPPathMatch); undefined where the API refuses it. */
function writtenPath(path: string): string | undefined {
  if (!path.startsWith('/') || path.length > 1024) return undefined;
  // A location is compared with the decoded path, so that what has to be escaped in a URL is so in the match.
  const written = path.replaceAll(/[^-A-Za-z0-9/._~!$&'()*+,;=:@]/gu, letter => {
    try {
      return encodeURIComponent(letter);
    } catch {
      return letter;
    }
  });
  return allowed.test(written) && !forbidden.test(written) ? written : undefined;
}
