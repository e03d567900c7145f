import { badRequest } from '../status.ts';

type Labels = Readonly<Record<string, string>>;

/** True for the labels that a selector picks. */
export type LabelPredicate = (labels: Labels) => boolean;

const NAME = /^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)$/;
const PREFIX = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const TOKEN = /\s*(?:(==|=|!=|!|,|\(|\)|>|<)|([^\s=!,()<>]+))/y;

/**
 * The string form: `app=web,tier in (a, b),!legacy,cores>4` (labels.Parse of apimachinery). Undefined selects all.
 * Throws 400 for anything else.
 */
export function parseLabelSelector(text: string | undefined): LabelPredicate | undefined {
  if (text === undefined || text.trim() === '') return undefined;
  if (text.length > 32_768) throw broken(text.slice(0, 64), 'it is longer than 32 KiB');
  const reader = new Reader(text);
  const requirements = [requirement(reader)];
  while (reader.take(',')) requirements.push(requirement(reader));
  if (reader.peek() !== undefined)
    throw broken(text, `found '${reader.peek()}', expected: ',' or 'end of string'`);
  return labels => requirements.every(matches => matches(labels));
}

function isLabelKey(key: string): boolean {
  const slash = key.indexOf('/');
  if (slash < 0) return NAME.test(key);
  const prefix = key.slice(0, slash);
  return prefix.length <= 253 && PREFIX.test(prefix) && NAME.test(key.slice(slash + 1));
}

const isLabelValue = (value: string): boolean => value === '' || NAME.test(value);

function requirement(reader: Reader): LabelPredicate {
  if (reader.take('!')) {
    const absent = key(reader);
    return labels => !Object.hasOwn(labels, absent);
  }
  const name = key(reader);
  const operator = reader.peek();
  if (operator === undefined || operator === ',') return labels => Object.hasOwn(labels, name);
  reader.next();
  switch (operator) {
    case '=':
    case '==': {
      const wanted = value(reader);
      return labels => Object.hasOwn(labels, name) && labels[name] === wanted;
    }
    case '!=': {
      const unwanted = value(reader);
      return labels => !Object.hasOwn(labels, name) || labels[name] !== unwanted;
    }
    case 'in': {
      const wanted = values(reader);
      return labels => Object.hasOwn(labels, name) && wanted.has(labels[name] ?? '');
    }
    case 'notin': {
      const unwanted = values(reader);
      return labels => !Object.hasOwn(labels, name) || !unwanted.has(labels[name] ?? '');
    }
    case '>':
    case '<': {
      const bound = integer(value(reader), reader);
      const sign = operator === '>' ? 1 : -1;
      return labels => {
        const present = Object.hasOwn(labels, name) ? (labels[name] ?? '') : '';
        return /^-?\d+$/.test(present) && (Number(present) - bound) * sign > 0;
      };
    }
    default:
      throw broken(
        reader.text,
        `found '${operator}', expected: in, notin, =, ==, !=, gt, lt`.replace('gt, lt', '>, <'),
      );
  }
}

function key(reader: Reader): string {
  const name = reader.next();
  if (name === undefined || !isLabelKey(name))
    throw broken(reader.text, `'${name ?? ''}' is not a valid label key`);
  return name;
}

function value(reader: Reader): string {
  const next = reader.peek();
  if (next === undefined || next === ',') return ''; // `key=` asks for the empty value
  reader.next();
  if (!isLabelValue(next)) throw broken(reader.text, `'${next}' is not a valid label value`);
  return next;
}

function values(reader: Reader): ReadonlySet<string> {
  if (!reader.take('(')) throw broken(reader.text, `found '${reader.peek() ?? ''}', expected: '('`);
  const all = new Set<string>();
  for (;;) {
    const next = reader.peek();
    if (next === ',' || next === ')') all.add('');
    else all.add(value(reader));
    if (reader.take(')')) return all;
    if (!reader.take(',')) throw broken(reader.text, `found '${reader.peek() ?? ''}', expected: ',' or ')'`);
  }
}

function integer(text: string, reader: Reader): number {
  if (!/^-?\d{1,15}$/.test(text)) throw broken(reader.text, `'${text}' is not an integer`);
  return Number(text);
}

const broken = (text: string, why: string) =>
  badRequest(`unable to parse requirement: ${why}, in the label selector "${text}"`);

/** Tokens of a selector, one ahead. */
class Reader {
  readonly text: string;
  #at = 0;
  #ahead: string | undefined;

  constructor(text: string) {
    this.text = text.trim();
    this.#ahead = this.#scan();
  }

  peek(): string | undefined {
    return this.#ahead;
  }

  next(): string | undefined {
    const token = this.#ahead;
    this.#ahead = this.#scan();
    return token;
  }

  take(token: string): boolean {
    if (this.#ahead !== token) return false;
    this.next();
    return true;
  }

  #scan(): string | undefined {
    TOKEN.lastIndex = this.#at;
    const found = TOKEN.exec(this.text);
    if (found === null) return undefined;
    this.#at += found[0].length;
    return found[1] ?? found[2];
  }
}
