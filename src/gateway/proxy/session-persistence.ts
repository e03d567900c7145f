import type { TableSessionPersistence } from '../table.ts';
import type { RequestHead } from './http1/request-head.ts';
import { fieldOf } from './route-request.ts';
import type { HeaderChange } from './rule-plan.ts';
import type { Session, SessionSeal } from './session-seal.ts';

/** What a rule says of sessions (SessionPersistence, GEP-1619). */
export class SessionPersistence {
  readonly #described: TableSessionPersistence;
  readonly #header: string;

  constructor(described: TableSessionPersistence) {
    this.#described = described;
    this.#header = described.name.toLowerCase();
  }

  /** The session of a request, while it holds; `now` in milliseconds since 1970. */
  sessionOf(head: RequestHead, seal: SessionSeal, now: number): Session | undefined {
    const { name, absoluteTimeout } = this.#described;
    for (const text of this.#texts(head)) {
      const session = seal.open(name, text);
      if (session === undefined) continue;
      const isOver = absoluteTimeout !== undefined && now >= session.begunAt * 1000 + absoluteTimeout;
      if (!isOver) return session;
    }
    return undefined;
  }

  /** What the answer that begins a session gets on top of `change`. */
  begin(
    session: Session,
    seal: SessionSeal,
    isSecure: boolean,
    change: HeaderChange | undefined,
  ): HeaderChange {
    const { touched = new Set<string>(), lines = '', added = new Map<string, string>() } = change ?? {};
    const { type, name } = this.#described;
    const text = seal.seal(name, session);
    if (type === 'Cookie')
      return {
        touched,
        lines: `${lines}set-cookie: ${name}=${text}${this.#attributes(isSecure)}\r\n`,
        added,
      };
    return { touched: new Set([...touched, this.#header]), lines: `${lines}${name}: ${text}\r\n`, added };
  }

  #attributes(isSecure: boolean): string {
    const { path, lifetime, absoluteTimeout } = this.#described;
    const age =
      lifetime === 'Permanent' && absoluteTimeout !== undefined
        ? `; Max-Age=${Math.ceil(absoluteTimeout / 1000)}`
        : '';
    // A path may have what ends an attribute; the session then is one of all paths.
    return `; Path=${path.includes(';') ? '/' : path}${age}; HttpOnly; SameSite=Lax${isSecure ? '; Secure' : ''}`;
  }

  /** A client may have several of one name, of different paths. */
  #texts(head: RequestHead): readonly string[] {
    const { type, name } = this.#described;
    if (type === 'Header') return [fieldOf(head, this.#header) ?? ''];
    const cookies = fieldOf(head, 'cookie');
    if (cookies === undefined) return [];
    return cookies
      .split(/[;,]/)
      .map(cookie => cookie.trim())
      .filter(cookie => cookie.startsWith(`${name}=`))
      .slice(0, mostTexts)
      .map(cookie => cookie.slice(name.length + 1).replaceAll('"', ''));
  }
}

/** Each one costs work, whoever made it. */
const mostTexts = 4;
