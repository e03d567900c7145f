import { bad, good } from './model.ts';
import type { ListenerModel, Verdict } from './model.ts';

/** What the listeners of a Gateway, or of a set, come to together: one that can be accepted is enough. */
export function judge(listeners: readonly ListenerModel[], what: 'Gateway' | 'ListenerSet'): Verdict {
  const wrong = listeners.filter(({ accepted }) => !accepted.holds);
  if (wrong.length === 0) return good('Accepted', `The ${what} is accepted`);
  const nameOf = ({ listener }: ListenerModel) => listener.name;
  const right = listeners.filter(({ accepted }) => accepted.holds);
  const refused = wrong.map(({ listener, accepted }) => `${listener.name} (${accepted.reason})`).join(', ');
  if (right.length === 0) return bad('ListenersNotValid', `No listener can be accepted: ${refused}`);
  const message = `Accepted: ${right.map(nameOf).join(', ')}. Not accepted: ${refused}`;
  return good('ListenersNotValid', message);
}
