/** A request target as nginx reads it before it looks for a location. */
export interface ReadTarget {
  /** `$uri`: decoded, without dot segments, with single slashes; an octet per character. */
  readonly uri: string;
  /** `$args`; without the question mark. */
  readonly args: string;
}

/** Undefined: nginx answers 400. */
export function readTarget(target: string, mergesSlashes = true): ReadTarget | undefined {
  if (!target.startsWith('/') || /[\0-\x20\x7f]/.test(target)) return undefined;
  const end = target.search(/[?#]/);
  const path = end === -1 ? target : target.slice(0, end);
  const uri = /%|\/\/|\/\./.test(path) ? new PathReader(mergesSlashes).read(path) : path;
  if (uri === undefined) return undefined;
  if (end === -1 || target[end] === '#') return { uri, args: '' };
  const [args = ''] = target.slice(end + 1).split('#', 1);
  return { uri, args };
}

type State = 'usual' | 'slash' | 'dot' | 'dot-dot';

/**
 * ngx_http_parse_complex_uri, as documented by what it does: an escape stands for its octet everywhere (%2F separates,
 * %2E makes dot segments), but an escaped %, # or ? is just a character. Segments are removed in the order of reading, and
 * one that leads above the root is an error.
 */
class PathReader {
  readonly #mergesSlashes: boolean;
  #written = '';
  #state: State = 'usual';

  constructor(mergesSlashes: boolean) {
    this.#mergesSlashes = mergesSlashes;
  }

  read(path: string): string | undefined {
    for (let at = 0; at < path.length; at++) {
      const character = path[at] as string; // at < length
      if (character !== '%') {
        if (!this.#take(character)) return undefined;
        continue;
      }
      const digits = /^[0-9A-Fa-f]{2}/.exec(path.slice(at + 1, at + 3))?.[0];
      if (digits === undefined || digits === '00') return undefined;
      at += 2;
      const octet = String.fromCharCode(Number.parseInt(digits, 16));
      if (octet === '%' || octet === '#' || octet === '?') {
        this.#written += octet;
        this.#state = 'usual';
      } else if (!this.#take(octet)) return undefined;
    }
    return this.#atEnd();
  }

  #take(character: string): boolean {
    if (character === '/') return this.#slash();
    if (character === '.' && this.#state === 'slash') this.#state = 'dot';
    else if (character === '.' && this.#state === 'dot') this.#state = 'dot-dot';
    else this.#state = 'usual';
    this.#written += character;
    return true;
  }

  #slash(): boolean {
    switch (this.#state) {
      case 'slash':
        if (!this.#mergesSlashes) this.#written += '/';
        return true;
      case 'dot':
        this.#written = this.#written.slice(0, -1);
        this.#state = 'slash';
        return true;
      case 'dot-dot':
        this.#state = 'slash';
        return this.#removeSegment();
      case 'usual':
        this.#written += '/';
        this.#state = 'slash';
        return true;
      default:
        return this.#state satisfies never;
    }
  }

  #atEnd(): string | undefined {
    if (this.#state === 'dot') return this.#written.slice(0, -1);
    if (this.#state === 'dot-dot' && !this.#removeSegment()) return undefined;
    return this.#written;
  }

  /** Takes `x/..` off what ends with it; the slash before stays. */
  #removeSegment(): boolean {
    const before = this.#written.length - 4;
    const slash = before < 0 ? -1 : this.#written.lastIndexOf('/', before);
    if (slash === -1) return false;
    this.#written = this.#written.slice(0, slash + 1);
    return true;
  }
}

/**
 * What nginx escapes in a path that it changed before it sends it on (since 1.21.1 also the characters that RFC 3986
 * allows nowhere).
 */
export function escapePath(uri: string): string {
  return uri.replaceAll(
    /[\0-\x20\x7f-\xff"#%<>?\\^`{|}]/g,
    octet => `%${octet.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  );
}
