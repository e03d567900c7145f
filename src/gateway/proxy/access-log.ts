import { write } from 'node:fs';

/** Why a request was not answered by a backend alone; '' where it was. */
export type Why =
  | ''
  | 'redirect'
  | 'no-listener'
  | 'no-route'
  | 'misdirected'
  | 'invalid-backend'
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
  readonly client: string;
  readonly listener: string | undefined;
  readonly port: number;
  readonly scheme: 'http' | 'https';
  readonly sni: string | undefined;
  readonly method: string;
  readonly host: string;
  readonly path: string;
  readonly protocol: string;
  readonly route: string | undefined;
  readonly field: string | undefined;
  readonly rule: string | undefined;
  readonly backend: string | undefined;
  readonly endpoint: string | undefined;
  readonly pod: string | undefined;
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

const flushMilliseconds = 50;
const flushCharacters = 32 * 1024;
/** Lines that wait for a slow reader; those beyond are dropped, and their number is told. */
const mostWaiting = 4 * 1024 * 1024;
const longestPath = 2048;

/**
 * One JSON line a request. Lines are gathered, and a thread of Node's pool writes them: whoever reads the log slowly, or
 * not at all, does not hold up a request.
 */
export class AccessLog {
  readonly #descriptor: number;
  #lines = '';
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #isWriting = false;
  #dropped = 0;
  #timer: NodeJS.Timeout | undefined;
  #second = 0;
  #secondText = '';

  constructor(descriptor: number) {
    this.#descriptor = descriptor;
  }

  add(entry: AccessEntry): void {
    this.#lines += this.#line(entry);
    if (this.#lines.length > flushCharacters) this.#flush();
    else this.#timer ??= setTimeout(() => this.#flush(), flushMilliseconds);
  }

  /** Resolves when what was added before is written. */
  async close(): Promise<void> {
    this.#flush();
    while (this.#isWriting) await new Promise(resolve => setTimeout(resolve, 5));
  }

  #line(entry: AccessEntry): string {
    let text = `{"time":"${this.#now()}","log":"access","id":"${entry.id}","client":"${entry.client}"`;
    if (entry.listener !== undefined) text += `,"listener":"${entry.listener}"`;
    text += `,"port":${entry.port},"scheme":"${entry.scheme}"`;
    if (entry.sni !== undefined) text += `,"sni":${quoted(entry.sni)}`;
    const path = entry.path.length > longestPath ? `${entry.path.slice(0, longestPath)}…` : entry.path;
    text += `,"method":${quoted(entry.method)},"host":${quoted(entry.host)},"path":${quoted(path)}`;
    text += `,"protocol":"${entry.protocol}"`;
    if (entry.route !== undefined) text += `,"route":"${entry.route}","field":"${entry.field ?? ''}"`;
    if (entry.rule !== undefined) text += `,"rule":"${entry.rule}"`;
    if (entry.backend !== undefined) text += `,"backend":"${entry.backend}"`;
    if (entry.endpoint !== undefined) text += `,"endpoint":"${entry.endpoint}"`;
    if (entry.pod !== undefined) text += `,"pod":"${entry.pod}"`;
    text += `,"status":${entry.status},"why":"${entry.why}"`;
    if (entry.detail !== undefined) text += `,"detail":${quoted(entry.detail)}`;
    text += `,"received":${entry.received},"sent":${entry.sent},"milliseconds":${rounded(entry.milliseconds)}`;
    if (entry.upstreamMilliseconds !== undefined)
      text += `,"upstreamMilliseconds":${rounded(entry.upstreamMilliseconds)}`;
    return `${text},"tries":${entry.tries}}\n`;
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

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#lines === '') return;
    const bytes = Buffer.from(this.#lines);
    if (this.#waitingBytes + bytes.length > mostWaiting) this.#dropped += this.#lines.split('\n').length - 1;
    else {
      this.#waiting.push(bytes);
      this.#waitingBytes += bytes.length;
    }
    this.#lines = '';
    if (!this.#isWriting) this.#write();
  }

  #write(): void {
    const next = this.#waiting[0];
    if (next === undefined) {
      this.#isWriting = false;
      if (this.#dropped > 0) this.#tellDropped();
      return;
    }
    this.#isWriting = true;
    write(this.#descriptor, next, (error, written) => {
      // Nobody reads any more, or the disk is full: there is nowhere to say so, and it is no reason to stop working.
      const done = error === null ? written : error.code === 'EAGAIN' ? 0 : next.length;
      this.#waitingBytes -= done;
      if (done === next.length) this.#waiting.shift();
      else this.#waiting[0] = next.subarray(done);
      if (done === 0) setTimeout(() => this.#write(), flushMilliseconds);
      else this.#write();
    });
  }

  #tellDropped(): void {
    const sentence = `${this.#dropped} lines of the log were dropped: its reader was too slow`;
    this.#dropped = 0;
    this.#lines += `${JSON.stringify({ time: new Date(), log: 'proxy', level: 'warn', msg: sentence })}\n`;
    this.#flush();
  }
}

const rounded = (milliseconds: number): number => Math.round(milliseconds * 1000) / 1000;

const plain = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/;

const quoted = (text: string): string => (plain.test(text) ? `"${text}"` : JSON.stringify(text));
