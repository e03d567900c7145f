import type { Kind } from '../kind.ts';
import type { Schemas } from '../schemas.ts';
import {
  VALIDATING_ADMISSION_POLICY,
  VALIDATING_ADMISSION_POLICY_BINDING,
} from './admissionregistration/validating-policy.ts';
import {
  MUTATING_WEBHOOK_CONFIGURATION,
  VALIDATING_WEBHOOK_CONFIGURATION,
} from './admissionregistration/webhooks.ts';
import { CUSTOM_RESOURCE_DEFINITION } from './apiextensions/custom-resource-definition.ts';
import { API_SERVICE } from './apiregistration/api-service.ts';
import { CONTROLLER_REVISION } from './apps/controller-revision.ts';
import { DAEMON_SET } from './apps/daemon-set.ts';
import { DEPLOYMENT } from './apps/deployment.ts';
import { REPLICA_SET } from './apps/replica-set.ts';
import { STATEFUL_SET } from './apps/stateful-set.ts';
import {
  LOCAL_SUBJECT_ACCESS_REVIEW,
  SELF_SUBJECT_ACCESS_REVIEW,
  SELF_SUBJECT_REVIEW,
  SELF_SUBJECT_RULES_REVIEW,
  SUBJECT_ACCESS_REVIEW,
  TOKEN_REVIEW,
} from './authorization/reviews.ts';
import { CRON_JOB } from './batch/cron-job.ts';
import { JOB } from './batch/job.ts';
import { LEASE } from './coordination/lease.ts';
import { CONFIG_MAP } from './core/config-map.ts';
import { LIMIT_RANGE } from './core/limit-range.ts';
import { NAMESPACE } from './core/namespace.ts';
import { NODE } from './core/node.ts';
import { PERSISTENT_VOLUME_CLAIM } from './core/persistent-volume-claim.ts';
import { POD } from './core/pod.ts';
import { RESOURCE_QUOTA } from './core/resource-quota.ts';
import { SECRET } from './core/secret.ts';
import { SERVICE } from './core/service.ts';
import { SERVICE_ACCOUNT } from './core/service-account.ts';
import { ENDPOINTS } from './core/endpoints.ts';
import { defineKind } from './define.ts';
import type { Definition } from './define.ts';
import { ENDPOINT_SLICE } from './discovery/endpoint-slice.ts';
import { EVENT, EVENTS_EVENT } from './events/event.ts';
import { asBeta } from './gateway/beta.ts';
import { BACKEND_TLS_POLICY } from './gateway/backend-tls-policy.ts';
import { GATEWAY_CLASS } from './gateway/gateway-class.ts';
import { GATEWAY } from './gateway/gateway.ts';
import { GRPC_ROUTE } from './gateway/grpc-route.ts';
import { LISTENER_SET } from './gateway/listener-set.ts';
import { TCP_ROUTE, TLS_ROUTE, UDP_ROUTE } from './gateway/stream-routes.ts';
import { HTTP_ROUTE } from './gateway/http-route.ts';
import { REFERENCE_GRANT } from './gateway/reference-grant.ts';
import { INGRESS_CLASS } from './networking/ingress-class.ts';
import { INGRESS } from './networking/ingress.ts';
import { IP_ADDRESS } from './networking/ip-address.ts';
import { NETWORK_POLICY } from './networking/network-policy.ts';
import { SERVICE_CIDR } from './networking/service-cidr.ts';
import { documentPathOf } from './openapi/document-path.ts';
import { POD_DISRUPTION_BUDGET } from './policy/disruption-budget.ts';
import { CLUSTER_ROLE_BINDING, ROLE_BINDING } from './rbac/binding.ts';
import { CLUSTER_ROLE, ROLE } from './rbac/role.ts';
import { PRIORITY_CLASS } from './scheduling/priority-class.ts';
import { Types } from './schema/types.ts';
import { GROUPS } from './tables/index.ts';

/**
 * The registry: one line a kind. Discovery lists them in this order. A new kind is its types in a table (tables/), a
 * file with its definition (defaults, rules, strategy, selectors, columns) and a line here; type checks, pruning,
 * OpenAPI, protobuf and merge keys follow from the table.
 */
const DEFINITIONS: readonly Definition[] = [
  CONFIG_MAP,
  ENDPOINTS,
  EVENT,
  LIMIT_RANGE,
  NAMESPACE,
  NODE,
  PERSISTENT_VOLUME_CLAIM,
  POD,
  RESOURCE_QUOTA,
  SECRET,
  SERVICE_ACCOUNT,
  SERVICE,
  API_SERVICE,
  CONTROLLER_REVISION,
  DAEMON_SET,
  DEPLOYMENT,
  REPLICA_SET,
  STATEFUL_SET,
  EVENTS_EVENT,
  SELF_SUBJECT_REVIEW,
  TOKEN_REVIEW,
  LOCAL_SUBJECT_ACCESS_REVIEW,
  SELF_SUBJECT_ACCESS_REVIEW,
  SELF_SUBJECT_RULES_REVIEW,
  SUBJECT_ACCESS_REVIEW,
  CRON_JOB,
  JOB,
  NETWORK_POLICY,
  INGRESS,
  INGRESS_CLASS,
  IP_ADDRESS,
  SERVICE_CIDR,
  POD_DISRUPTION_BUDGET,
  CLUSTER_ROLE_BINDING,
  CLUSTER_ROLE,
  ROLE_BINDING,
  ROLE,
  PRIORITY_CLASS,
  MUTATING_WEBHOOK_CONFIGURATION,
  VALIDATING_ADMISSION_POLICY,
  VALIDATING_ADMISSION_POLICY_BINDING,
  VALIDATING_WEBHOOK_CONFIGURATION,
  CUSTOM_RESOURCE_DEFINITION,
  ENDPOINT_SLICE,
  LEASE,
  GATEWAY_CLASS,
  GATEWAY,
  LISTENER_SET,
  HTTP_ROUTE,
  GRPC_ROUTE,
  TLS_ROUTE,
  TCP_ROUTE,
  UDP_ROUTE,
  REFERENCE_GRANT,
  BACKEND_TLS_POLICY,
  asBeta(GATEWAY_CLASS),
  asBeta(GATEWAY),
  asBeta(HTTP_ROUTE),
  asBeta(REFERENCE_GRANT),
];

/** The kinds that the server has from the start. */
export function builtInKinds(types: Types = new Types(GROUPS)): readonly Kind[] {
  return DEFINITIONS.map(definition => defineKind(types, definition));
}

/** The kinds with what the server needs beside them: bodies in protobuf, and OpenAPI. */
export function builtInSchemas(): Schemas {
  const types = new Types(GROUPS);
  const kinds = builtInKinds(types);
  return {
    kinds,
    // Both are asked for rarely, and by few clients: they are loaded when they are.
    decodeProtobuf: async bytes => {
      const { decodeObject } = await import('./wire/protobuf.ts');
      return decodeObject(types, bytes);
    },
    openApiPaths: (served = kinds) => [...new Set(served.map(documentPathOf))],
    openApiDocument: async (path, served = kinds) => {
      const { openApiDocument } = await import('./openapi/document.ts');
      const document = openApiDocument(types, served, path);
      return document === undefined ? undefined : JSON.stringify(document);
    },
    openApiV2: async (form, served = kinds) => {
      const { swaggerDocument } = await import('./openapi/swagger.ts');
      const document = swaggerDocument(types, served);
      if (form === 'json') return JSON.stringify(document);
      const { gnosticDocument } = await import('./openapi/gnostic.ts');
      return gnosticDocument(document);
    },
  };
}
