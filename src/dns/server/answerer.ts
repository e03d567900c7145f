import { contains, formatAddress } from '../../base/ip.ts';
import type { Log } from '../../base/log.ts';
import type { CompiledAnswer } from '../compile-answer.ts';
import { rcodeName } from '../metrics.ts';
import type { AnsweredBy, DnsMetrics, Lane } from '../metrics.ts';
import { limits, rcodes, readQuery, textOfName, types } from '../wire/index.ts';
import type { NoQuery, Query } from '../wire/index.ts';
import { typeName } from '../wire/type-names.ts';
import { optLength, refusalOf, roomFor, writeAnswer, writeRefusal } from './answer-query.ts';
import type { Transport } from './answer-query.ts';
import type { Client, Pipeline } from './pipeline.ts';
import { ReadyAnswers } from './ready-answers.ts';
import type { Octets, ReadyQuestion } from './ready-answers.ts';
import { codeOnly } from './reply.ts';
import type { Reply } from './reply.ts';
import type { TopNames } from './top-names.ts';
import { transferZone } from './zone-transfer.ts';

/** How a datagram's answer gets to its sender. */
export interface DatagramWay {
  readonly client: Client;
  /** For an answer that comes later: to be called before anything else is read. What that is given is reused after the call. */
  readonly later: () => (answer: Uint8Array) => void;
}

export interface AnswererOptions {
  readonly pipeline: Pipeline;
  readonly random: () => number;
  readonly now: () => number;
  readonly metrics: DnsMetrics;
  readonly top: TopNames;
  readonly log: Log;
}

/** One question in so many is timed, and stands for all of them: reading the clock costs as much as an answer's copy. */
const timedEvery = 16;
/** One in so many is noted by its name, where no kept answer counts it. */
const notedEvery = 8;
/** So many a second are noted by who asked, each for those since the one before; of fewer all are. */
const clientsInSecond = 200;
const paceMilliseconds = 1000;
/** Longer than any upstream is waited for by default. */
const lingerMilliseconds = 10_000;
/** Clients that wait for others, a few kilobytes each; further ones are better off elsewhere. */
const mostWaiting = 4096;

/** Reads questions, lets the pipeline answer, writes, and counts. */
export class Answerer {
  readonly #options: AnswererOptions;
  #pipeline: Pipeline;
  #forwardedBefore = 0;
  #count = 0;
  #later = 0;
  /** Where those that come later are written. */
  readonly #lateAnswer = Buffer.alloc(limits.tcp);
  readonly #ready = new ReadyAnswers((question, times) => this.#tell(question, times));
  /** Under which the kept answers hold. */
  #stamp: number | undefined;
  /** Questions between two whose clients are noted, the count at the last one, and at the last look at the pace. */
  #gap = 1;
  #noted = 0;
  #paced = { count: 0, at: 0 };

  constructor(options: AnswererOptions) {
    this.#options = options;
    this.#pipeline = options.pipeline;
    options.metrics.registry.onCollect(() => this.settle());
    options.top.onReport(() => this.settle());
  }

  get pipeline(): Pipeline {
    return this.#pipeline;
  }

  forwarded(): number {
    return this.#forwardedBefore + this.#pipeline.resolver.asked;
  }

  /** Answers since the start, by code. */
  answersByCode(): Readonly<Record<string, number>> {
    this.settle();
    return this.#options.metrics.answersByCode();
  }

  /** Answers that clients wait for. */
  get underWay(): number {
    return this.#later;
  }

  use(pipeline: Pipeline): void {
    const before = this.#pipeline;
    this.#ready.clear();
    this.#forwardedBefore += before.resolver.asked;
    this.#pipeline = pipeline;
    // What it was asked it still answers.
    if (before !== pipeline) setTimeout(() => before.close(), lingerMilliseconds).unref();
  }

  /** Of `length` octets in `request`: the answer's length in `answer`, or 0 for none, or for one that comes later. */
  datagram(request: Octets, length: number, answer: Octets, lane: Lane, way: DatagramWay): number {
    const { random, now } = this.#options;
    const isTimed = this.#count++ % timedEvery === 0;
    const started = isTimed ? now() : 0;
    const { stamp } = this.#pipeline;
    if (stamp !== this.#stamp) {
      this.#ready.clear();
      this.#stamp = stamp;
    }
    if (stamp !== undefined) {
      const written = this.#ready.answer(request, length, answer, lane, random);
      if (written > 0) {
        if (this.#count - this.#noted >= this.#gap) this.#noteClient(way.client);
        if (isTimed) lane.took((now() - started) / 1000, timedEvery);
        return written;
      }
    }
    const [message, out] = [request.bytes, answer.bytes];
    const query = readQuery(message, length);
    if (query.kind !== 'query') return this.#noQuery(query, message, out, lane, length);
    lane.request(query.type, query.edns?.dnssecOk === true, length);
    const room = roomFor(query.edns, 'udp', out, this.#pipeline.config.limits.udpSize);
    const refusal = refusalOf(query);
    const direct = refusal === undefined && stamp !== undefined ? this.#direct(query) : undefined;
    if (direct === undefined) return this.#longWay(query, refusal, message, length, out, room, lane, way);
    const written = writeAnswer(message, query, direct, out, room, random);
    lane.response(direct.rcode, 'kubernetes', written);
    this.#keep(request, length, answer, written, query, direct, lane);
    if (isTimed) lane.took((now() - started) / 1000, timedEvery);
    this.#noteTop(query, direct.rcode, way.client);
    return written;
  }

  /** Counts what was answered and not counted yet. To be called every few seconds: names are known as late as that. */
  settle(): void {
    this.#ready.settle();
    const now = this.#options.now();
    const { count, at } = this.#paced;
    if (now - at < paceMilliseconds) return;
    this.#gap = Math.max(1, Math.round(((this.#count - count) * 1000) / (now - at) / clientsInSecond));
    this.#paced = { count: this.#count, at: now };
  }

  /** For who asks it again, where the message is nothing but a question and an OPT without options. */
  #keep(
    request: Octets,
    asked: number,
    answer: Octets,
    answered: number,
    { key, type, edns, questionEnd }: Query,
    { rcode, stride, answers, bytes }: CompiledAnswer,
    lane: Lane,
  ): void {
    const opt = edns === undefined ? 0 : optLength;
    if (asked !== questionEnd + opt || answered !== questionEnd + bytes.length + opt) return;
    const rotation = stride === 0 ? undefined : { start: questionEnd, stride, count: answers };
    const isDnssec = edns?.dnssecOk === true;
    this.#ready.put(request, answer, { lane, key, type, isDnssec, rcode, asked, answered }, rotation);
  }

  #direct(query: Query): CompiledAnswer | undefined {
    try {
      return this.#pipeline.direct(query);
    } catch {
      return undefined; // the long way meets the same fault, and tells of it
    }
  }

  #find(query: Query, client: Client): Reply | Promise<Reply> | 'drop' {
    try {
      return this.#pipeline.answer(query, client);
    } catch (error) {
      return this.#fault(error);
    }
  }

  /** Of a stream: all answers, none for silence. */
  message(
    query: Query | NoQuery,
    message: Buffer,
    scratch: Buffer,
    lane: Lane,
    client: Client,
  ): readonly Buffer[] | Promise<readonly Buffer[]> {
    if (query.kind !== 'query') {
      const length = this.#noQuery(query, message, scratch, lane, message.length);
      return length === 0 ? [] : [Buffer.from(scratch.subarray(0, length))];
    }
    this.#count++;
    const started = this.#options.now();
    lane.request(query.type, query.edns?.dnssecOk === true, message.length);
    const refusal = refusalOf(query);
    const zone = refusal === undefined ? this.#transferred(query, message, client) : undefined;
    if (zone !== undefined) {
      lane.response(
        rcodes.NOERROR,
        'transfer',
        zone.reduce((sum, { length }) => sum + length, 0),
      );
      return zone;
    }
    const found = refusal === undefined ? this.#find(query, client) : codeOnly(refusal, '');
    this.#countVerdict(query, client);
    if (found === 'drop') return [];
    const finish = (reply: Reply): readonly Buffer[] => {
      const length = this.#write(
        message,
        query,
        reply,
        scratch,
        scratch.length,
        lane,
        started,
        'tcp',
        client,
      );
      return [Buffer.from(scratch.subarray(0, length))];
    };
    if (!(found instanceof Promise)) return finish(found);
    if (this.#later >= mostWaiting) {
      this.#options.metrics.rejected.add();
      found.catch(() => undefined); // who began it hears of its faults
      return finish(codeOnly(rcodes.REFUSED, 'forward'));
    }
    this.#later++;
    return found
      .catch((error: unknown) => this.#fault(error))
      .then(reply => {
        this.#later--;
        return finish(reply);
      });
  }

  #longWay(
    query: Query,
    refusal: number | undefined,
    message: Buffer,
    length: number,
    out: Buffer,
    room: number,
    lane: Lane,
    way: DatagramWay,
  ): number {
    const started = this.#options.now();
    const found = refusal === undefined ? this.#find(query, way.client) : codeOnly(refusal, '');
    this.#countVerdict(query, way.client);
    if (found === 'drop') return 0;
    if (!(found instanceof Promise))
      return this.#write(message, query, found, out, room, lane, started, 'udp', way.client);
    if (this.#later >= mostWaiting) {
      this.#options.metrics.rejected.add();
      const refused = codeOnly(rcodes.REFUSED, 'forward');
      found.catch(() => undefined); // who began it hears of its faults
      return this.#write(message, query, refused, out, room, lane, started, 'udp', way.client);
    }
    const send = way.later();
    const client = way.client();
    const kept = Buffer.from(message.subarray(0, length));
    this.#later++;
    const finish = (reply: Reply) => {
      this.#later--;
      const answer = this.#lateAnswer;
      const size = this.#write(kept, query, reply, answer, room, lane, started, 'udp', () => client);
      send(answer.subarray(0, size));
    };
    found.then(finish, error => finish(this.#fault(error)));
    return 0;
  }

  #write(
    message: Buffer,
    query: Query,
    reply: Reply,
    out: Buffer,
    room: number,
    lane: Lane,
    started: number,
    transport: Transport,
    client: Client,
  ): number {
    const { random, now } = this.#options;
    const fitting = transport === 'tcp' ? Math.min(room, limits.tcp) : room;
    const length = writeAnswer(message, query, reply.answer, out, fitting, random, reply.age);
    const milliseconds = now() - started;
    lane.response(reply.answer.rcode, reply.by, length);
    lane.took(milliseconds / 1000, 1);
    this.#log(query, reply, transport, length, milliseconds, client);
    return length;
  }

  #noQuery(query: NoQuery, message: Buffer, out: Buffer, lane: Lane, length: number): number {
    if (query.kind === 'silence') {
      this.#options.metrics.ignored.value++;
      return 0;
    }
    lane.request(0, false, length);
    const written = writeRefusal(message, query, out);
    lane.response(query.rcode, '', written);
    return written;
  }

  /** Undefined where the question is none for a zone of ours, or not allowed to this client. */
  #transferred(query: Query, message: Buffer, client: Client): readonly Buffer[] | undefined {
    if (query.type !== types.AXFR && query.type !== types.IXFR) return undefined;
    const { names, config } = this.#pipeline;
    const zone = names.zones.find(({ key }) => key === query.key);
    const from = client();
    const isAllowed = from !== undefined && config.transferTo.some(prefix => contains(prefix, from));
    if (zone === undefined || !isAllowed || !names.isComplete) return undefined;
    return transferZone(message, query, names, zone);
  }

  #countVerdict(query: Query, client: Client): void {
    const verdict = this.#pipeline.verdict(query, client);
    if (verdict === undefined) return;
    const { aclAllowed, aclBlocked, aclFiltered, aclDropped, listen } = this.#options.metrics;
    if (verdict === 'allow') aclAllowed.with(listen, '').add();
    else ({ block: aclBlocked, filter: aclFiltered, drop: aclDropped })[verdict].with(listen, '.', '').add();
  }

  #noteTop(query: Query, rcode: number, client: Client): void {
    if (this.#count % notedEvery === 0) this.#options.top.noteName(query.key, rcode, notedEvery);
    if (this.#count - this.#noted >= this.#gap) this.#noteClient(client);
  }

  #noteClient(client: Client): void {
    const from = client();
    this.#options.top.noteClient(from === undefined ? '' : formatAddress(from), this.#count - this.#noted);
    this.#noted = this.#count;
  }

  #tell({ lane, key, type, isDnssec, rcode, asked, answered }: ReadyQuestion, times: number): void {
    lane.request(type, isDnssec, asked, times);
    lane.response(rcode, 'kubernetes', answered, times);
    this.#options.top.noteName(key, rcode, times);
  }

  #log(
    query: Query,
    {
      answer,
      by,
    }: { readonly answer: { readonly rcode: number; readonly answers: number }; readonly by: AnsweredBy },
    transport: Transport,
    bytes: number,
    milliseconds: number,
    client: Client,
  ): void {
    this.#noteTop(query, answer.rcode, client);
    if (!isLogged(this.#pipeline.config.log, answer)) return;
    const from = client();
    const fields = {
      client: from === undefined ? '' : formatAddress(from),
      name: textOfName(query.key),
      type: typeName(query.type),
      transport,
      rcode: rcodeName(answer.rcode),
      by,
      bytes,
      milliseconds: Number(milliseconds.toFixed(3)),
    };
    this.#options.log.info(fields, 'a question');
  }

  /** One question's fault is no other's: it is told, counted, and SERVFAIL. */
  #fault(error: unknown): Reply {
    this.#options.metrics.panics.add();
    this.#options.log.error({ err: error }, 'a question ended in a fault of the program');
    return codeOnly(rcodes.SERVFAIL, '');
  }
}

function isLogged(
  what: 'none' | 'all' | 'denial' | 'error' | 'success',
  { rcode, answers }: { readonly rcode: number; readonly answers: number },
): boolean {
  if (what === 'none' || what === 'all') return what === 'all';
  const isDenial = rcode === rcodes.NXDOMAIN || (rcode === rcodes.NOERROR && answers === 0);
  if (what === 'denial') return isDenial;
  const isSuccess = rcode === rcodes.NOERROR && answers > 0;
  return what === 'success' ? isSuccess : !isSuccess && !isDenial;
}
