import type { BackendTLSPolicy } from '../../../../kube/types/gateway-policies.ts';
import type { Announcement } from '../announcement.ts';
import type { BackendReading, IngressReading } from '../read.ts';
import { createNamer } from './names.ts';
import type { IngressParts } from './parts.ts';
import type { Target } from './target.ts';
import type { WrittenObject } from './write-routes.ts';
import { approximated, hostToShow, refused, same } from './verdict.ts';

/** What a backend is spoken to by, where it is not HTTP/1.1. */
export function judgeProtocol(
  ingress: IngressReading,
  { protocol }: IngressParts,
  target: Target,
  hasGrpcRoute: boolean,
): readonly Announcement[] {
  const { annotations } = ingress;
  const announcements = proxySsl(ingress, protocol);
  const raw = annotations.raw('backend-protocol');
  if (raw === undefined) return announcements;
  const subject = { ingress, annotation: 'backend-protocol' };
  const written = raw.trim().toUpperCase();
  const request = { scheme: 'https' as const, host: hostToShow(ingress), path: '/' };
  const add = (...more: readonly Announcement[]) => [...more, ...announcements];
  if (protocol === 'FCGI')
    return add(
      refused(subject, {
        code: 'protocol',
        severity: 'outage',
        effects: ['status', 'backend', 'path'],
        sentence: 'No route speaks FastCGI: the paths are answered with 500.',
        request,
        hint: 'Put a web server that speaks FastCGI before the backend.',
      }),
    );
  if (protocol === 'HTTP')
    return add(
      written === 'AUTO_HTTP'
        ? approximated(subject, {
            code: 'protocol',
            severity: 'subtle',
            effects: ['backend'],
            sentence:
              'The controller speaks to the backend by what the client spoke, the gateway by HTTP alone.',
            request,
          })
        : same(
            subject,
            'protocol',
            `${written === 'HTTP' ? 'It is the default' : 'It is none that the controller knows, so that it speaks HTTP'}.`,
          ),
    );
  if (protocol === 'HTTPS' || protocol === 'GRPCS') {
    const tls = target.features.has('BackendTLSPolicy');
    const verified =
      annotations.flag('proxy-ssl-verify') !== undefined || annotations.text('proxy-ssl-verify') === 'on';
    return add(
      tls
        ? approximated(subject, {
            code: 'backend-tls',
            severity: 'outage',
            effects: ['status', 'tls'],
            sentence: `A BackendTLSPolicy has the gateway speak TLS. It always verifies the backend’s certificate${verified ? '' : ', which the controller does not: one that is self-signed, or of another name, is refused'}.`,
            request,
            hint: 'Name the authority of the backend’s certificate in the policy, and the name that the certificate has.',
          })
        : refused(subject, {
            code: 'backend-tls',
            severity: 'outage',
            effects: ['status', 'tls', 'backend'],
            sentence:
              'The class does not support BackendTLSPolicy: the gateway speaks plain HTTP to a backend that wants TLS.',
            request,
          }),
    );
  }
  if (hasGrpcRoute) return add(same(subject, 'grpc', 'A GRPCRoute leads there by HTTP/2.'));
  return add(
    approximated(subject, {
      code: 'grpc',
      severity: 'outage',
      effects: ['status', 'backend'],
      sentence: target.features.has('GRPCRoute')
        ? 'The host has paths that are not gRPC, and a GRPCRoute may not share a host with an HTTPRoute: an HTTPRoute leads there.'
        : 'The class does not support GRPCRoute: an HTTPRoute leads there.',
      request: { ...request, method: 'POST' },
      hint: 'Give the port of the Service appProtocol: kubernetes.io/h2c, so that the gateway speaks HTTP/2 to it.',
    }),
  );
}

/** `proxy-ssl-*` counts where the backend is spoken to by TLS. */
function proxySsl(ingress: IngressReading, protocol: IngressParts['protocol']): readonly Announcement[] {
  const byTls = protocol === 'HTTPS' || protocol === 'GRPCS';
  return ['proxy-ssl-secret', 'proxy-ssl-verify'].flatMap(annotation => {
    const subject = { ingress, annotation };
    if (!ingress.annotations.has(annotation)) return [];
    if (!byTls) return [same(subject, 'no-effect', 'The backend is not spoken to by TLS: it has no effect.')];
    if (annotation === 'proxy-ssl-verify')
      return [
        ingress.annotations.text(annotation) === 'on'
          ? same(subject, 'backend-tls', 'A BackendTLSPolicy always verifies.')
          : approximated(subject, {
              code: 'backend-tls',
              severity: 'outage',
              effects: ['status', 'tls'],
              sentence: 'A BackendTLSPolicy always verifies; it cannot be told not to.',
            }),
      ];
    return [
      refused(subject, {
        code: 'backend-tls',
        severity: 'outage',
        effects: ['status', 'tls'],
        sentence:
          'A BackendTLSPolicy takes the authority from a ConfigMap, not from the Secret’s ca.crt; the certificate that the backend sees is the Gateway’s (spec.tls.backend), one for all.',
        hint: 'Write the Secret’s ca.crt into a ConfigMap with the key ca.crt, under the name that the policy has.',
      }),
    ];
  });
}

export interface TlsBackend {
  readonly ingress: IngressReading;
  readonly backend: BackendReading;
}

const keyOf = ({ namespace, port, portNumber, service }: BackendReading): string =>
  `${namespace}/${service}:${portNumber ?? port}`;

/** Ingresses that lead to a port in plain HTTP that another one has spoken to by TLS: the policy is of the port. */
export function judgeSharedBackends(
  backends: readonly TlsBackend[],
  plain: readonly TlsBackend[],
): readonly Announcement[] {
  const byTls = new Map(backends.map(({ backend, ingress }) => [keyOf(backend), ingress]));
  return plain.flatMap(({ backend, ingress }) => {
    const other = byTls.get(keyOf(backend));
    const written = ingress.annotations.has('backend-protocol');
    return other === undefined
      ? []
      : approximated(
          {
            ingress,
            ...(written ? { annotation: 'backend-protocol' } : { unwritten: 'backend-protocol' }),
          },
          {
            code: 'backend-tls',
            severity: 'outage',
            effects: ['backend', 'status', 'tls'],
            sentence: `${backend.service}:${backend.port} is spoken to by TLS for ${other.id}: a BackendTLSPolicy is of the Service’s port, so that it is for this Ingress, too.`,
            hint: 'Give the Service a port for each way to speak.',
          },
        );
  });
}

/** One policy for each port of a Service that is spoken to by TLS. */
export function backendPolicies(
  backends: readonly TlsBackend[],
  target: Target,
  portName: (backend: BackendReading) => string | undefined,
): readonly WrittenObject[] {
  if (!target.features.has('BackendTLSPolicy')) return [];
  const nameFor = createNamer();
  const seen = new Set<string>();
  return backends.flatMap(({ backend, ingress }) => {
    const key = keyOf(backend);
    const sectionName = portName(backend);
    if (seen.has(key)) return [];
    seen.add(key);
    const { annotations } = ingress;
    const secret = annotations.text('proxy-ssl-secret')?.split('/').at(-1);
    const isVerified = annotations.text('proxy-ssl-verify') === 'on' && secret !== undefined;
    const hostname = annotations.text('proxy-ssl-name') ?? `${backend.service}.${backend.namespace}.svc`;
    const object: BackendTLSPolicy = {
      apiVersion: 'gateway.networking.k8s.io/v1',
      kind: 'BackendTLSPolicy',
      metadata: { name: nameFor(backend.namespace, `${backend.service}-tls`), namespace: backend.namespace },
      spec: {
        targetRefs: [
          {
            group: '',
            kind: 'Service',
            name: backend.service,
            ...(sectionName === undefined ? {} : { sectionName }),
          },
        ],
        validation: {
          ...(isVerified
            ? { caCertificateRefs: [{ group: '', kind: 'ConfigMap', name: `${secret}-ca` }] }
            : { wellKnownCACertificates: 'System' }),
          hostname,
        },
      },
    };
    const because = isVerified
      ? `The ConfigMap ${secret}-ca has to be made from ca.crt of the Secret ${secret}.`
      : 'The controller does not verify this certificate; the gateway does, by the system’s authorities, until another one is named here.';
    return [{ object, comments: { '': [`Ingress ${ingress.id} backend-protocol`, because] } }];
  });
}
