import { isTarget, isToken } from '../http1/characters.ts';
import { FieldLines, keptFields } from '../http1/fields.ts';
import { field } from '../http1/known-fields.ts';
import { limits } from '../http1/limits.ts';
import { problem } from '../http1/problems.ts';
import { judgeRequest, type RequestHead } from '../http1/request-head.ts';
import { isChunked, judgeResponse, type ResponseHead } from '../http1/response-head.ts';
import type { HeaderField } from './header-field.ts';

/**
 * The fields of one header block, as lines of HTTP/1: so filters, routes and both protocols' writers have one form of a
 * message. Reused from block to block.
 */
export class FieldSection {
  readonly fields = new FieldLines();
  readonly #bytes = Buffer.allocUnsafeSlow(limits.head);
  #text = '';
  #size = 0;
  #cookies = '';
  /** By name without the colon; a pseudo header behind other fields, or twice, makes the section malformed. */
  readonly #pseudo = new Map<string, string>();
  #problem = 0;
  #host: string | undefined;
  #isGrpc = false;

  constructor() {
    this.fields.bytes = this.#bytes;
  }

  begin(): void {
    this.fields.count = 0;
    this.#text = '';
    this.#size = 0;
    this.#cookies = '';
    this.#pseudo.clear();
    this.#problem = 0;
    this.#host = undefined;
    this.#isGrpc = false;
  }

  add(entry: HeaderField): void {
    this.#size += entry.size;
    if (this.#size > limits.head) {
      if (this.#problem === 0) this.#problem = problem.headTooLong;
      return;
    }
    if (entry.isPseudo) this.#addPseudo(entry);
    else if (entry.isMalformed) this.#problem = problem.fieldValue;
    else if (entry.known === field.host) {
      if (this.#host !== undefined) this.#problem = problem.hostTwice;
      this.#host = entry.value;
    } else if (entry.name === 'cookie') {
      // RFC 9113 section 8.2.3: what was split into crumbs is one field for others.
      this.#cookies += this.#cookies === '' ? entry.value : `; ${entry.value}`;
    } else {
      if (entry.name === 'content-type') this.#isGrpc = /^application\/grpc(?:$|[+;])/.test(entry.value);
      this.#addLine(entry);
    }
  }

  finish(): void {
    const { fields } = this;
    if (this.#cookies !== '') this.#addText('cookie', this.#cookies, field.other);
    fields.lineStart[fields.count] = this.#text.length;
    this.#bytes.write(this.#text, 0, 'latin1');
  }

  /** RFC 9113 section 8.3.1: a request, or a problem; `isLast`: no body follows. */
  request(head: RequestHead, isLast: boolean): number {
    head.reset();
    const { fields } = this;
    head.fields = fields;
    head.isWithoutHostLine = true;
    head.isGrpc = this.#isGrpc;
    head.minor = 1;
    head.method = this.#pseudo.get('method') ?? '';
    head.target = this.#pseudo.get('path') ?? '';
    if (this.#problem !== 0) return this.#problem;
    if (head.method.length > limits.method) return problem.method;
    const scheme = this.#pseudo.get('scheme');
    const known = 2 + Number(scheme !== undefined) + Number(this.#pseudo.has('authority'));
    if (head.method === 'CONNECT') return problem.connect;
    if (!isAll(head.method, isToken)) return problem.method;
    if ((scheme !== 'http' && scheme !== 'https') || this.#pseudo.size !== known) return problem.pseudo;
    if (head.target.length > limits.requestLine) return problem.lineTooLong;
    if (!isAll(head.target, isTarget) || !/^(?:\/|\*$)/.test(head.target)) return problem.target;
    const authority = this.#pseudo.get('authority');
    if (
      authority !== undefined &&
      this.#host !== undefined &&
      authority.toLowerCase() !== this.#host.toLowerCase()
    )
      return problem.hostInvalid;
    head.host = authority ?? this.#host;
    const refused = judgeRequest(head);
    if (refused !== 0) return refused;
    if (isLast) return head.length > 0 ? problem.lengthInvalid : 0;
    if (!head.hasLength) head.length = -1;
    return 0;
  }

  /** An answer's head, or a problem. */
  response(head: ResponseHead, isLast: boolean): number {
    head.reset();
    head.fields = this.fields;
    head.minor = 1;
    head.reason = '';
    const status = this.#pseudo.get('status') ?? '';
    if (this.#problem !== 0) return this.#problem;
    if (this.#pseudo.size !== 1 || !/^[1-5]\d\d$/.test(status) || status === '101') return problem.pseudo;
    head.status = Number(status);
    const refused = judgeResponse(head);
    if (refused !== 0) return refused;
    if (!head.hasLength) head.length = isLast ? 0 : isChunked;
    return 0;
  }

  /** Trailers, where they are some: no pseudo headers, nothing malformed. */
  get isTrailers(): boolean {
    return this.#problem === 0 && this.#pseudo.size === 0 && this.#host === undefined;
  }

  /** The fields, for later. */
  keep(): FieldLines {
    const copy = Object.assign(new FieldLines(), { bytes: this.#bytes, count: this.fields.count });
    for (const places of ['known', 'lineStart', 'nameEnd', 'valueStart', 'valueEnd'] as const)
      copy[places].set(this.fields[places]);
    return keptFields(copy, 0, this.#text.length);
  }

  #addPseudo({ name, value }: HeaderField): void {
    const short = name.slice(1);
    if (this.fields.count > 0 || this.#cookies !== '' || this.#host !== undefined || this.#pseudo.has(short))
      this.#problem = problem.pseudo;
    else this.#pseudo.set(short, value);
  }

  #addLine({ name, value, known, line }: HeaderField): void {
    const { fields } = this;
    if (fields.count === limits.fields) {
      this.#problem = problem.tooManyFields;
      return;
    }
    const index = fields.count++;
    const start = this.#text.length;
    fields.known[index] = known;
    fields.lineStart[index] = start;
    fields.nameEnd[index] = start + name.length;
    fields.valueStart[index] = start + name.length + 2;
    fields.valueEnd[index] = start + name.length + 2 + value.length;
    this.#text += line;
  }

  #addText(name: string, value: string, known: number): void {
    const line = `${name}: ${value}\r\n`;
    this.#addLine({ name, value, known, line, size: 0, isPseudo: false, isMalformed: false });
  }
}

function isAll(text: string, table: Uint8Array): boolean {
  for (let at = 0; at < text.length; at++) if (table[text.charCodeAt(at)] !== 1) return false;
  return text !== '';
}
