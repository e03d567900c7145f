/** What a line of Ingress NGINX has of a request beside what every log has. */
export interface NginxParts {
  readonly client: string;
  readonly method: string;
  readonly target: string;
  readonly protocol: string;
  readonly status: number;
  readonly sent: number;
  readonly received: number;
  readonly referer: string | undefined;
  readonly agent: string | undefined;
  readonly milliseconds: number;
  readonly backend: string | undefined;
  readonly endpoint: string | undefined;
  /** Of the backend's own answer. */
  readonly upstreamMilliseconds: number | undefined;
  readonly id: string;
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'] as const;

/**
 * A line as Ingress NGINX writes it (its `log-format-upstream`), in UTC. Sizes are those of bodies; the backend's name is
 * `NAMESPACE-NAME-PORT`, as there.
 */
export function nginxLine(parts: NginxParts, at: Date): string {
  const { endpoint, upstreamMilliseconds, backend } = parts;
  const request = parts.method === '' ? '' : `${parts.method} ${parts.target} ${parts.protocol}`;
  const answered = upstreamMilliseconds === undefined ? '-' : seconds(upstreamMilliseconds);
  const name = backend?.replace(/[/:]/g, '-') ?? '';
  return (
    `${parts.client} - - [${timeOf(at)}] "${escaped(request)}" ${parts.status} ${parts.sent} ` +
    `"${escaped(parts.referer ?? '-')}" "${escaped(parts.agent ?? '-')}" ${parts.received} ${seconds(parts.milliseconds)} ` +
    `[${name}] [] ${endpoint ?? '-'} ${upstreamMilliseconds === undefined ? '-' : parts.sent} ${answered} ` +
    `${upstreamMilliseconds === undefined ? '-' : parts.status} ${parts.id}\n`
  );
}

const seconds = (milliseconds: number): string => (milliseconds / 1000).toFixed(3);

const two = (value: number): string => String(value).padStart(2, '0');

function timeOf(at: Date): string {
  const day = `${two(at.getUTCDate())}/${months[at.getUTCMonth()] ?? ''}/${at.getUTCFullYear()}`;
  return `${day}:${two(at.getUTCHours())}:${two(at.getUTCMinutes())}:${two(at.getUTCSeconds())} +0000`;
}

/** As nginx escapes variables in a log: quotes, backslashes, and what is not printable ASCII. */
const escaped = (text: string): string =>
  text.replaceAll(
    /["\\]|[^\x20-\x7e]/g,
    character => `\\x${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  );
