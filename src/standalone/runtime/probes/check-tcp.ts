import { connectIn } from '../../../kernel/ns/index.ts';
import type { Outcome, Place } from './handler.ts';

/** Success when the connection is accepted. */
export async function checkTcp(place: Place, timeoutMilliseconds: number): Promise<Outcome> {
  const { namespacePath, host, port } = place;
  const socket = await connectIn(namespacePath, { host, port, timeoutMilliseconds });
  socket.destroy();
  return { ok: true };
}
