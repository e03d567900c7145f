import type { Result, SeenLeg } from './compare.ts';
import { endOf, wordsOf } from './compare-words.ts';
import type { Judgement, Place } from './hops.ts';
import { denied } from './judge.ts';
import type { CounterChange, DropReport, ObservedConnection } from './observed.ts';

/** Whether the kernel let it pass as the engine says, and whether the rules that decide counted it. */
export function comparePolicy(choices: readonly Judgement[], leg: SeenLeg): Result | undefined {
  const { connection, drawn, isBehindGateway } = leg;
  const possible = choicesFor(choices, leg);
  const [first] = possible;
  if (first === undefined) return undefined;
  const isAllowed = possible.some(({ allowed }) => allowed);
  const isDenied = possible.some(({ allowed }) => !allowed);
  const expected = isAllowed && isDenied ? 'allowed or dropped' : isAllowed ? 'allowed' : 'dropped';
  const moved = movedFor(connection, possible);
  const seen = [
    ...new Set(
      moved.map(
        ({ direction, does, node }) =>
          `${node} ${does === 'allow' ? 'allowed' : 'dropped'} it (${direction})`,
      ),
    ),
  ];
  const say = (result: Result['result'], words: readonly string[]): Result => ({
    result,
    expected,
    seen: words.join(', '),
  });
  const passed = isBehindGateway ? passedBehind(connection) : passedOf(connection);
  if (passed === undefined) return say('unseen', ['no proxy told']);
  if (passed) {
    if (!isAllowed) return say('differs', [wordsOf(connection), ...seen]);
    const missing = isBehindGateway ? undefined : uncounted(connection, drawn);
    if (missing !== undefined) return say('differs', [`it passed, but ${missing}`]);
    return say('agrees', seen.length === 0 ? ['it passed'] : seen);
  }
  const drops = moved.filter(({ does }) => does === 'drop');
  const [report] = reportsFor(connection, possible);
  if (!isDenied) {
    if (report !== undefined)
      return say('differs', [`${report.node} dropped it (${report.direction}): ${report.sentence}`]);
    // Its rules let it out and in: what became of it then is no matter of policy.
    const result = drops.length > 0 ? 'differs' : moved.length > 0 ? 'agrees' : 'unseen';
    return say(result, [wordsOf(connection), ...seen]);
  }
  if (drops.length > 0) return say('agrees', seen);
  if (report !== undefined)
    return say('agrees', [`${report.node} dropped it (${report.direction}): ${report.sentence}`]);
  // Silence has many reasons: that it was a policy, only those who count can say.
  if (connection.counters.length === 0) return say('unseen', [wordsOf(connection), 'no agent told']);
  const pod = denied(possible.find(({ allowed }) => !allowed) ?? first)?.pod ?? 'the pod';
  return say('differs', [`${wordsOf(connection)}, but no drop was counted for ${pod}`]);
}

const passedOf = ({ outcome }: ObservedConnection): boolean =>
  outcome === 'connected' || outcome === 'refused';

/** A backend answered, or refused by itself. */
const passedBehind = ({ proxy }: ObservedConnection): boolean | undefined =>
  proxy === undefined ? undefined : proxy.why === '' || proxy.why === 'upstream-refused';

function choicesFor(
  choices: readonly Judgement[],
  { connection, drawn, isBehindGateway }: SeenLeg,
): readonly Judgement[] {
  const { proxy, to } = connection;
  const own = choices.filter(choice =>
    isBehindGateway
      ? proxy === undefined || choice.from.pod === proxy.by
      : choice.to.address.includes(':') === to.address.includes(':'),
  );
  const exact = own.filter(choice => drawn !== undefined && choice.to.address === drawn.address);
  return exact.length > 0 ? exact : own;
}

function reportsFor({ drops }: ObservedConnection, possible: readonly Judgement[]): readonly DropReport[] {
  return drops.filter(({ destination }) =>
    possible.some(({ to }) => endOf(to.address, to.port) === destination),
  );
}

function movedFor(
  { counters }: ObservedConnection,
  possible: readonly Judgement[],
): readonly CounterChange[] {
  return counters.filter(
    ({ after, before, destination, source }) =>
      after > before &&
      possible.some(
        ({ from, seenAs, to }) =>
          to.address === destination && (from.address === source || seenAs?.address === source),
      ),
  );
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
