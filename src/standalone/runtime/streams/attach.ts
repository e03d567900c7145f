import { connect } from 'node:net';
import type { Run } from '../pod/observed.ts';
import type { PodWorker } from '../pod/pod-worker.ts';
import type { Channels } from './channels.ts';
import type { ExecQuery } from './exec.ts';

/** Frames of `native/pod-launcher/attach.c`. */
const INPUT = 0;
const SIZE = 4;
const INPUT_END = 255;
const HEADER = 5;
const LARGEST_INPUT = 32 << 10;

/** Joins a client to the streams of a running container, until either ends. */
export async function serveAttach(
  channels: Channels,
  worker: PodWorker,
  run: Run & { readonly at: 'running' },
  query: ExecQuery,
): Promise<void> {
  const socket = connect(worker.context.files.attachSocket(run.id));
  const send = (kind: number, body: Buffer) => socket.write(Buffer.concat([header(kind, body.length), body]));
  channels.onClose(() => socket.destroy());
  channels.onResize((rows, columns) => {
    const body = Buffer.alloc(4);
    body.writeUInt16BE(Math.min(Math.max(0, rows), 0xffff), 0);
    body.writeUInt16BE(Math.min(Math.max(0, columns), 0xffff), 2);
    send(SIZE, body);
  });
  channels.onInput(bytes => {
    if (!query.stdin) return;
    let isFull = false;
    for (let at = 0; at < bytes.length; at += LARGEST_INPUT) {
      isFull = !send(INPUT, bytes.subarray(at, at + LARGEST_INPUT));
    }
    if (isFull) channels.pauseInput();
  });
  socket.on('drain', () => channels.resumeInput());
  channels.onInputEnd(() => send(INPUT_END, Buffer.alloc(0)));
  channels.resumeInput();
  try {
    await copyOutput(socket, channels, query);
  } catch (error) {
    await channels.finish({ kind: 'failed', message: (error as Error).message });
    return;
  }
  // How the container ended is in the pod's status; the session itself went well.
  await channels.finish({ kind: 'exited', code: 0 });
}

async function copyOutput(
  socket: ReturnType<typeof connect>,
  channels: Channels,
  query: ExecQuery,
): Promise<void> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const part of socket) {
    rest = rest.length === 0 ? (part as Buffer) : Buffer.concat([rest, part as Buffer]);
    while (rest.length >= HEADER) {
      const length = rest.readUInt32BE(1);
      if (rest.length < HEADER + length) break;
      const stream = rest[0] ?? 0;
      const isWanted = stream === 1 ? query.stdout || query.tty : query.stderr;
      if (isWanted && !channels.send(stream, rest.subarray(HEADER, HEADER + length)))
        await channels.drained();
      rest = rest.subarray(HEADER + length);
    }
  }
}

function header(kind: number, length: number): Buffer {
  const bytes = Buffer.alloc(HEADER);
  bytes[0] = kind;
  bytes.writeUInt32BE(length, 1);
  return bytes;
}
