import { chmodSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import type { Socket } from 'node:net';
import { FairleadError } from '../../base/errors.ts';
import { CniError, cniCodes, renderError } from './cni-error.ts';
import type { CniAnswer } from './plugin.ts';
import type { Environment } from './request.ts';
import { newestVersion } from './version.ts';

const headerLimit = 256 * 1024;
const stdinLimit = 4 * 1024 * 1024;
const connectionLimit = 1024;
/** A plugin sends its whole question at once; one that does not is broken or hostile. */
const questionMilliseconds = 10_000;

export interface CniServer {
  /** Breaks off what is being answered: the plugin tells its runtime to try again. */
  close(): Promise<void>;
}

/**
 * Answers the CNI plugin on a unix socket that only root can open. One question a connection:
 *
 *   question: {"env":{"CNI_COMMAND":"ADD",…},"stdinBytes":N}\n followed by N bytes
 *   answer:   CODE N\n followed by N bytes for standard output
 */
export async function serveCni(
  path: string,
  answer: (environment: Environment, stdin: string) => Promise<CniAnswer>,
): Promise<CniServer> {
  // A socket file of an agent that was killed would keep the name taken.
  rmSync(path, { force: true });
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, socket => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    serveOne(socket, answer);
  });
  server.maxConnections = connectionLimit;
  await new Promise<void>((resolve, reject) => {
    server.once('error', cause => {
      reject(new FairleadError('pods/cni-socket', `the CNI socket ${path} cannot be opened`, { cause }));
    });
    server.listen({ path, backlog: 511 }, resolve);
  });
  chmodSync(path, 0o600);
  return {
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

function serveOne(
  socket: Socket,
  answer: (environment: Environment, stdin: string) => Promise<CniAnswer>,
): void {
  const chunks: Buffer[] = [];
  let length = 0;
  const timer = setTimeout(() => socket.destroy(), questionMilliseconds);
  // The plugin may be killed while it waits; the operation goes on, and the runtime asks again.
  socket.on('error', () => socket.destroy());
  socket.on('close', () => clearTimeout(timer));
  const finish = (result: CniAnswer) => {
    const body = Buffer.from(result.body);
    socket.end(Buffer.concat([Buffer.from(`${result.code} ${body.length}\n`), body]));
  };
  socket.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    length += chunk.length;
    if (length > headerLimit + stdinLimit) socket.destroy();
  });
  socket.on('end', () => {
    clearTimeout(timer);
    let question: Question;
    try {
      question = parseQuestion(Buffer.concat(chunks));
    } catch (error) {
      finish(renderError(error, newestVersion));
      return;
    }
    void answer(question.environment, question.stdin).then(finish, () => socket.destroy());
  });
}

interface Question {
  readonly environment: Environment;
  readonly stdin: string;
}

/** Throws CniError for anything but a whole question. */
export function parseQuestion(bytes: Buffer): Question {
  const newline = bytes.subarray(0, headerLimit).indexOf(10);
  if (newline < 0) throw brokenQuestion('it has no header line');
  let header: { readonly env?: unknown; readonly stdinBytes?: unknown };
  try {
    header = JSON.parse(bytes.toString('utf8', 0, newline)) as typeof header;
  } catch (cause) {
    throw brokenQuestion('its header is not JSON', cause);
  }
  const { env, stdinBytes } = header ?? {};
  if (
    typeof env !== 'object' ||
    env === null ||
    !Object.values(env).every(value => typeof value === 'string')
  )
    throw brokenQuestion('its environment is not an object of strings');
  if (stdinBytes !== bytes.length - newline - 1)
    throw brokenQuestion('its length is not what its header says');
  return { environment: env as Environment, stdin: bytes.toString('utf8', newline + 1) };
}

function brokenQuestion(problem: string, cause?: unknown): CniError {
  return new CniError(cniCodes.decode, 'question', `the plugin's question cannot be read: ${problem}`, {
    cause,
  });
}
