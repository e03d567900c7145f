import { once } from 'node:events';
import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { FairleadError } from '../base/errors.ts';

/** More than this an agent never says. */
const longestAnswer = 4 * 1024 * 1024;

/** `GET` on an agent's unix socket; the answer is JSON. Throws where the agent does not answer with 200. */
export async function askAgent(
  socketPath: string,
  path: string,
  timeoutMilliseconds: number,
): Promise<unknown> {
  try {
    const call = request({ socketPath, path, signal: AbortSignal.timeout(timeoutMilliseconds) });
    call.end();
    const [response] = (await once(call, 'response')) as [IncomingMessage];
    const chunks: Buffer[] = [];
    let length = 0;
    for await (const chunk of response) {
      const bytes = chunk as Buffer; // no encoding is set
      length += bytes.length;
      if (length > longestAnswer) throw new Error('the answer is too long');
      chunks.push(bytes);
    }
    const text = Buffer.concat(chunks).toString();
    if (response.statusCode !== 200) throw new Error(`${response.statusCode ?? 0} ${text.trim()}`);
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new FairleadError('probe/agent', `the agent at ${socketPath} does not answer`, {
      cause,
      hint: 'Look at it: fairlead status',
    });
  }
}
