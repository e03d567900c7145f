import { bad, good } from './model.ts';
import type { ListenerModel, Verdict } from './model.ts';

/**
 * What the listeners of a Gateway, or of a set, come to together: one that can be accepted is enough; of a set one that can
 * be served, since a set has nothing but its listeners.
 */
export function judge(listeners: readonly ListenerModel[], what: 'Gateway' | 'ListenerSet'): Verdict {
  const isRight = ({ accepted, isServed }: ListenerModel) => (what === 'Gateway' ? accepted.holds : isServed);
  const wrong = listeners.filter(listener => !isRight(listener));
  if (wrong.length === 0) return good('Accepted', `The ${what} is accepted`);
  const nameOf = ({ listener }: ListenerModel) => listener.name;
  const right = listeners.filter(isRight);
  const refused = wrong
    .map(model => `${nameOf(model)} (${(model.accepted.holds ? model.resolvedRefs : model.accepted).reason})`)
    .join(', ');
  if (right.length === 0) return bad('ListenersNotValid', `No listener can be accepted: ${refused}`);
  const message = `Accepted: ${right.map(nameOf).join(', ')}. Not accepted: ${refused}`;
  return good('ListenersNotValid', message);
}
