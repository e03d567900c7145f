import type { Context } from '../context.ts';
import type { Kind } from '../kind.ts';
import type { ApiObject, Fields } from '../object.ts';
import { isFields } from '../object.ts';
import { generateName } from '../resource/names.ts';
import { assertNamespaceTakesNew } from '../resource/namespace-gate.ts';
import { forbidden } from '../status.ts';

const ACCOUNT_DIRECTORY = '/var/run/secrets/kubernetes.io/serviceaccount';
const ROOT_CERTIFICATE = 'kube-root-ca.crt';
/** A token is asked for anew long before: the margin for clocks that differ. */
const TOKEN_SECONDS = 3607;
/** A namespace's default account is made right after it; who creates a pod with it need not know. */
const ACCOUNT_WAIT = 2000;

/** What a real server's admission gives a new pod before it is checked: its account's credentials, and its priority. */
export async function admitPod(context: Context, kind: Kind, object: ApiObject): Promise<ApiObject> {
  if (kind.group !== '' || kind.kind !== 'Pod' || !isFields(object['spec'])) return object;
  // The first of a real server's admission too: nobody waits for the account of a namespace that is not there.
  assertNamespaceTakesNew(context.store, kind, object.metadata.namespace ?? '', object.metadata.name ?? '');
  assertRuntimeClass(kind, object, object['spec']);
  const withPriority = prioritised(context, kind, object, object['spec']);
  if (!context.admitsServiceAccounts || isMirror(object)) return withPriority;
  return withCredentials(context, kind, withPriority);
}

/** There are no RuntimeClasses here: whoever names one is told so, as where it has not been made. */
function assertRuntimeClass(kind: Kind, object: ApiObject, spec: Fields): void {
  const { runtimeClassName: name, overhead } = spec;
  const refuse = (why: string) => forbidden(kind, object.metadata.name ?? '', `pod rejected: ${why}`);
  if (typeof name === 'string' && name !== '') throw refuse(`RuntimeClass ${JSON.stringify(name)} not found`);
  if (isFields(overhead) && Object.keys(overhead).length > 0)
    throw refuse('Pod Overhead set without corresponding RuntimeClass defined Overhead');
}

/** A mirror of what runs on a node anyway is not changed. */
const isMirror = (object: ApiObject): boolean =>
  object.metadata.annotations?.['kubernetes.io/config.mirror'] !== undefined;

function prioritised(context: Context, kind: Kind, object: ApiObject, spec: Fields): ApiObject {
  const name = spec['priorityClassName'];
  const classes = context.registry.find('scheduling.k8s.io', 'v1', 'priorityclasses');
  if (classes === undefined) return object;
  if (typeof name !== 'string' || name === '') {
    const standard = defaultClass(context);
    assertPriority(kind, object, spec, standard);
    return standard === undefined ? object : withClass(object, spec, standard);
  }
  const found = context.store.newest('scheduling.k8s.io/priorityclasses', name)?.object;
  if (found === undefined) {
    throw forbidden(kind, object.metadata.name ?? '', `no PriorityClass with name ${name} was found`);
  }
  assertPriority(kind, object, spec, found);
  return withClass(object, spec, found);
}

/** Numbers come from classes alone. */
function assertPriority(kind: Kind, object: ApiObject, spec: Fields, from: ApiObject | undefined): void {
  const { value = 0, preemptionPolicy = 'PreemptLowerPriority' }: Fields = from ?? {};
  const { priority = value, preemptionPolicy: policy = preemptionPolicy } = spec;
  const refuse = (what: string, given: unknown, computed: unknown) =>
    forbidden(
      kind,
      object.metadata.name ?? '',
      `the ${what} (${String(given)}) must not be provided in pod spec; priority admission controller computed ${String(computed)} from the given PriorityClass name`,
    );
  if (priority !== null && priority !== value) throw refuse('integer value of priority', priority, value);
  if (policy !== null && policy !== preemptionPolicy)
    throw refuse('string value of PreemptionPolicy', policy, preemptionPolicy);
}

function defaultClass(context: Context): ApiObject | undefined {
  const classes = context.store.list('scheduling.k8s.io/priorityclasses', '')?.entries ?? [];
  return classes.map(({ object }) => object).find(one => one['globalDefault'] === true);
}

function withClass(object: ApiObject, spec: Fields, priorityClass: ApiObject): ApiObject {
  const { name } = priorityClass.metadata;
  const { value = 0, preemptionPolicy = 'PreemptLowerPriority' } = priorityClass;
  return { ...object, spec: { ...spec, priorityClassName: name, priority: value, preemptionPolicy } };
}

async function withCredentials(context: Context, kind: Kind, object: ApiObject): Promise<ApiObject> {
  const spec = object['spec'] as Fields; // it was looked at by the caller
  const given = spec['serviceAccountName'] ?? spec['serviceAccount'];
  const name = typeof given === 'string' && given !== '' ? given : 'default';
  const { namespace = '' } = object.metadata;
  const account = await accountOf(context, namespace, name);
  if (account === undefined) {
    const why = `error looking up service account ${namespace}/${name}: serviceaccount ${JSON.stringify(name)} not found`;
    throw forbidden(kind, object.metadata.name ?? '', why);
  }
  const mounts = spec['automountServiceAccountToken'] ?? account['automountServiceAccountToken'];
  if (mounts === false) return object;
  const volume = generateName('kube-api-access-', context.random);
  const containers = (field: string) =>
    Array.isArray(spec[field]) ? { [field]: spec[field].map(mounted(volume)) } : {};
  const changed = { ...containers('initContainers'), ...containers('containers') };
  const isUsed = Object.values(changed)
    .flat()
    .some(container => usesVolume(container, volume));
  if (!isUsed) return object;
  const volumes = Array.isArray(spec['volumes']) ? (spec['volumes'] as readonly unknown[]) : [];
  return {
    ...object,
    spec: { ...spec, ...changed, volumes: [...volumes, { name: volume, projected: CREDENTIALS }] },
  };
}

const CREDENTIALS = {
  defaultMode: 0o644,
  sources: [
    { serviceAccountToken: { expirationSeconds: TOKEN_SECONDS, path: 'token' } },
    { configMap: { name: ROOT_CERTIFICATE, items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
    {
      downwardAPI: {
        items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }],
      },
    },
  ],
};

/** A container that has something else in that place keeps it. */
const mounted =
  (volume: string) =>
  (container: unknown): unknown => {
    if (!isFields(container)) return container;
    const mounts = Array.isArray(container['volumeMounts'])
      ? (container['volumeMounts'] as readonly unknown[])
      : [];
    const isTaken = mounts.some(mount => isFields(mount) && mount['mountPath'] === ACCOUNT_DIRECTORY);
    if (isTaken) return container;
    const own = { name: volume, readOnly: true, mountPath: ACCOUNT_DIRECTORY };
    return { ...container, volumeMounts: [...mounts, own] };
  };

const usesVolume = (container: unknown, volume: string): boolean =>
  isFields(container) &&
  Array.isArray(container['volumeMounts']) &&
  container['volumeMounts'].some((mount: unknown) => isFields(mount) && mount['name'] === volume);

async function accountOf(context: Context, namespace: string, name: string): Promise<ApiObject | undefined> {
  const find = () => context.store.newest('/serviceaccounts', `${namespace}/${name}`)?.object;
  const present = find();
  const isComing = name === 'default' && context.store.newest('/namespaces', namespace) !== undefined;
  if (present !== undefined || !isComing) return present;
  return new Promise(resolve => {
    const done = () => {
      clearTimeout(timer);
      unwatch();
      resolve(find());
    };
    const timer = setTimeout(done, ACCOUNT_WAIT);
    const unwatch = context.store.watch('/serviceaccounts', ({ after }) => {
      if (after.key === `${namespace}/${name}`) done();
    });
  });
}
