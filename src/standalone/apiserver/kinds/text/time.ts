const RFC3339 = /^(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d{1,18}))?([Zz]|[+-]\d\d:\d\d)$/;

/** Milliseconds since the epoch of an RFC 3339 time; undefined for anything else, the 31st of February included. */
export function parseTime(text: string): number | undefined {
  const found = RFC3339.exec(text);
  if (found === null) return undefined;
  const [, year, month, day, hour, minute, second] = found.map(Number);
  const days = new Date(Date.UTC(year ?? 0, month ?? 0, 0)).getUTCDate();
  if ((month ?? 0) < 1 || (month ?? 0) > 12 || (day ?? 0) < 1 || (day ?? 0) > days) return undefined;
  if ((hour ?? 0) > 23 || (minute ?? 0) > 59 || (second ?? 0) > 59) return undefined;
  const value = Date.parse(text.toUpperCase());
  return Number.isNaN(value) ? undefined : value;
}

/** meta/v1 Time: whole seconds in UTC. */
export function formatTime(milliseconds: number): string {
  return `${new Date(Math.floor(milliseconds / 1000) * 1000).toISOString().slice(0, 19)}Z`;
}

/** meta/v1 Time in its stored form; undefined if `text` is no time. */
export function canonicalTime(text: string): string | undefined {
  const value = parseTime(text);
  return value === undefined ? undefined : formatTime(value);
}

/** The form of a MicroTime in JSON: unlike a Time it always has six digits after the point. */
export const isMicroTime = (text: string): boolean =>
  RFC3339.exec(text)?.[7]?.length === 6 && parseTime(text) !== undefined;

/** meta/v1 MicroTime in its stored form: six digits after the point, always. */
export function canonicalMicroTime(text: string): string | undefined {
  const value = parseTime(text);
  if (value === undefined) return undefined;
  const fraction = (RFC3339.exec(text)?.[7] ?? '').padEnd(6, '0').slice(0, 6);
  return `${formatTime(value).slice(0, 19)}.${fraction}Z`;
}
