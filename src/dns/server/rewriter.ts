import type { RewriteConfig } from '../config/config.ts';
import { encodeName, keyOfName, textOfName } from '../wire/index.ts';
import type { NameKey } from '../wire/index.ts';
import { typeNumber } from '../wire/type-names.ts';

export interface Rewritten {
  readonly key: NameKey;
  readonly type: number;
}

type Rule = (name: string, type: number) => { readonly name: string; readonly type: number } | undefined;

/** Asks for another name, or type, in the place of the one that the client asked for; the client does not see that. */
export class Rewriter {
  readonly #rules: readonly { readonly apply: Rule; readonly continues: boolean }[];

  constructor(rules: readonly RewriteConfig[]) {
    this.#rules = rules.map(rule => ({ apply: ruleOf(rule), continues: rule.continue }));
  }

  /** Undefined where no rule fits, or where what it makes is no name. */
  rewrite(key: NameKey, type: number): Rewritten | undefined {
    let current = { name: textOfName(key), type };
    let isChanged = false;
    for (const { apply, continues } of this.#rules) {
      const next = apply(current.name, current.type);
      if (next === undefined) continue;
      current = next;
      isChanged = true;
      if (!continues) break;
    }
    if (!isChanged || encodeName(current.name) === undefined) return undefined;
    return { key: keyOfName(current.name), type: current.type };
  }
}

function ruleOf({ match, from: fromText, to }: RewriteConfig): Rule {
  const from = fromText.toLowerCase();
  const exact = trimDot(from);
  const target = trimDot(to);
  switch (match) {
    case 'exact':
      return (name, type) => (name === exact ? { name: target, type } : undefined);
    case 'prefix':
      return (name, type) =>
        name.startsWith(from) ? { name: to + name.slice(from.length), type } : undefined;
    case 'suffix':
      return (name, type) =>
        name.endsWith(exact) ? { name: name.slice(0, -exact.length) + target, type } : undefined;
    case 'substring':
      return (name, type) => (name.includes(from) ? { name: name.replace(from, () => to), type } : undefined);
    case 'regex': {
      const pattern = new RegExp(fromText);
      return (name, type) => {
        // A name with and without its dot: patterns are written for both.
        const found = pattern.exec(name) ?? pattern.exec(`${name}.`);
        return found === null ? undefined : { name: trimDot(substitute(to, found)), type };
      };
    }
    case 'type': {
      const [wanted, other] = [typeNumber(fromText), typeNumber(to) ?? 0];
      return (name, type) => (type === wanted ? { name, type: other } : undefined);
    }
  }
}

/** `{1}` for what the first group found. */
const substitute = (to: string, found: RegExpExecArray): string =>
  to.replaceAll(/\{(\d)\}/g, (_, digit: string) => found[Number(digit)] ?? '');

const trimDot = (name: string): string => name.replace(/(.)\.$/, '$1');
