import type { Kind, MergeSchema } from '../kind.ts';
import { isFields, valueAt, withValueAt } from '../object.ts';
import type { ApiObject } from '../object.ts';

/** Kinds with as little behaviour as the handler's tests need, so that they do not depend on the real ones. */
const BASE = {
  group: '',
  version: 'v1',
  shortNames: [],
  categories: [],
  namespaced: true,
  subresources: [],
  typeErrors: () => [],
  unknownFields: () => [],
  withoutUnknownFields: (object: ApiObject) => object,
  withDefaults: (object: ApiObject) => object,
  validate: () => [],
  fieldSelectors: {},
  columns: [{ name: 'Name', type: 'string', format: 'name', description: 'Name.', priority: 0 }],
  cells: (object: ApiObject) => [object.metadata.name],
  strategy: {
    statusFields: [],
    countsGenerations: false,
    allowsUnconditionalUpdate: true,
    allowsCreateOnUpdate: false,
  },
} as const;

function textAt(object: ApiObject, path: readonly string[]): string {
  const value = valueAt(object, path);
  return typeof value === 'string' ? value : '';
}

const named = (kind: string) => ({
  kind,
  listKind: `${kind}List`,
  plural: `${kind.toLowerCase()}s`,
  singular: kind.toLowerCase(),
  schema: `test.${kind}`,
});

const NAMESPACE: Kind = {
  ...BASE,
  ...named('Namespace'),
  namespaced: false,
  nameFormat: 'label',
  subresources: [{ name: 'finalize', kind: 'Namespace', verbs: ['update'] }],
  strategy: {
    ...BASE.strategy,
    statusFields: ['status'],
    onCreate: object => ({ ...object, spec: { finalizers: ['kubernetes'] }, status: { phase: 'Active' } }),
    onDeletionMark: object => withValueAt(object, ['status', 'phase'], 'Terminating') as ApiObject,
    isHeld: object => (valueAt(object, ['spec', 'finalizers']) as readonly string[]).length > 0,
  },
};

const CONFIG_MAP: Kind = {
  ...BASE,
  ...named('ConfigMap'),
  unknownFields: object =>
    Object.keys(object)
      .filter(field => !['apiVersion', 'kind', 'metadata', 'data', 'immutable'].includes(field))
      .map(field => `unknown field "${field}"`),
  typeErrors: object =>
    object['data'] === undefined || isFields(object['data']) ? [] : ['json: cannot unmarshal data'],
  mergeSchema: { field: () => undefined, items: () => undefined, strategies: [], mergeKey: undefined },
};

const byName: MergeSchema = {
  field: () => undefined,
  items: () => byName,
  strategies: ['merge'],
  mergeKey: 'name',
};

const POD: Kind = {
  ...BASE,
  ...named('Pod'),
  subresources: [
    { name: 'status', kind: 'Pod', verbs: ['get', 'patch', 'update'] },
    { name: 'binding', kind: 'Binding', verbs: ['create'] },
    { name: 'eviction', group: 'policy', version: 'v1', kind: 'Eviction', verbs: ['create'] },
    { name: 'log', kind: 'Pod', verbs: ['get'] },
    { name: 'exec', kind: 'PodExecOptions', verbs: ['create', 'get'] },
  ],
  strategy: {
    ...BASE.strategy,
    statusFields: ['status'],
    onCreate: object => ({ ...object, status: { phase: 'Pending' } }),
    gracePeriodSeconds: (object, requested) =>
      (valueAt(object, ['spec', 'nodeName']) ?? '') === '' ? 0 : (requested ?? 30),
  },
  fieldSelectors: { 'spec.nodeName': object => textAt(object, ['spec', 'nodeName']) },
  mergeSchema: {
    field: field =>
      field === 'spec'
        ? { ...byName, strategies: [], field: inner => (inner === 'containers' ? byName : undefined) }
        : undefined,
    items: () => undefined,
    strategies: [],
    mergeKey: undefined,
  },
};

const DEPLOYMENT: Kind = {
  ...BASE,
  ...named('Deployment'),
  group: 'apps',
  shortNames: ['deploy'],
  categories: ['all'],
  subresources: [
    { name: 'status', kind: 'Deployment', verbs: ['get', 'patch', 'update'] },
    {
      name: 'scale',
      group: 'autoscaling',
      version: 'v1',
      kind: 'Scale',
      verbs: ['get', 'patch', 'update'],
      scale: {
        specReplicas: ['spec', 'replicas'],
        statusReplicas: ['status', 'replicas'],
        selector: () => 'app=web',
      },
    },
  ],
  strategy: { ...BASE.strategy, statusFields: ['status'], countsGenerations: true },
  validate: object =>
    Number(valueAt(object, ['spec', 'replicas']) ?? 0) < 0
      ? [{ type: 'Invalid', field: 'spec.replicas', value: -1, detail: 'must be greater than or equal to 0' }]
      : [],
};

const SERVICE: Kind = { ...BASE, ...named('Service'), nameFormat: 'label-1035' };

export const TEST_KINDS: readonly Kind[] = [NAMESPACE, CONFIG_MAP, POD, DEPLOYMENT, SERVICE];
