/**
 * What the stand-in for agnhost understands: its subcommands with their flags. The runtime refuses everything else
 * before the program starts, in a sentence that says what is missing; the program itself reads its flags by the same
 * table.
 */
import { parseDuration } from './duration.ts';

type FlagKind = 'port' | 'number' | 'text' | 'switch' | 'duration';

interface Flag {
  readonly kind: FlagKind;
  readonly otherwise: string;
}

interface Command {
  readonly flags: Readonly<Record<string, Flag>>;
  /** How many words besides flags; undefined: any, and nothing is a flag. */
  readonly words: number | undefined;
  /** Why values that each are in order cannot be had together, or here. */
  readonly problem?: (values: Readonly<Record<string, string>>) => string | undefined;
}

export interface Invocation {
  readonly command: string;
  /** By the long names; what was not given has its default. */
  readonly flags: Readonly<Record<string, string>>;
  readonly words: readonly string[];
}

const port = (otherwise: number): Flag => ({ kind: 'port', otherwise: String(otherwise) });
const text = (otherwise = ''): Flag => ({ kind: 'text', otherwise });
const toggle = (otherwise = false): Flag => ({ kind: 'switch', otherwise: String(otherwise) });

const NO_SCTP = 'SCTP is not offered: this machine starts no SCTP servers';
const tlsFlags = { 'tls-cert-file': text(), 'tls-private-key-file': text() };

const bothOrNone = (values: Readonly<Record<string, string>>) =>
  (values['tls-cert-file'] === '') === (values['tls-private-key-file'] === '')
    ? undefined
    : '--tls-cert-file and --tls-private-key-file go together';

const COMMANDS: Readonly<Record<string, Command>> = {
  connect: {
    flags: {
      timeout: { kind: 'duration', otherwise: '0' },
      protocol: text('tcp'),
      'udp-data': text('hostname'),
      'sctp-data': text('hostname'),
    },
    words: 1,
    problem: ({ protocol = '' }) =>
      protocol === 'sctp'
        ? NO_SCTP
        : ['', 'tcp', 'udp'].includes(protocol)
          ? undefined
          : `the protocol "${protocol}" is not known`,
  },
  'dns-server-list': { flags: {}, words: 0 },
  'dns-suffix': { flags: {}, words: 0 },
  'entrypoint-tester': { flags: {}, words: undefined },
  'etc-hosts': { flags: {}, words: 0 },
  'grpc-health-checking': {
    flags: {
      'delay-unhealthy-sec': { kind: 'number', otherwise: '-1' },
      port: port(5000),
      'http-port': port(8080),
      service: text(),
      ...tlsFlags,
    },
    words: 0,
    problem: bothOrNone,
  },
  liveness: { flags: {}, words: 0 },
  netexec: {
    flags: {
      'http-port': port(8080),
      'udp-port': port(8081),
      'sctp-port': port(-1),
      'http-override': text(),
      'udp-listen-addresses': text(),
      ...tlsFlags,
    },
    words: 0,
    problem: values => (values['sctp-port'] === '-1' ? bothOrNone(values) : NO_SCTP),
  },
  'no-snat-test': { flags: { port: port(8080) }, words: 0 },
  'no-snat-test-proxy': { flags: { port: port(31_235) }, words: 0 },
  pause: { flags: {}, words: 0 },
  'port-forward-tester': { flags: {}, words: 0 },
  porter: { flags: { 'json-response': toggle() }, words: 0 },
  'serve-hostname': {
    flags: { tcp: toggle(), udp: toggle(), http: toggle(true), close: toggle(), port: port(9376) },
    words: 0,
    problem: ({ http, tcp, udp }) =>
      http === 'true' && (tcp === 'true' || udp === 'true')
        ? 'HTTP is not served together with TCP or UDP: give --http=false'
        : undefined,
  },
  'tcp-reset': { flags: { port: port(8080) }, words: 0 },
  'test-webserver': { flags: { port: port(80) }, words: 0 },
};

/** What follows the program's name, understood; a sentence when it cannot be. */
export function parseAgnhost(line: readonly string[]): Invocation | string {
  const [command, ...rest] = line;
  if (command === undefined) return 'builtin://agnhost needs a subcommand.';
  const known = Object.hasOwn(COMMANDS, command) ? COMMANDS[command] : undefined;
  if (known === undefined)
    return `builtin://agnhost has no subcommand "${command}"; it has ${Object.keys(COMMANDS).join(', ')}.`;
  if (known.words === undefined) return { command, flags: {}, words: rest };
  const flags = Object.fromEntries(
    Object.entries(known.flags).map(([name, { otherwise }]) => [name, otherwise]),
  );
  const words: string[] = [];
  for (let at = 0; at < rest.length; at++) {
    const word = rest[at] ?? '';
    if (word === '--') {
      words.push(...rest.slice(at + 1));
      break;
    }
    if (!word.startsWith('-') || word === '-') {
      words.push(word);
      continue;
    }
    const [, name = '', given] = /^--([a-z-]+)(?:=(.*))?$/s.exec(word) ?? [];
    const flag = Object.hasOwn(known.flags, name) ? known.flags[name] : undefined;
    if (flag === undefined) {
      const names = Object.keys(known.flags).map(each => `--${each}`);
      return `builtin://agnhost ${command} does not know the argument "${word}"; it knows ${names.join(', ') || 'none'}.`;
    }
    const value = given ?? (flag.kind === 'switch' ? 'true' : rest[++at]);
    const problem = problemOf(flag.kind, value);
    if (problem !== undefined)
      return `builtin://agnhost ${command} needs ${problem} for --${name}, not "${value ?? ''}".`;
    flags[name] = value ?? '';
  }
  if (words.length !== known.words)
    return `builtin://agnhost ${command} takes ${known.words === 0 ? 'no arguments' : 'one argument'} besides flags, but got: ${words.join(' ') || 'none'}.`;
  const problem = known.problem?.(flags);
  if (problem !== undefined) return `builtin://agnhost ${command}: ${problem}.`;
  return { command, flags, words };
}

function problemOf(kind: FlagKind, value: string | undefined): string | undefined {
  switch (kind) {
    case 'port':
      return value !== undefined && /^-1$|^\d{1,5}$/.test(value) && Number(value) <= 65_535
        ? undefined
        : 'a port number';
    case 'number':
      return /^-?\d{1,9}$/.test(value ?? '') ? undefined : 'a whole number';
    case 'switch':
      return value === 'true' || value === 'false' ? undefined : 'true or false';
    case 'duration':
      return parseDuration(value ?? '') === undefined ? 'a duration such as 2s' : undefined;
    case 'text':
      return value === undefined ? 'a value' : undefined;
  }
}
