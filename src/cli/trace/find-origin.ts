import { closestOf } from '../../base/closest.ts';
import { FairleadError } from '../../base/errors.ts';
import type { Pod } from '../../kube/types/pod.ts';
import type { Origin, TraceObjects } from '../../insight/trace/index.ts';
import type { OriginWord } from './parse-request.ts';

type Places = Pick<TraceObjects, 'nodes' | 'pods'>;

/** The origin that was named, where there is one; a Deployment's is the first of its pods that runs. */
export function originIn(objects: Places, word: OriginWord): Origin {
  switch (word.kind) {
    case 'world':
      return word;
    case 'node': {
      const names = objects.nodes.map(({ metadata }) => metadata.name);
      if (names.includes(word.name)) return word;
      throw missing(`node ${word.name}`, `node/${closestOf(word.name, names) ?? names[0] ?? 'NAME'}`);
    }
    case 'pod':
      if (objects.pods.some(({ metadata }) => isNamed(metadata, word))) return word;
      throw missing(`pod ${word.name} in the namespace ${word.namespace}`, nearestPod(objects, word));
    case 'deployment':
      return podOfDeployment(objects, word);
    default:
      return word satisfies never;
  }
}

interface Named {
  readonly namespace: string;
  readonly name: string;
}

const isNamed = (metadata: Pod['metadata'], { namespace, name }: Named): boolean =>
  metadata.namespace === namespace && metadata.name === name;

/** By the names that a Deployment gives: NAME-HASH-SUFFIX, owned by the ReplicaSet NAME-HASH. */
function podOfDeployment(objects: Places, { name, namespace }: Named): Origin {
  const ownedBy = (pod: Pod) => pod.metadata.ownerReferences?.find(({ kind }) => kind === 'ReplicaSet')?.name;
  const isOf = (pod: Pod) =>
    pod.metadata.namespace === namespace && ownedBy(pod)?.replace(/-[^-]+$/, '') === name;
  const pods = objects.pods.filter(isOf).toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  const running = pods.find(pod => pod.status?.phase === 'Running') ?? pods[0];
  if (running !== undefined) return { kind: 'pod', namespace, name: running.metadata.name };
  const names = objects.pods
    .filter(({ metadata }) => metadata.namespace === namespace)
    .flatMap(pod => ownedBy(pod)?.replace(/-[^-]+$/, '') ?? []);
  const near = closestOf(name, [...new Set(names)]) ?? names[0];
  throw missing(
    `pod of a Deployment ${name} in the namespace ${namespace}`,
    near === undefined ? 'world' : `deployment/${namespace}/${near}`,
  );
}

/** In the namespace first, where a name's beginning is enough; then the same name elsewhere. */
function nearestPod({ pods }: Pick<Places, 'pods'>, { name, namespace }: Named): string {
  const named = pods.map(({ metadata }) => ({ namespace: metadata.namespace ?? '', name: metadata.name }));
  const here = named.filter(pod => pod.namespace === namespace);
  const begins = (pod: Named) => pod.name.startsWith(name);
  const closest = closestOf(
    name,
    here.map(pod => pod.name),
  );
  const near =
    here.find(begins) ??
    here.find(pod => pod.name === closest) ??
    named.find(pod => pod.name === name) ??
    named.find(begins) ??
    here[0];
  return near === undefined ? 'world' : `pod/${near.namespace}/${near.name}`;
}

function missing(what: string, near: string): FairleadError {
  return new FairleadError('trace/no-such-origin', `There is no ${what}.`, {
    field: 'FROM',
    hint: `A place to begin that there is: ${near}`,
  });
}
