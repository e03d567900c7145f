/** A host as part of an object's name: `*.shop.example` is `wildcard-shop-example`. */
export const slugOf = (host: string): string =>
  host === ''
    ? 'any-host'
    : host
        .replace(/^\*/, 'wildcard')
        .replaceAll(/[^a-z0-9]+/g, '-')
        .replaceAll(/^-+|-+$/g, '') || 'host';

const longest = 200;

/** Gives each name once; the second of a name gets a number. */
export function createNamer(): (namespace: string, wished: string) => string {
  const taken = new Map<string, number>();
  return (namespace, wished) => {
    const name = wished.slice(0, longest);
    const key = `${namespace}/${name}`;
    const before = taken.get(key) ?? 0;
    taken.set(key, before + 1);
    if (before === 0) return name;
    const numbered = `${name}-${before + 1}`;
    taken.set(`${namespace}/${numbered}`, 1);
    return numbered;
  };
}
