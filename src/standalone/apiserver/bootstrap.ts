import { CLUSTER_ROLES, CLUSTER_ROLE_BINDINGS, aggregated } from './access/bootstrap-roles.ts';
import { PROCESS_ROLES, PROCESS_ROLE_BINDINGS } from './access/process-roles.ts';
import { DEFAULT_RANGE } from './allocators/service-ranges.ts';
import type { Context } from './context.ts';
import { apiVersionOf } from './kind.ts';
import type { Kind } from './kind.ts';
import type { ApiObject } from './object.ts';
import { createObject, ownersBy } from './resource/create.ts';
import { ownWriter } from './resource/ownership.ts';
import { StatusError } from './status.ts';

const NAMESPACES = ['default', 'kube-system', 'kube-public', 'kube-node-lease'];

/** The port behind the `kubernetes` Service, and the prefixes that Services get addresses from. */
export interface ServiceSettings {
  readonly servicePort: number;
  readonly servicePrefixes: readonly string[];
}

/** What is there before anyone asks: the standard namespaces and the Service that leads to this server. */
export async function bootstrap(
  context: Context,
  { servicePort, servicePrefixes }: ServiceSettings,
): Promise<void> {
  for (const name of NAMESPACES) await ensure(context, 'namespaces', { name }, {});
  await ensureRoles(context);
  await ensureServiceRange(context, servicePrefixes);
  const [address] = context.allocators.reserved();
  await ensure(
    context,
    'services',
    { name: 'kubernetes', namespace: 'default', labels: { component: 'apiserver', provider: 'kubernetes' } },
    {
      spec: {
        type: 'ClusterIP',
        ...(address === undefined ? {} : { clusterIP: address, clusterIPs: [address] }),
        ipFamilyPolicy: 'SingleStack',
        ports: [{ name: 'https', port: 443, protocol: 'TCP', targetPort: servicePort }],
        sessionAffinity: 'None',
      },
    },
  );
}

const ensureServiceRange = (context: Context, cidrs: readonly string[]): Promise<void> =>
  ensure(context, 'servicecidrs', { name: DEFAULT_RANGE }, { spec: { cidrs } }, 'networking.k8s.io');

const RBAC_GROUP = 'rbac.authorization.k8s.io';
const BOOTSTRAP_LABELS = { 'kubernetes.io/bootstrapping': 'rbac-defaults' };

/** The roles that everything else builds on; what somebody changed in them is left as it is. */
async function ensureRoles(context: Context): Promise<void> {
  for (const { name, labels, gathers, rules } of [...CLUSTER_ROLES, ...PROCESS_ROLES]) {
    const metadata = { name, labels: { ...BOOTSTRAP_LABELS, ...labels } };
    const aggregationRule =
      gathers === undefined
        ? {}
        : { aggregationRule: { clusterRoleSelectors: [{ matchLabels: aggregated(gathers) }] } };
    await ensure(context, 'clusterroles', metadata, { rules, ...aggregationRule }, RBAC_GROUP);
  }
  for (const { role, groups = [], users = [] } of [...CLUSTER_ROLE_BINDINGS, ...PROCESS_ROLE_BINDINGS]) {
    const subject = (kind: string) => (name: string) => ({ apiGroup: RBAC_GROUP, kind, name });
    const subjects = [...groups.map(subject('Group')), ...users.map(subject('User'))];
    const roleRef = { apiGroup: RBAC_GROUP, kind: 'ClusterRole', name: role };
    const metadata = { name: role, labels: BOOTSTRAP_LABELS };
    await ensure(context, 'clusterrolebindings', metadata, { subjects, roleRef }, RBAC_GROUP);
  }
  for (const [name, value] of SYSTEM_PRIORITIES) {
    const description = 'For pods that the cluster cannot be without.';
    await ensure(context, 'priorityclasses', { name }, { value, description }, 'scheduling.k8s.io');
  }
}

const SYSTEM_PRIORITIES = [
  ['system-cluster-critical', 2_000_000_000],
  ['system-node-critical', 2_000_001_000],
] as const;

/** Makes the Service again when someone deletes it (`delete all --all`); returns how to stop. */
export function keepService(context: Context, settings: ServiceSettings): () => void {
  return context.store.watch('/services', change => {
    if (change.type !== 'DELETED' || change.after.key !== 'default/kubernetes') return;
    bootstrap(context, settings).catch((error: unknown) =>
      context.log.error({ err: error }, 'The kubernetes Service could not be made again'),
    );
  });
}

async function ensure(
  context: Context,
  plural: string,
  metadata: ApiObject['metadata'],
  fields: Readonly<Record<string, unknown>>,
  group = '',
): Promise<void> {
  const kind: Kind | undefined = context.registry.find(group, 'v1', plural);
  if (kind === undefined) return;
  const object = { apiVersion: apiVersionOf(kind), kind: kind.kind, metadata, ...fields };
  try {
    await createObject(context, kind, object, {
      dryRun: false,
      owners: ownersBy(kind, ownWriter(context, kind)),
    });
  } catch (error) {
    if (!(error instanceof StatusError) || error.reason !== 'AlreadyExists') throw error;
  }
}
