import { field } from './http1/known-fields.ts';
import type { FieldLines } from './http1/fields.ts';

/** RFC 9110 section 6.5.1: what frames, routes or authenticates a message does not come after it. */
const forbidden =
  /^(authorization|cache-control|content-.*|cookie|set-cookie|age|expires|date|location|vary|range|if-.*|max-forwards|pragma|www-authenticate)$/i;

/** The trailer fields that may be passed on, as lines. */
export function writeTrailers(trailers: FieldLines | undefined): string {
  if (trailers === undefined) return '';
  let text = '';
  for (let index = 0; index < trailers.count; index++) {
    if (trailers.known[index] !== field.other || forbidden.test(trailers.name(index))) continue;
    text += trailers.lines(index, index + 1);
  }
  return text;
}
