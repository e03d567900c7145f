import type { HTTPRouteRetry, SessionPersistence } from '../kube/types/gateway-routes.ts';
import { millisecondsOf } from './compile-duration.ts';
import type { Unsupported } from './compile-match.ts';
import type { TableMatch, TableRetry, TableSessionPersistence } from './table.ts';

/** Fields of a rule that the experimental channel of the Gateway API has. */

const TOKEN = /^[\w!#$%&'*+.^`|~-]+$/;
/** More would keep a client waiting for what does not come. */
const MOST_ATTEMPTS = 100;

export function compileRetry({ attempts, backoff, codes = [] }: HTTPRouteRetry): TableRetry | Unsupported {
  const wrong = codes.findIndex(code => !Number.isInteger(code) || code < 400 || code > 599);
  if (wrong >= 0)
    return { field: `retry.codes[${wrong}]`, sentence: `${codes[wrong]} is no status of a failure` };
  if (attempts !== undefined && !(Number.isInteger(attempts) && attempts >= 1))
    return { field: 'retry.attempts', sentence: `${attempts} is no number of attempts` };
  const wait = backoff === undefined ? undefined : millisecondsOf(backoff);
  if (backoff !== undefined && wait === undefined)
    return { field: 'retry.backoff', sentence: `${JSON.stringify(backoff)} is no duration` };
  return {
    codes: [...new Set(codes)].toSorted((a, b) => a - b),
    ...(attempts === undefined ? {} : { attempts: Math.min(attempts, MOST_ATTEMPTS) }),
    ...(wait === undefined ? {} : { backoff: wait }),
  };
}

/**
 * @param rule - names the rule among all: its session has this name where it has none of its own.
 * @param matches - of the rule.
 */
export function compileSession(
  { absoluteTimeout, cookieConfig, sessionName, type = 'Cookie' }: SessionPersistence,
  rule: string,
  matches: readonly TableMatch[],
): TableSessionPersistence | Unsupported {
  const wrong = (field: string, sentence: string) => ({ field: `sessionPersistence.${field}`, sentence });
  if (type !== 'Cookie' && type !== 'Header') return wrong('type', `${String(type)} is not supported`);
  const name = sessionName === undefined || sessionName === '' ? rule : sessionName;
  if (!TOKEN.test(name)) return wrong('sessionName', `${JSON.stringify(name)} is no name of a ${type}`);
  const timeout = absoluteTimeout === undefined ? undefined : millisecondsOf(absoluteTimeout);
  if (absoluteTimeout !== undefined && timeout === undefined)
    return wrong('absoluteTimeout', `${JSON.stringify(absoluteTimeout)} is no duration`);
  if (type === 'Header' && cookieConfig !== undefined)
    return wrong('cookieConfig', 'a session by a header has no cookie');
  const lifetime = cookieConfig?.lifetimeType ?? 'Session';
  if (lifetime === 'Permanent' && !(timeout !== undefined && timeout > 0))
    return wrong('absoluteTimeout', 'a permanent cookie needs one');
  const [only, ...more] = new Set(
    matches.map(({ path }) => (path.type === 'RegularExpression' ? '/' : path.value)),
  );
  return {
    type,
    name,
    path: only === undefined || more.length > 0 ? '/' : only,
    // Zero is no limit, as for other durations (GEP-2257).
    ...(timeout === undefined || timeout === 0 ? {} : { absoluteTimeout: timeout }),
    lifetime,
  };
}
