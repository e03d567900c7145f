/** A line of the CRI log format: `TIME stdout F text`. */
export interface LogLine {
  /** RFC 3339 with nanoseconds. */
  readonly time: string;
  readonly stream: 'stdout' | 'stderr';
  /** A part of a line that goes on in the next entry of the stream. */
  readonly isPart: boolean;
  readonly content: string;
}

/** Undefined for what is no log line, such as one that a full disk cut off. */
export function parseLogLine(line: string): LogLine | undefined {
  const first = line.indexOf(' ');
  const second = line.indexOf(' ', first + 1);
  const third = line.indexOf(' ', second + 1);
  if (first < 0 || second < 0 || third < 0) return undefined;
  const stream = line.slice(first + 1, second);
  if (stream !== 'stdout' && stream !== 'stderr') return undefined;
  const isPart = line.slice(second + 1, third) === 'P';
  return { time: line.slice(0, first), stream, isPart, content: line.slice(third + 1) };
}
