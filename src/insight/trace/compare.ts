import type { Hop, Judgement, NameHop, Outcome, Place, RouteHop, ServiceHop, Trace } from './hops.ts';
import { denied } from './judge.ts';
import type { Observed, ObservedConnection, ObservedName, TrackedConnection } from './observed.ts';

/** Of one hop: what the model expects and what was seen. */
export interface Finding {
  readonly hop: Hop['hop'];
  /** In the trace's list of hops. */
  readonly index: number;
  /** `unseen`: there is nothing to compare, or nobody told. */
  readonly result: 'agrees' | 'differs' | 'unseen';
  readonly expected: string;
  readonly seen: string;
}

/** Compares hop by hop. Pure; a hop of the model has at most one finding. */
export function compareTrace(trace: Trace, observed: Observed): readonly Finding[] {
  const { connection } = observed;
  const drawn = connection === undefined ? undefined : drawnPlace(trace, connection);
  const found = (hop: Hop): readonly Result[] => {
    switch (hop.hop) {
      case 'origin':
        return [];
      case 'name':
        return compareName(hop, observed.name);
      case 'service':
        return connection === undefined ? [] : compareService(hop, connection);
      case 'policy':
        return connection === undefined ? [] : comparePolicy(hop.choices, connection, drawn);
      case 'route':
        return connection === undefined ? [] : compareRoute(hop.choices, connection, drawn);
      case 'arrival':
        return connection === undefined ? [] : compareArrival(hop.choices, connection, drawn);
      default:
        return hop satisfies never;
    }
  };
  return trace.hops.flatMap((hop, index) => found(hop).map(result => ({ hop: hop.hop, index, ...result })));
}

type Result = Omit<Finding, 'hop' | 'index'>;

function compareName(hop: NameHop, seen: ObservedName | undefined): readonly Result[] {
  const expected = hop.outcome === 'found' ? hop.addresses.join(', ') : hop.sentence;
  if (seen === undefined) return [{ result: 'unseen', expected, seen: 'nobody was asked for the name' }];
  const last = seen.questions.at(-1);
  const milliseconds = seen.questions.reduce((sum, question) => sum + question.milliseconds, 0);
  const isSilent =
    seen.questions.length > 0 &&
    seen.questions.every(({ values, answer }) => values.length === 0 && answer === 'no answer');
  const text = seen.isInHosts
    ? `${seen.addresses.join(', ')} from /etc/hosts`
    : seen.hit === undefined
      ? `${last?.name ?? hop.name}: ${last?.answer ?? 'no name server'}`
      : `${seen.hit} from ${last?.server ?? ''} in ${milliseconds.toFixed(1)} ms: ${seen.addresses.join(', ')}`;
  const say = (result: Finding['result']): readonly Result[] => [{ result, expected, seen: text }];
  switch (hop.outcome) {
    case 'found': {
      const all = new Set(hop.addresses);
      const isSame = seen.addresses.length === all.size && seen.addresses.every(address => all.has(address));
      return say(isSame ? 'agrees' : 'differs');
    }
    case 'no-such-name':
      return say(seen.addresses.length === 0 && !isSilent ? 'agrees' : 'differs');
    case 'dns-dropped':
      return say(isSilent ? 'agrees' : 'differs');
    case 'unknown':
      return say('unseen');
    default:
      return hop.outcome satisfies never;
  }
}

/** Where the connection went, as the kernel of the origin's node translated it; undefined where nothing tells. */
function drawnPlace(trace: Trace, connection: ObservedConnection): Place | undefined {
  const places = trace.hops.flatMap(hop => (hop.hop === 'route' ? hop.choices.map(({ to }) => to) : []));
  const entry = entryOf(connection);
  const [address, port] = entry === undefined ? [] : [entry.reply.source, entry.reply.sourcePort];
  const tracked = places.find(place => place.address === address && place.port === port);
  if (tracked !== undefined) return tracked;
  const { to } = connection;
  return places.find(place => place.address === to.address && place.port === to.port);
}

const entryOf = ({ to, tracked }: ObservedConnection): TrackedConnection | undefined =>
  tracked.find(({ original }) => original.destination === to.address && original.destinationPort === to.port);

function compareService({ frontends }: ServiceHop, connection: ObservedConnection): readonly Result[] {
  const { outcome, to } = connection;
  const frontend = frontends.find(({ address }) => address === to.address);
  if (frontend === undefined) return [];
  const expected =
    frontend.outcome === 'forwarded'
      ? `one of ${frontend.endpoints.map(({ address, port }) => endOf(address, port)).join(', ')}`
      : frontend.outcome;
  const say = (result: Finding['result'], seen: string): readonly Result[] => [{ result, expected, seen }];
  if (frontend.outcome === 'refused')
    return say(outcome === 'refused' ? 'agrees' : 'differs', wordsOf(connection));
  if (frontend.outcome === 'dropped')
    return say(outcome === 'timed-out' ? 'agrees' : 'differs', wordsOf(connection));
  const entry = entryOf(connection);
  if (entry === undefined)
    return say(
      'unseen',
      outcome === 'connected' ? 'no tracked connection told' : 'what is dropped is not tracked',
    );
  const { source, sourcePort } = entry.reply;
  const isOne = frontend.endpoints.some(({ address, port }) => address === source && port === sourcePort);
  return say(isOne ? 'agrees' : 'differs', `${entry.node} tracks it to ${endOf(source, sourcePort)}`);
}

function comparePolicy(
  choices: readonly Judgement[],
  connection: ObservedConnection,
  drawn: Place | undefined,
): readonly Result[] {
  const possible = choicesFor(choices, connection, drawn);
  const [first] = possible;
  if (first === undefined) return [];
  const isAllowed = possible.some(({ allowed }) => allowed);
  const isDenied = possible.some(({ allowed }) => !allowed);
  const expected = isAllowed && isDenied ? 'allowed or dropped' : isAllowed ? 'allowed' : 'dropped';
  const moved = connection.counters.filter(counter => counter.after > counter.before);
  const seen = [
    ...new Set(
      moved.map(
        ({ direction, does, node }) =>
          `${node} ${does === 'allow' ? 'allowed' : 'dropped'} it (${direction})`,
      ),
    ),
  ];
  const say = (result: Finding['result'], words: readonly string[]): readonly Result[] => [
    { result, expected, seen: words.join(', ') },
  ];
  const passed = connection.outcome === 'connected' || connection.outcome === 'refused';
  if (passed) {
    if (!isAllowed) return say('differs', [wordsOf(connection), ...seen]);
    const missing = uncounted(connection, drawn);
    return missing === undefined
      ? say('agrees', seen.length === 0 ? ['it passed; no rule was asked'] : seen)
      : say('differs', [`it passed, but ${missing}`]);
  }
  if (!isDenied) {
    const drops = moved.filter(({ does }) => does === 'drop');
    return drops.length > 0 ? say('differs', seen) : say('unseen', [wordsOf(connection), ...seen]);
  }
  const isCounted = connection.counters.length === 0 || moved.some(({ does }) => does === 'drop');
  const where = denied(possible.find(({ allowed }) => !allowed) ?? first);
  return isCounted
    ? say('agrees', seen.length === 0 ? [wordsOf(connection)] : seen)
    : say('differs', [`${wordsOf(connection)}, but no drop was counted for ${where?.pod ?? 'the pod'}`]);
}

/** A rule that the kernel should have counted, and did not: somebody else let it pass. */
function uncounted({ counters }: ObservedConnection, drawn: Place | undefined): string | undefined {
  if (drawn === undefined) return undefined;
  const own = counters.filter(({ destination, does }) => destination === drawn.address && does === 'allow');
  for (const direction of ['egress', 'ingress'] as const) {
    const asked = own.filter(counter => counter.direction === direction);
    if (asked.length > 0 && asked.every(({ after, before }) => after <= before))
      return `no rule of its ${direction} policies counted it`;
  }
  return undefined;
}

function compareRoute(
  choices: RouteHop['choices'],
  connection: ObservedConnection,
  drawn: Place | undefined,
): readonly Result[] {
  const choice = choices.find(({ to }) => drawn !== undefined && to.address === drawn.address);
  if (choice === undefined || (choice.way !== 'direct' && choice.way !== 'vxlan')) return [];
  const family = choice.to.address.includes(':');
  const way = connection.ways.find(
    ({ node, prefix }) => node === choice.to.node && prefix.includes(':') === family,
  );
  const expected = choice.sentence;
  if (way === undefined) return [{ result: 'unseen', expected, seen: 'no agent told' }];
  const isSame = way.way.startsWith(choice.way);
  return [{ result: isSame ? 'agrees' : 'differs', expected, seen: way.way }];
}

function compareArrival(
  choices: Extract<Hop, { hop: 'arrival' }>['choices'],
  connection: ObservedConnection,
  drawn: Place | undefined,
): readonly Result[] {
  const own = choices.filter(
    ({ to }) => to === undefined || to.address.includes(':') === connection.to.address.includes(':'),
  );
  const exact = own.filter(({ to }) => drawn !== undefined && to?.address === drawn.address);
  const possible = exact.length > 0 ? exact : own;
  if (possible.length === 0) return [];
  const expected = [...new Set(possible.map(({ outcome }) => outcome))].join(' or ');
  const results = possible.map(({ outcome }) => matches(outcome, connection));
  const result = results.includes('agrees') ? 'agrees' : (results[0] ?? 'unseen');
  return [{ result, expected, seen: wordsOf(connection) }];
}

function matches(expected: Outcome, { failure, outcome }: ObservedConnection): Finding['result'] {
  switch (expected) {
    case 'reaches':
      return outcome === 'connected' && failure === undefined ? 'agrees' : 'differs';
    case 'refused':
      return outcome === 'refused' ? 'agrees' : 'differs';
    case 'dropped':
      return outcome === 'timed-out' ? 'agrees' : 'differs';
    case 'no-route':
      return outcome === 'unreachable' || outcome === 'timed-out' ? 'agrees' : 'differs';
    case 'no-such-name':
    case 'no-source':
    case 'leaves-cluster':
    case 'unknown':
      return 'unseen';
    default:
      return expected satisfies never;
  }
}

function choicesFor(
  choices: readonly Judgement[],
  { to }: ObservedConnection,
  drawn: Place | undefined,
): readonly Judgement[] {
  const own = choices.filter(choice => choice.to.address.includes(':') === to.address.includes(':'));
  const exact = own.filter(choice => drawn !== undefined && choice.to.address === drawn.address);
  return exact.length > 0 ? exact : own;
}

/** `connected in 1.2 ms, HTTP 200 in 3.4 ms` */
function wordsOf({ failure, milliseconds, outcome, response, tls }: ObservedConnection): string {
  const time = `${milliseconds.toFixed(1)} ms`;
  switch (outcome) {
    case 'timed-out':
      return `no answer within ${Math.round(milliseconds)} ms`;
    case 'refused':
      return `refused in ${time}`;
    case 'unreachable':
      return `no way there, said in ${time}`;
    case 'connected': {
      const secured = tls === undefined ? '' : `, ${tls.protocol} with ${tls.subject}`;
      const said =
        response === undefined ? '' : `, HTTP ${response.status} in ${response.milliseconds.toFixed(1)} ms`;
      return `connected in ${time}${secured}${said}${failure === undefined ? '' : `, then: ${failure}`}`;
    }
    default:
      return outcome satisfies never;
  }
}

const endOf = (address: string, port: number | undefined): string =>
  port === undefined ? address : address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
