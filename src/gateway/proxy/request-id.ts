import { randomUUID } from 'node:crypto';

/** Whatever a client sends is written into logs and passed on: only short, plain ones are kept. */
const sane = /^[A-Za-z0-9._~:+/=@-]{1,128}$/;

export function requestIdOf(given: string | undefined): string {
  return given !== undefined && sane.test(given) ? given : randomUUID();
}
