/** The roles that a real cluster has from the start, for the kinds that are served, and who has them. */

export interface BootstrapRole {
  readonly name: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** It takes in the rules of all roles that are labelled for this one. */
  readonly gathers?: string;
  readonly rules: readonly object[];
}

const READ = ['get', 'list', 'watch'];
const WRITE = ['create', 'delete', 'deletecollection', 'patch', 'update'];
const CORE = [
  'configmaps',
  'endpoints',
  'persistentvolumeclaims',
  'pods',
  'replicationcontrollers',
  'serviceaccounts',
  'services',
];
const APPS = ['controllerrevisions', 'daemonsets', 'deployments', 'replicasets', 'statefulsets'];
const SCALABLE = ['deployments/scale', 'replicasets/scale', 'statefulsets/scale'];
const BATCH = ['cronjobs', 'jobs'];
const NETWORKING = ['ingresses', 'networkpolicies'];
const GATEWAY = [
  'gateways',
  'httproutes',
  'grpcroutes',
  'tlsroutes',
  'tcproutes',
  'udproutes',
  'referencegrants',
];

const resources = (apiGroup: string, names: readonly string[], verbs: readonly string[]) => ({
  apiGroups: [apiGroup],
  resources: names,
  verbs,
});

const viewRules = [
  resources(
    '',
    [
      ...CORE,
      'bindings',
      'events',
      'limitranges',
      'namespaces',
      'namespaces/status',
      'pods/log',
      'pods/status',
      'resourcequotas',
      'services/status',
    ],
    READ,
  ),
  resources('discovery.k8s.io', ['endpointslices'], READ),
  resources('apps', [...APPS, ...SCALABLE, ...APPS.map(name => `${name}/status`)], READ),
  resources('autoscaling', ['horizontalpodautoscalers'], READ),
  resources('batch', [...BATCH, ...BATCH.map(name => `${name}/status`)], READ),
  resources('networking.k8s.io', [...NETWORKING, 'ingresses/status'], READ),
  resources('policy', ['poddisruptionbudgets', 'poddisruptionbudgets/status'], READ),
  resources('gateway.networking.k8s.io', GATEWAY, READ),
];

const editRules = [
  ...viewRules,
  resources(
    '',
    ['pods/attach', 'pods/exec', 'pods/portforward', 'pods/proxy', 'secrets', 'services/proxy'],
    READ,
  ),
  resources('', ['serviceaccounts'], ['impersonate']),
  resources(
    '',
    [
      ...CORE,
      'secrets',
      'pods/attach',
      'pods/exec',
      'pods/portforward',
      'pods/proxy',
      'services/proxy',
      'events',
    ],
    WRITE,
  ),
  resources('', ['pods/eviction', 'serviceaccounts/token'], ['create']),
  resources('apps', [...APPS.slice(1), 'deployments/rollback', ...SCALABLE], WRITE),
  resources('batch', BATCH, WRITE),
  resources('networking.k8s.io', NETWORKING, WRITE),
  resources('policy', ['poddisruptionbudgets'], WRITE),
  resources('gateway.networking.k8s.io', GATEWAY, WRITE),
  resources('coordination.k8s.io', ['leases'], [...READ, ...WRITE]),
];

const adminRules = [
  ...editRules,
  resources('authorization.k8s.io', ['localsubjectaccessreviews'], ['create']),
  resources('rbac.authorization.k8s.io', ['rolebindings', 'roles'], [...READ, ...WRITE]),
];

export const aggregated = (to: string) => ({ [`rbac.authorization.k8s.io/aggregate-to-${to}`]: 'true' });

export const CLUSTER_ROLES: readonly BootstrapRole[] = [
  {
    name: 'cluster-admin',
    rules: [resources('*', ['*'], ['*']), { nonResourceURLs: ['*'], verbs: ['*'] }],
  },
  { name: 'admin', gathers: 'admin', rules: adminRules },
  { name: 'edit', labels: aggregated('admin'), gathers: 'edit', rules: editRules },
  { name: 'view', labels: aggregated('edit'), gathers: 'view', rules: viewRules },
  {
    name: 'system:aggregate-to-admin',
    labels: aggregated('admin'),
    rules: adminRules.filter(rule => !editRules.includes(rule)),
  },
  {
    name: 'system:aggregate-to-edit',
    labels: aggregated('edit'),
    rules: editRules.filter(rule => !viewRules.includes(rule)),
  },
  { name: 'system:aggregate-to-view', labels: aggregated('view'), rules: viewRules },
  {
    name: 'system:discovery',
    rules: [
      {
        nonResourceURLs: [
          '/api',
          '/api/*',
          '/apis',
          '/apis/*',
          '/healthz',
          '/livez',
          '/openapi',
          '/openapi/*',
          '/readyz',
          '/version',
          '/version/',
        ],
        verbs: ['get'],
      },
    ],
  },
  {
    name: 'system:public-info-viewer',
    rules: [{ nonResourceURLs: ['/healthz', '/livez', '/readyz', '/version', '/version/'], verbs: ['get'] }],
  },
  {
    name: 'system:service-account-issuer-discovery',
    rules: [{ nonResourceURLs: ['/.well-known/openid-configuration', '/openid/v1/jwks'], verbs: ['get'] }],
  },
  {
    name: 'system:basic-user',
    rules: [
      resources('authorization.k8s.io', ['selfsubjectaccessreviews', 'selfsubjectrulesreviews'], ['create']),
      resources('authentication.k8s.io', ['selfsubjectreviews'], ['create']),
    ],
  },
  {
    name: 'system:auth-delegator',
    rules: [
      resources('authentication.k8s.io', ['tokenreviews'], ['create']),
      resources('authorization.k8s.io', ['subjectaccessreviews'], ['create']),
    ],
  },
];

export interface BootstrapBinding {
  readonly role: string;
  readonly groups?: readonly string[];
  readonly users?: readonly string[];
}

export const CLUSTER_ROLE_BINDINGS: readonly BootstrapBinding[] = [
  { role: 'cluster-admin', groups: ['system:masters'] },
  { role: 'system:discovery', groups: ['system:authenticated'] },
  { role: 'system:basic-user', groups: ['system:authenticated'] },
  { role: 'system:public-info-viewer', groups: ['system:authenticated', 'system:unauthenticated'] },
  { role: 'system:service-account-issuer-discovery', groups: ['system:serviceaccounts'] },
];
