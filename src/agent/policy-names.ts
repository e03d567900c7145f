/**
 * Domain names that policies wait for, between the node's DNS server and its policies. The server dials; lines of JSON:
 *
 * ```
 *   agent ─▶ dns   {"patterns":["example.com","*.example.com"]}      once they are known, and at every change
 *   dns ─▶ agent   {"id":7,"chain":["www.example.com"],"addresses":[{"address":"192.0.2.7","ttl":60}]}
 *   agent ─▶ dns   {"done":7}                                         the kernel has them: the answer may go out
 * ```
 *
 * Before policies are known nothing is told, so that the server goes on with what it heard of an earlier process, and
 * questions wait. What cannot be taken is done, too: the pod gets its answer, and the kernel stays closed.
 */
import { chmodSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { Socket } from 'node:net';
import type { Clock } from '../base/clock.ts';
import { FairleadError, sentenceOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { HeldName, NameAnswer } from '../policy/index.ts';

export interface NamesOptions {
  readonly socket: string;
  /** What is held, for the next start. */
  readonly file: string;
  readonly policies: {
    waitedForNames(): readonly string[];
    heldNames(): readonly HeldName[];
    learn(answer: NameAnswer, now: number): Promise<void>;
    expireNames(now: number): Promise<void>;
  };
  /** The kernel did not take what was learnt: policies have to be brought into force again. */
  readonly onFailure: () => void;
  readonly clock: Clock;
  readonly log: Log;
}

export interface FollowedNames {
  /** Policies may wait for other names than before. */
  refresh(): void;
  close(): void;
}

const longestLine = 65_536;
const mostConnections = 4;
/** Questions of one connection that wait for the kernel; more than a DNS server has open. */
const mostWaiting = 4096;
const mostPatterns = 10_000;
const sweepMilliseconds = 5000;
/** What is learnt within it is lost when the process is killed, and asked for again. */
const saveMilliseconds = 1000;

interface State {
  /** As JSON; undefined before policies are known. */
  patterns: string | undefined;
  saved: string;
  saving?: NodeJS.Timeout | undefined;
  isSweeping: boolean;
}

export async function followNames(options: NamesOptions): Promise<FollowedNames> {
  const { clock, file, log, onFailure, policies, socket: path } = options;
  const connections = new Set<Socket>();
  const state: State = { patterns: undefined, saved: '', isSweeping: false };
  const known = Promise.withResolvers<void>();
  const failed = (error: unknown) => {
    log.error({ reason: sentenceOf(error) }, 'addresses of domain names could not be brought into force');
    onFailure();
  };
  const answer = async (line: string): Promise<string | undefined> => {
    const question = readQuestion(line);
    if (question === undefined) return undefined;
    await known.promise;
    await policies.learn(question, clock.now()).catch(failed);
    state.saving ??= setTimeout(save, saveMilliseconds).unref();
    return `{"done":${question.id}}\n`;
  };
  rmSync(path, { force: true });
  const server = createServer(connection => {
    connections.add(connection);
    connection.on('close', () => connections.delete(connection));
    connection.on('error', error => log.warn({ reason: error.message }, 'the DNS server’s connection broke'));
    if (state.patterns !== undefined) connection.write(`{"patterns":${state.patterns}}\n`);
    readLines(connection, answer);
  });
  server.maxConnections = mostConnections;
  await new Promise<void>((resolve, reject) => {
    server.once('error', cause =>
      reject(new FairleadError('agent/names-socket', `the socket ${path} cannot be opened`, { cause })),
    );
    server.listen(path, resolve);
  });
  chmodSync(path, 0o600);

  function save(): void {
    clearTimeout(state.saving);
    state.saving = undefined;
    const text = `${JSON.stringify(policies.heldNames())}\n`;
    if (text === state.saved) return;
    try {
      writeFileSync(`${file}.new`, text, { mode: 0o600 });
      renameSync(`${file}.new`, file);
      state.saved = text;
    } catch (error) {
      log.warn({ file, reason: sentenceOf(error) }, 'held domain names cannot be kept for the next start');
    }
  }
  const sweep = setInterval(() => {
    if (state.isSweeping) return;
    state.isSweeping = true;
    void policies
      .expireNames(clock.now())
      .catch(failed)
      .finally(() => {
        state.isSweeping = false;
        save();
      });
  }, sweepMilliseconds).unref();
  return {
    refresh: () => {
      const wanted = policies.waitedForNames();
      if (wanted.length > mostPatterns)
        log.warn({ names: wanted.length, taken: mostPatterns }, 'policies wait for too many domain names');
      const patterns = JSON.stringify(wanted.slice(0, mostPatterns));
      if (patterns === state.patterns) return;
      state.patterns = patterns;
      known.resolve();
      for (const connection of connections) connection.write(`{"patterns":${patterns}}\n`);
    },
    close: () => {
      clearInterval(sweep);
      save();
      server.close();
      for (const connection of connections) connection.destroy();
    },
  };
}

/** What an earlier process held; nothing where there was none, or it cannot be read. */
export function readHeldNames(file: string, log: Log): readonly HeldName[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return []; // the first start
  }
  try {
    const found: unknown = JSON.parse(text);
    if (!Array.isArray(found)) throw new Error('it is no list');
    return (found as readonly unknown[]).filter(isHeld);
  } catch (error) {
    log.warn(
      { file, reason: sentenceOf(error) },
      'held domain names cannot be read; they are asked for again',
    );
    return [];
  }
}

const isHeld = (entry: unknown): entry is HeldName => {
  const { name, address, until } = (entry ?? {}) as Partial<HeldName>;
  return typeof name === 'string' && typeof address === 'string' && typeof until === 'number';
};

/** A connection that sends what is no line, or asks more than it waits for, is ended: it may dial again. */
function readLines(connection: Socket, answer: (line: string) => Promise<string | undefined>): void {
  let rest = '';
  let waiting = 0;
  connection.setEncoding('utf8');
  connection.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    waiting += lines.length;
    if (rest.length > longestLine || waiting > mostWaiting) {
      connection.destroy();
      return;
    }
    for (const line of lines)
      void answer(line).then(text => {
        waiting--;
        if (text === undefined) connection.destroy();
        else if (connection.writable) connection.write(text);
      });
  });
}

interface Question extends NameAnswer {
  readonly id: number;
}

function readQuestion(line: string): Question | undefined {
  let found: unknown;
  try {
    found = JSON.parse(line);
  } catch {
    return undefined; // no JSON
  }
  const { id, chain, addresses } = (found ?? {}) as Readonly<Record<string, unknown>>;
  if (!Number.isSafeInteger(id) || !Array.isArray(chain) || !Array.isArray(addresses)) return undefined;
  const names = (chain as readonly unknown[]).filter(name => typeof name === 'string');
  const told = (addresses as readonly unknown[]).flatMap(entry => {
    const { address, ttl } = (entry ?? {}) as Readonly<Record<string, unknown>>;
    return typeof address === 'string' && typeof ttl === 'number' ? [{ address, ttl }] : [];
  });
  return { id: id as number /* checked above */, names, addresses: told };
}
