import type { Group } from '../schema/types.ts';
import { ADMISSIONREGISTRATION } from './admissionregistration.ts';
import { APIEXTENSIONS } from './apiextensions.ts';
import { APIREGISTRATION } from './apiregistration.ts';
import { APPS_SETS } from './apps-sets.ts';
import { APPS } from './apps.ts';
import { AUTHENTICATION } from './authentication.ts';
import { AUTHORIZATION } from './authorization.ts';
import { AUTOSCALING } from './autoscaling.ts';
import { BATCH } from './batch.ts';
import { COORDINATION } from './coordination.ts';
import { CORE_CONTAINERS } from './core-containers.ts';
import { CORE_LIMITS } from './core-limits.ts';
import { CORE_NODES } from './core-nodes.ts';
import { CORE_OBJECTS } from './core-objects.ts';
import { CORE_PODS } from './core-pods.ts';
import { CORE_SCHEDULING } from './core-scheduling.ts';
import { CORE_SECURITY } from './core-security.ts';
import { CORE_SERVICES } from './core-services.ts';
import { CORE_STORAGE } from './core-storage.ts';
import { CORE_VOLUMES } from './core-volumes.ts';
import { DISCOVERY } from './discovery.ts';
import { EVENTS } from './events.ts';
import { GATEWAY_ROUTES } from './gateway-routes.ts';
import { GATEWAY } from './gateway.ts';
import { META } from './meta.ts';
import { NETWORKING } from './networking.ts';
import { POLICY } from './policy.ts';
import { RBAC } from './rbac.ts';
import { SCHEDULING } from './scheduling.ts';

const CORE = [
  CORE_OBJECTS,
  CORE_PODS,
  CORE_CONTAINERS,
  CORE_VOLUMES,
  CORE_SCHEDULING,
  CORE_SECURITY,
  CORE_STORAGE,
  CORE_NODES,
  CORE_LIMITS,
  CORE_SERVICES,
];

function builtIn(alias: string, group: string, ...texts: readonly string[]): Group {
  return { alias, group, version: 'v1', prefix: `io.k8s.api.${alias}.v1.`, load: () => texts.join('') };
}

/** Every group version that has types, built-in ones first. */
export const GROUPS: readonly Group[] = [
  {
    alias: 'meta',
    group: '',
    version: 'v1',
    prefix: 'io.k8s.apimachinery.pkg.apis.meta.v1.',
    load: () => META,
  },
  builtIn('core', '', ...CORE),
  builtIn('apps', 'apps', APPS, APPS_SETS),
  builtIn('batch', 'batch', BATCH),
  builtIn('networking', 'networking.k8s.io', NETWORKING),
  builtIn('discovery', 'discovery.k8s.io', DISCOVERY),
  builtIn('coordination', 'coordination.k8s.io', COORDINATION),
  builtIn('events', 'events.k8s.io', EVENTS),
  builtIn('policy', 'policy', POLICY),
  builtIn('rbac', 'rbac.authorization.k8s.io', RBAC),
  builtIn('scheduling', 'scheduling.k8s.io', SCHEDULING),
  builtIn('autoscaling', 'autoscaling', AUTOSCALING),
  builtIn('admissionregistration', 'admissionregistration.k8s.io', ADMISSIONREGISTRATION),
  builtIn('authentication', 'authentication.k8s.io', AUTHENTICATION),
  builtIn('authorization', 'authorization.k8s.io', AUTHORIZATION),
  {
    alias: 'apiregistration',
    group: 'apiregistration.k8s.io',
    version: 'v1',
    prefix: 'io.k8s.kube-aggregator.pkg.apis.apiregistration.v1.',
    load: () => APIREGISTRATION,
  },
  {
    alias: 'apiextensions',
    group: 'apiextensions.k8s.io',
    version: 'v1',
    // Not the name of upstream's schemas: it has the parts that are checked here.
    prefix: 'io.k8s.apiextensions.v1.',
    load: () => APIEXTENSIONS,
  },
  {
    alias: 'gateway',
    group: 'gateway.networking.k8s.io',
    version: 'v1',
    prefix: 'io.k8s.networking.gateway.v1.',
    load: () => GATEWAY + GATEWAY_ROUTES,
    custom: true,
  },
  {
    alias: 'gateway-beta',
    group: 'gateway.networking.k8s.io',
    version: 'v1beta1',
    prefix: 'io.k8s.networking.gateway.v1beta1.',
    load: () => GATEWAY + GATEWAY_ROUTES,
    custom: true,
  },
];
