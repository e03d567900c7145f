import type { BootstrapBinding, BootstrapRole } from './bootstrap-roles.ts';

/**
 * What the processes of the cluster may do, each by its own user: as much as they need, and visible to `kubectl get
 * clusterroles`. Agents get the Secrets of their Gateways beside this (agent-secrets.ts).
 */

const READ = ['get', 'list', 'watch'];
const KEEP = [...READ, 'create', 'delete', 'patch', 'update'];

const rule = (apiGroup: string, resources: readonly string[], verbs: readonly string[]): object => ({
  apiGroups: [apiGroup],
  resources,
  verbs,
});

/** Every part that speaks of what happens. */
const events = [
  rule('', ['events'], ['create', 'patch', 'update']),
  rule('events.k8s.io', ['events'], ['create', 'patch', 'update']),
];

const GATEWAY_GROUPS = ['gateway.networking.k8s.io', 'gateway.networking.x-k8s.io'];

/** What the network of a node is made of: read, and nothing of it written. */
const networkRules = [
  rule('', ['endpoints', 'namespaces', 'nodes', 'pods', 'services'], READ),
  rule('discovery.k8s.io', ['endpointslices'], READ),
  rule('networking.k8s.io', ['ingressclasses', 'ingresses', 'networkpolicies', 'servicecidrs'], READ),
  rule('policy.networking.k8s.io', ['*'], READ),
  ...GATEWAY_GROUPS.map(group => rule(group, ['*'], READ)),
];

export const PROCESS_ROLES: readonly BootstrapRole[] = [
  {
    name: 'system:kube-controller-manager',
    // The garbage collector and the removal of namespaces meet every kind; nothing is made but what is named.
    rules: [
      rule('*', ['*'], [...READ, 'delete', 'deletecollection', 'patch', 'update']),
      rule(
        '',
        [
          'configmaps',
          'endpoints',
          'persistentvolumeclaims',
          'persistentvolumes',
          'pods',
          'pods/binding',
          'pods/eviction',
          'secrets',
          'serviceaccounts',
        ],
        ['create'],
      ),
      rule('', ['serviceaccounts/token'], ['create']),
      rule('apps', ['controllerrevisions', 'replicasets'], ['create']),
      rule('batch', ['jobs'], ['create']),
      rule('coordination.k8s.io', ['leases'], ['create']),
      rule('discovery.k8s.io', ['endpointslices'], ['create']),
      ...events,
    ],
  },
  {
    name: 'fairlead:controller',
    rules: [
      ...networkRules,
      rule('', ['configmaps'], READ),
      rule('', ['nodes', 'nodes/status'], ['patch', 'update']),
      rule('', ['pods'], ['create', 'delete', 'patch']),
      rule('', ['pods/status', 'services/status'], ['patch', 'update']),
      rule('', ['secrets', 'serviceaccounts', 'services'], KEEP),
      rule('apps', ['deployments'], KEEP),
      rule('policy', ['poddisruptionbudgets'], KEEP),
      rule('coordination.k8s.io', ['leases'], KEEP),
      rule('apiextensions.k8s.io', ['customresourcedefinitions'], READ),
      rule('networking.k8s.io', ['ingresses/status'], ['patch', 'update']),
      rule('policy.networking.k8s.io', ['*'], ['patch', 'update']),
      rule('gateway.networking.k8s.io', ['gatewayclasses'], ['create']),
      rule('networking.k8s.io', ['ingressclasses'], ['create']),
      ...GATEWAY_GROUPS.map(group => rule(group, ['*'], ['patch', 'update'])),
      ...events,
    ],
  },
  {
    name: 'fairlead:runtime',
    // One process is the kubelet of every node: what the Node authorizer gives each of them, for all nodes.
    rules: [
      rule('', ['configmaps', 'namespaces', 'nodes', 'persistentvolumeclaims'], READ),
      rule('', ['persistentvolumes', 'pods', 'secrets', 'services'], READ),
      rule('', ['nodes'], ['create', 'patch', 'update']),
      rule('', ['nodes/status', 'pods/status'], ['patch', 'update']),
      rule('', ['pods'], ['delete']),
      rule('', ['serviceaccounts/token'], ['create']),
      rule('coordination.k8s.io', ['leases'], ['create', 'get', 'patch', 'update']),
      ...events,
    ],
  },
  {
    name: 'fairlead:agent',
    rules: [...networkRules, rule('', ['configmaps'], READ), ...events],
  },
];

export const PROCESS_ROLE_BINDINGS: readonly BootstrapBinding[] = [
  { role: 'system:kube-controller-manager', users: ['system:kube-controller-manager'] },
  { role: 'fairlead:controller', users: ['fairlead:controller'] },
  { role: 'fairlead:runtime', users: ['fairlead:runtime'] },
  { role: 'fairlead:agent', groups: ['fairlead:agents'] },
];
