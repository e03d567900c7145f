import type { ASTNode, Environment } from '@marcbachmann/cel-js';
import { isIP } from 'node:net';
import { dnsLabel, dnsSubdomain, labelValue, qualifiedName } from '../../kinds/text/names.ts';
import { quantityMilliValue } from '../../../../kube/quantity.ts';
import { registerQuantities } from './quantities.ts';
import { isBounded, patternOf, testerOf } from '../../../../base/pattern/pattern.ts';
import type { TextPattern } from '../../../../base/pattern/pattern.ts';

type Register = (signature: string, handler: (...values: never[]) => unknown) => void;

/** What rules of Kubernetes may call beside the language itself (CEL in Kubernetes: lists, regex, IP, CIDR, format, quantity). */
export function registerLibrary(environment: Environment): void {
  const register: Register = (signature, handler) =>
    void environment.registerFunction(signature, handler as never);
  registerTexts(register);
  registerLists(register);
  registerAddresses(register);
  registerFormats(environment, register);
  registerQuantities(environment);
}

/**
 * The rule in the words that are read here: `matches` with RE2's patterns in bounded time, `has` of any expression's
 * field (`has(self.matches[0].path)`), which the library's own does not take.
 */
export const inOurWords = (rule: string): string =>
  rule.replaceAll(/\bmatches\(/g, `${MATCHES}(`).replaceAll(/(?<![\w.])has\(/g, `${HAS}(`);

const MATCHES = 'matchesPattern';
const HAS = 'isPresent';

interface Macro {
  readonly of: ASTNode;
  readonly name: string;
  readonly typeCheck: (checker: Checker, macro: Macro, context: unknown) => unknown;
  readonly evaluate: (evaluator: Evaluator, macro: Macro, context: unknown) => unknown;
}
interface Checker {
  check(node: ASTNode, context: unknown): unknown;
  getType(name: string): unknown;
}
interface Evaluator {
  run(node: ASTNode, context: unknown): unknown;
}

/** Whether the value of an expression has a field: an error only where the expression itself is one. */
function has({ args }: { readonly args: readonly ASTNode[] }): Macro {
  const [node] = args;
  if (node?.op !== '.') throw new Error('has() takes a field: has(self.name)');
  const [of, name] = node.args;
  return {
    of,
    name,
    typeCheck: (checker, macro, context) => {
      checker.check(macro.of, context);
      return checker.getType('bool');
    },
    evaluate: (evaluator, macro, context) => {
      const value = evaluator.run(macro.of, context);
      return typeof value === 'object' && value !== null && Object.hasOwn(value, macro.name);
    },
  };
}

function registerTexts(register: Register): void {
  register(`${HAS}(ast): bool`, has);
  register(`string.${MATCHES}(string): bool`, (text: string, pattern: string) => tester(pattern).test(text));
  register(`${MATCHES}(string, string): bool`, (text: string, pattern: string) => tester(pattern).test(text));
  register(
    'string.find(string): string',
    (text: string, pattern: string) => read(pattern).exec(text)?.[0] ?? '',
  );
  register('string.findAll(string): list<string>', (text: string, pattern: string) =>
    Array.from(text.matchAll(new RegExp(read(pattern), 'g')), ([found]) => found),
  );
  register('string.replace(string, string): string', (text: string, from: string, to: string) =>
    text.replaceAll(from, () => to),
  );
  register('isQuantity(string): bool', (text: string) => quantityOf(text) !== undefined);
}

function tester(pattern: string): TextPattern {
  const found = testerOf(pattern);
  if (found === undefined) throw new Error(`the pattern ${JSON.stringify(pattern)} cannot be read`);
  return found;
}

/** A pattern whose place in the text is asked for: only one that the engine goes through in bounded time. */
function read(pattern: string): RegExp {
  const found = patternOf(pattern);
  if (found === undefined || !isBounded(found))
    throw new Error(`the pattern ${JSON.stringify(pattern)} cannot be read`);
  return found;
}

function quantityOf(text: string): number | undefined {
  try {
    return quantityMilliValue(text);
  } catch {
    return undefined; // no quantity: that is the question
  }
}

type Ordered = bigint | number | string;

function registerLists(register: Register): void {
  register('list.isSorted(): bool', (list: readonly Ordered[]) =>
    list.every((item, index) => index === 0 || (list[index - 1] ?? item) <= item),
  );
  register('list.sum(): dyn', (list: readonly (bigint | number)[]) =>
    list.some(item => typeof item === 'number')
      ? list.reduce<number>((sum, item) => sum + Number(item), 0)
      : list.reduce<bigint>((sum, item) => sum + BigInt(item), 0n),
  );
  const extreme = (list: readonly Ordered[], isBetter: (a: Ordered, b: Ordered) => boolean) => {
    const [first, ...rest] = list;
    if (first === undefined) throw new Error('min and max of an empty list');
    return rest.reduce((best, item) => (isBetter(item, best) ? item : best), first);
  };
  register('list.min(): dyn', (list: readonly Ordered[]) => extreme(list, (a, b) => a < b));
  register('list.max(): dyn', (list: readonly Ordered[]) => extreme(list, (a, b) => a > b));
  register('list.indexOf(dyn): int', (list: readonly unknown[], item: unknown) => BigInt(list.indexOf(item)));
  register('list.lastIndexOf(dyn): int', (list: readonly unknown[], item: unknown) =>
    BigInt(list.lastIndexOf(item)),
  );
}

function registerAddresses(register: Register): void {
  const isCidr = (text: string) => {
    const [address = '', length = '', ...more] = text.split('/');
    const family = isIP(address);
    return (
      more.length === 0 &&
      family !== 0 &&
      /^\d{1,3}$/.test(length) &&
      Number(length) <= (family === 4 ? 32 : 128)
    );
  };
  register('isIP(string): bool', (text: string) => isIP(text) !== 0);
  register('isCIDR(string): bool', isCidr);
  register('ip(string): map', (text: string) => {
    if (isIP(text) === 0) throw new Error(`${JSON.stringify(text)} is no IP address`);
    return { text };
  });
  register('map.family(): int', ({ text }: { readonly text: string }) => BigInt(isIP(text)));
  register(
    'map.isLoopback(): bool',
    ({ text }: { readonly text: string }) => text.startsWith('127.') || text === '::1',
  );
}

/** A named format: what is wrong with a text, or null. */
class Format {
  readonly problems: (text: string) => readonly string[];
  constructor(problems: (text: string) => readonly string[]) {
    this.problems = problems;
  }
}

/** All named formats. */
class Formats {
  readonly names = Object.keys(FORMATS);
}

const FORMATS: Readonly<Record<string, (text: string) => readonly string[]>> = {
  dns1123Label: dnsLabel,
  dns1123Subdomain: dnsSubdomain,
  qualifiedName,
  labelValue,
};

function registerFormats(environment: Environment, register: Register): void {
  environment.registerType('Format', { ctor: Format, fields: {} });
  environment.registerType('Formats', { ctor: Formats, fields: {} });
  environment.registerConstant('format', 'Formats', new Formats());
  for (const [name, problems] of Object.entries(FORMATS)) {
    register(`Formats.${name}(): Format`, () => new Format(problems));
  }
  register('Format.validate(string): dyn', (format: Format, text: string) => {
    const found = format.problems(text);
    return found.length === 0 ? null : found;
  });
}
