import { complement, isWord, setOf } from './syntax.ts';
import type { OctetSet } from './syntax.ts';

const isDigit = (octet: number): boolean => octet >= 0x30 && octet <= 0x39;
const isUpper = (octet: number): boolean => octet >= 0x41 && octet <= 0x5a;
const isLower = (octet: number): boolean => octet >= 0x61 && octet <= 0x7a;
const isSpace = (octet: number): boolean => octet === 0x20 || (octet >= 9 && octet <= 13);
const isGraphic = (octet: number): boolean => octet > 0x20 && octet < 0x7f;

const byPosixName: Readonly<Record<string, (octet: number) => boolean>> = {
  alnum: octet => isDigit(octet) || isUpper(octet) || isLower(octet),
  alpha: octet => isUpper(octet) || isLower(octet),
  ascii: octet => octet < 0x80,
  blank: octet => octet === 0x20 || octet === 9,
  cntrl: octet => octet < 0x20 || octet === 0x7f,
  digit: isDigit,
  graph: isGraphic,
  lower: isLower,
  print: octet => isGraphic(octet) || octet === 0x20,
  punct: octet => isGraphic(octet) && !isDigit(octet) && !isUpper(octet) && !isLower(octet),
  space: isSpace,
  upper: isUpper,
  word: isWord,
  xdigit: octet => isDigit(octet) || (octet >= 0x41 && octet <= 0x46) || (octet >= 0x61 && octet <= 0x66),
};

/** `alpha` of `[:alpha:]`, `^alpha` for its complement. */
export function posixClass(name: string): OctetSet | undefined {
  const holds = byPosixName[name.replace('^', '')];
  if (holds === undefined) return undefined;
  return name.startsWith('^') ? complement(setOf(holds)) : setOf(holds);
}

/** The class that a letter stands for after a backslash. */
export function escapedClass(letter: string): OctetSet | undefined {
  switch (letter) {
    case 'd':
      return setOf(isDigit);
    case 'D':
      return complement(setOf(isDigit));
    case 'w':
      return setOf(isWord);
    case 'W':
      return complement(setOf(isWord));
    case 's':
      return setOf(isSpace);
    case 'S':
      return complement(setOf(isSpace));
    case 'h':
      return setOf(octet => octet === 0x20 || octet === 9 || octet === 0xa0);
    case 'H':
      return complement(setOf(octet => octet === 0x20 || octet === 9 || octet === 0xa0));
    default:
      return undefined;
  }
}

/** The octet that a letter stands for after a backslash. */
export function escapedOctet(letter: string): number | undefined {
  return letters[letter];
}

const letters: Readonly<Record<string, number>> = { a: 7, e: 27, f: 12, n: 10, r: 13, t: 9 };
