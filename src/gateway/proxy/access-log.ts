import type { LogLines } from './log-lines.ts';
import { nginxLine, type NginxParts } from './nginx-line.ts';

/** Why a request was not answered by a backend alone; '' where it was. */
export type Why =
  | ''
  | 'redirect'
  | 'preflight'
  | 'no-listener'
  | 'no-route'
  | 'misdirected'
  | 'invalid-backend'
  | 'denied'
  | 'auth-failed'
  | 'body-too-large'
  | 'no-endpoints'
  | 'overloaded'
  | 'upstream-refused'
  | 'upstream-closed'
  | 'upstream-invalid'
  | 'timeout'
  | 'client-closed'
  | 'client-slow'
  | 'bad-request'
  | 'stopping';

/** One request as the log tells it; what is undefined is left out. */
export interface AccessEntry {
  readonly id: string;
  readonly from: string | undefined;
  readonly trace: string | undefined;
  /** Members that are the same for all requests of a connection, of a rule, of an endpoint, as `members` makes them. */
  readonly connection: string;
  readonly route: string;
  readonly endpoint: string;
  /** A token, a hostname, and a path of printable ASCII without backslash: as the parser lets them pass. */
  readonly method: string;
  readonly host: string;
  readonly path: string;
  /** TLS: a connection that goes to a backend as octets; it has neither method nor path nor status. */
  readonly protocol: 'HTTP/1.0' | 'HTTP/1.1' | 'HTTP/2.0' | 'TLS';
  readonly status: number;
  readonly why: Why;
  /** Words for `why`, where there are more to say. */
  readonly detail: string | undefined;
  readonly received: number;
  readonly sent: number;
  readonly milliseconds: number;
  readonly upstreamMilliseconds: number | undefined;
  readonly tries: number;
}

const longestPath = 2048;

/** One JSON line a request (docs/reference/gateway-proxy.md has its members). */
export class AccessLog {
  readonly #lines: LogLines;
  #second = 0;
  #secondText = '';

  constructor(lines: LogLines) {
    this.#lines = lines;
  }

  add(entry: AccessEntry): void {
    const { path, detail, upstreamMilliseconds, from, trace } = entry;
    const shown = path.length > longestPath ? `${path.slice(0, longestPath)}...` : path;
    this.#lines.add(
      `{"time":"${this.#now()}","log":"access","id":"${entry.id}"${trace === undefined ? '' : `,"trace":"${trace}"`}${entry.connection}${from === undefined ? '' : `,"from":"${from}"`},"method":"${entry.method}","host":"${entry.host}","path":${shown.includes('"') ? quoted(shown) : `"${shown}"`},"protocol":"${entry.protocol}"${entry.route}${entry.endpoint},"status":${entry.status},"why":"${entry.why}"${detail === undefined ? '' : `,"detail":${quoted(detail)}`},"received":${entry.received},"sent":${entry.sent},"milliseconds":${rounded(entry.milliseconds)}${upstreamMilliseconds === undefined ? '' : `,"upstreamMilliseconds":${rounded(upstreamMilliseconds)}`},"tries":${entry.tries}}\n`,
    );
  }

  addNginx(parts: NginxParts): void {
    this.#lines.add(nginxLine(parts, new Date()));
  }

  close(): Promise<void> {
    return this.#lines.close();
  }

  /** RFC 3339 with milliseconds; what is before the point is made once a second. */
  #now(): string {
    const now = Date.now();
    const second = Math.floor(now / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#secondText = new Date(second * 1000).toISOString().slice(0, 20);
    }
    const rest = now - second * 1000;
    return `${this.#secondText}${rest < 10 ? '00' : rest < 100 ? '0' : ''}${rest}Z`;
  }
}

/** Members of a JSON object, each with a comma before it; what is undefined is left out. */
export function members(values: Readonly<Record<string, string | number | undefined>>): string {
  return Object.entries(values)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `,"${name}":${typeof value === 'string' ? quoted(value) : value}`)
    .join('');
}

/** Microseconds are enough; two whole numbers are much quicker to write than one that is not. */
function rounded(milliseconds: number): string {
  const microseconds = Math.round(milliseconds * 1000);
  const whole = Math.trunc(microseconds / 1000);
  return `${whole}.${thousandths[microseconds - whole * 1000] ?? '000'}`;
}

const thousandths = Array.from({ length: 1000 }, (_, number) => String(number).padStart(3, '0'));

const plain = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/;

/** A JSON string of ASCII alone. */
function quoted(text: string): string {
  if (plain.test(text)) return `"${text}"`;
  return JSON.stringify(text).replaceAll(
    /[\u007f-\uffff]/g,
    character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
