import type { ApiResponse } from '../request.ts';
import type { Target } from '../resource/target.ts';
import { runtimePath } from './pod-path.ts';

/** Answers wait for a slow client beyond this many bytes. */
const MOST_PENDING = 1024 * 1024;

/** GET of `pods/NAME/log`: the runtime's stream, passed on as it comes. */
export async function readLog(target: Target): Promise<ApiResponse> {
  const source = await target.context.runtime.get(runtimePath(target));
  return {
    status: 200,
    headers: { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-cache, private' },
    stream: sink => {
      source.on('data', (chunk: Buffer) => {
        sink.write(chunk);
        if (sink.pending <= MOST_PENDING) return;
        source.pause();
        sink.onDrain(() => source.resume());
      });
      source.once('end', () => sink.end());
      source.once('error', () => sink.abort());
      sink.onClose(() => source.destroy());
    },
  };
}
