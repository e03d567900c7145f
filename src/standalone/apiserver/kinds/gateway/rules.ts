import type { Findings } from '../validation/findings.ts';
import type { Place } from '../validation/place.ts';

/** What rules of HTTPRoutes and of GRPCRoutes have in common. */

const MOST_MATCHES = 128;

export function checkMatchCount(found: Findings, rules: Place): void {
  const matches = rules.items().reduce((sum, rule) => sum + rule.child('matches').list.length, 0);
  if (matches > MOST_MATCHES) {
    found.invalid(
      rules,
      'While 16 rules and 64 matches per rule are allowed, the total number of matches across all rules in a route must be less than 128',
      'array',
    );
  }
}

/** SessionPersistence, of the experimental channel. */
export function checkSession(found: Findings, session: Place): void {
  if (!session.present) return;
  const cookie = session.child('cookieConfig');
  if (cookie.child('lifetimeType').text === 'Permanent' && !session.child('absoluteTimeout').present) {
    found.invalid(
      session,
      'AbsoluteTimeout must be specified when cookie lifetimeType is Permanent',
      'object',
    );
  }
  if (cookie.present && session.child('type').text !== 'Cookie')
    found.invalid(session, 'cookieConfig can only be set with type Cookie', 'object');
}
