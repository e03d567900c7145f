import type { Result } from './compare.ts';
import type { NameHop } from './hops.ts';
import type { ObservedName } from './observed.ts';

export function compareName(hop: NameHop, seen: ObservedName | undefined): Result | undefined {
  // A client outside was told the address: there is nothing to ask.
  if (hop.by === 'gateway') return undefined;
  const expected = hop.outcome === 'found' ? hop.addresses.join(', ') : hop.sentence;
  if (seen === undefined) return { result: 'unseen', expected, seen: 'nobody was asked for the name' };
  const say = (result: Result['result']): Result => ({ result, expected, seen: wordsOfName(hop.name, seen) });
  const isSilent = seen.questions.length > 0 && seen.questions.every(({ answer }) => answer === 'no answer');
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

function wordsOfName(name: string, seen: ObservedName): string {
  const { addresses, drops, hit, isInHosts, questions } = seen;
  if (isInHosts) return `${addresses.join(', ')} from /etc/hosts`;
  const last = questions.at(-1);
  if (hit === undefined) {
    const [drop] = drops;
    const why = drop === undefined ? '' : `; ${drop.node} dropped it: ${drop.sentence}`;
    return `${last?.name ?? name}: ${last?.answer ?? 'there is no name server'}${why}`;
  }
  const milliseconds = questions.reduce((sum, question) => sum + question.milliseconds, 0);
  return `${hit} from ${last?.server ?? ''} in ${milliseconds.toFixed(1)} ms: ${addresses.join(', ')}`;
}
