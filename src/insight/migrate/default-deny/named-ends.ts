import { parseAddress } from '../../../base/ip.ts';

/** Something that a text names as the other end of a connection. */
export interface NamedEnd {
  /** Lower case, without a dot at the end; or an address. */
  readonly host: string;
  readonly port?: number;
  readonly scheme?: string;
}

const host = String.raw`[A-Za-z0-9](?:[A-Za-z0-9-]{0,62})(?:\.[A-Za-z0-9-]{1,63}){0,10}\.?`;
/** `scheme://user:password@host:port`, with an address in brackets, too. */
const withScheme = new RegExp(
  String.raw`\b([a-z][a-z0-9+.-]{0,20})://(?:[^\s/@]{1,200}@)?(?:\[([0-9A-Fa-f:.]{2,45})\]|(${host}))(?::(\d{1,5}))?`,
  'g',
);
const withPort = new RegExp(String.raw`(?<![\w./@:-])(${host}):(\d{1,5})(?![\w.])`, 'g');
const whole = new RegExp(String.raw`^(${host})$`);
/** Longer texts are programs and data, not settings: what they name is guessed, and costs time. */
const longest = 64 * 1024;

const schemePorts: Readonly<Record<string, number>> = {
  http: 80,
  https: 443,
  ws: 80,
  wss: 443,
  postgres: 5432,
  postgresql: 5432,
  mysql: 3306,
  redis: 6379,
  rediss: 6379,
  amqp: 5672,
  amqps: 5671,
  mongodb: 27_017,
  nats: 4222,
  ldap: 389,
  ldaps: 636,
  smtp: 25,
};

/** The hosts that a setting names: URLs, `host:port`, and a value that is nothing but a name. Each once. */
export function namedEnds(text: string): readonly NamedEnd[] {
  const part = text.slice(0, longest);
  const ends = new Map<string, NamedEnd>();
  const add = (name: string, port: number | undefined, scheme?: string) => {
    const known = parseAddress(name) === undefined ? name.toLowerCase().replace(/\.$/, '') : name;
    // Times and versions are numbers and dots; a host that is no address has a letter.
    if (parseAddress(known) === undefined && !/[a-z]/.test(known)) return;
    if (port !== undefined && (port < 1 || port > 65_535)) return;
    ends.set(`${known} ${port ?? ''}`, {
      host: known,
      ...(port === undefined ? {} : { port }),
      ...(scheme === undefined ? {} : { scheme }),
    });
  };
  for (const [, scheme = '', bracketed, name, port] of part.matchAll(withScheme))
    add(bracketed ?? name ?? '', port === undefined ? schemePorts[scheme] : Number(port), scheme);
  for (const [, name = '', port] of part.matchAll(withPort)) add(name, Number(port));
  const [, only] = whole.exec(part.trim()) ?? [];
  if (only !== undefined) add(only, undefined);
  return [...ends.values()];
}
