import { compileAnswer } from '../compile-answer.ts';
import type { AnswerContext } from '../compile-answer.ts';
import type { ClusterNames } from '../compile-cluster.ts';
import { isWithin, keyOfName, limits, textOfName } from '../wire/index.ts';
import type { NameKey } from '../wire/index.ts';
import { joinAliases, renamed } from './compose.ts';
import type { Reply } from './reply.ts';

/**
 * What a pod's resolver will ask for next, when there is no such name: the rest of its search list, and then the name as its
 * program said it. Empty for a name that the first entry of the namespace's search list did not make (CoreDNS, `autopath`).
 */
export function completionsOf(names: ClusterNames, key: NameKey, namespace: string): readonly NameKey[] {
  const first = keyOfName(`${namespace}.svc.${names.clusterDomain}`);
  if (key === first || !isWithin(key, first)) return [];
  const asked = key.slice(0, key.length - first.length);
  return [`svc.${names.clusterDomain}`, names.clusterDomain, '.']
    .map(end => (asked + keyOfName(end)) as NameKey) // labels in front of a name make a name
    .filter(completed => completed.length <= limits.name);
}

/** The answer to a later name of the list as one to the first, which is an alias of it. */
export function completed(key: NameKey, found: NameKey, reply: Reply, context: AnswerContext): Reply {
  if (reply.answer.answers === 0) return { ...renamed(key, found, reply), by: 'autopath' };
  const from = { object: 'Zone', field: 'autopath' };
  const data = { type: 'CNAME', target: textOfName(found) } as const;
  const alias = compileAnswer(
    { outcome: 'answer', answers: [{ name: textOfName(key), data, from }], additional: [] },
    key,
    context,
  );
  return alias === undefined ? reply : { ...joinAliases(key, alias, found, reply), by: 'autopath' };
}
