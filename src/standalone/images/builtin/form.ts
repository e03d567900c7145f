import type { Request } from './http-message.ts';
import { queryOf } from './http-message.ts';

const LARGEST = 10 << 20;

/** The values of a request's query and, for a form that was posted, of its body, which goes first. */
export async function formOf(request: Request): Promise<URLSearchParams> {
  const query = queryOf(request);
  const isForm = (request.headers['content-type'] ?? '').startsWith('application/x-www-form-urlencoded');
  if (!['POST', 'PUT', 'PATCH'].includes(request.method ?? '') || !isForm) return query;
  let text = '';
  for await (const part of request) if (text.length < LARGEST) text += String(part);
  return new URLSearchParams([...new URLSearchParams(text), ...query]);
}
