import { isFieldValue, isToken } from '../http1/characters.ts';
import { field, knownField } from '../http1/known-fields.ts';

/** A field as a header block has it: judged once, however often a table's entry is used. */
export interface HeaderField {
  readonly name: string;
  /** Octets as latin1. */
  readonly value: string;
  /** RFC 7541 section 4.1. */
  readonly size: number;
  /** `known-fields`' number; `field.other` for a pseudo header. */
  readonly known: number;
  readonly isPseudo: boolean;
  /** RFC 9113 section 8.2: upper case, characters that no field has, or a field that is a connection's own. */
  readonly isMalformed: boolean;
  readonly line: string;
}

export function headerField(name: string, value: string): HeaderField {
  const isPseudo = name.startsWith(':');
  const known =
    isPseudo || name === '' ? field.other : knownField(Buffer.from(name, 'latin1'), 0, name.length);
  return {
    name,
    value,
    size: name.length + value.length + 32,
    known,
    isPseudo,
    isMalformed: !isPseudo && (!isName(name) || !isValue(value) || isOfConnection(known, value)),
    line: isPseudo ? '' : `${name}: ${value}\r\n`,
  };
}

function isName(name: string): boolean {
  if (name === '') return false;
  for (let at = 0; at < name.length; at++) {
    const octet = name.charCodeAt(at);
    if (isToken[octet] !== 1 || (octet >= 0x41 && octet <= 0x5a)) return false;
  }
  return true;
}

function isValue(value: string): boolean {
  for (let at = 0; at < value.length; at++) if (isFieldValue[value.charCodeAt(at)] !== 1) return false;
  return value === '' || !/^[ \t]|[ \t]$/.test(value);
}

/** RFC 9113 section 8.2.2. */
function isOfConnection(known: number, value: string): boolean {
  switch (known) {
    case field.connection:
    case field.keepAlive:
    case field.proxyConnection:
    case field.transferEncoding:
    case field.upgrade:
      return true;
    case field.te:
      return value.toLowerCase() !== 'trailers';
    default:
      return false;
  }
}
