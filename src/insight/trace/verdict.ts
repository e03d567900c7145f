import type { Ending, Place, TraceVerdict } from './hops.ts';
import { nameOfPlace } from './judge.ts';

/** One verdict of all the ways that a request can end. */
export function verdictOf(endings: readonly Ending[]): TraceVerdict {
  const groups = new Map<string, { readonly ending: Ending; readonly places: Place[] }>();
  for (const ending of endings) {
    const key = JSON.stringify([
      ending.outcome,
      ending.decidedBy,
      ending.outcome === 'reaches' ? '' : ending.changes?.map(({ field, object }) => [object, field]),
    ]);
    const group = groups.get(key) ?? { ending, places: [] };
    groups.set(key, group);
    if (ending.to !== undefined) group.places.push(ending.to);
  }
  const parts = [...groups.values()].map(({ ending, places }) => ({ ...ending, places }));
  const [first] = parts;
  if (first === undefined)
    return { outcome: 'unknown', sentence: 'there is nothing that it could be sent to', parts: [] };
  if (new Set(parts.map(({ outcome }) => outcome)).size > 1)
    return { outcome: 'mixed', sentence: mixedSentence(parts), ...nextOf(parts), parts };
  const { changes, decidedBy, next, outcome, sentence } = first;
  const places = parts.flatMap(part => part.places);
  return {
    outcome,
    sentence: outcome === 'reaches' && places.length > 1 ? reachesAny(places) : sentence,
    ...(decidedBy === undefined ? {} : { decidedBy }),
    ...(next === undefined ? {} : { next }),
    ...(changes === undefined ? {} : { changes }),
    parts: [],
  };
}

type Part = TraceVerdict['parts'][number];

function mixedSentence(parts: readonly Part[]): string {
  const list = parts.map(({ outcome, places, sentence }) =>
    places.length > 1 && outcome === 'reaches' ? reachesAny(places) : sentence,
  );
  return `it depends on the endpoint: ${list.join('; ')}`;
}

function nextOf(parts: readonly Part[]): Pick<TraceVerdict, 'next' | 'changes' | 'decidedBy'> | undefined {
  const failing = parts.find(({ outcome }) => outcome !== 'reaches');
  if (failing === undefined) return undefined;
  const { changes, decidedBy, next } = failing;
  return {
    ...(decidedBy === undefined ? {} : { decidedBy }),
    ...(next === undefined ? {} : { next }),
    ...(changes === undefined ? {} : { changes }),
  };
}

function reachesAny(places: readonly Place[]): string {
  const names = [...new Set(places.map(nameOfPlace))];
  const ports = [...new Set(places.map(({ port }) => port))].filter(port => port !== undefined);
  const who = names.length === 1 ? names[0] : `one of ${names.slice(0, 4).join(', ')}`;
  const more = names.length > 4 ? ` and ${names.length - 4} more` : '';
  return `reaches ${who}${more}${ports.length === 1 ? `, port ${ports[0]}` : ''}`;
}
