import type { KubeObject } from '../../src/kube/types/meta.ts';

export const namespace = 'bench';
export const host = 'bench.example.com';
/** Who stands in front of the backend, each in a pod behind a load balancer's address of its own. */
export const peerNames = ['haproxy', 'nginx', 'plain'] as const;
export type PeerName = (typeof peerNames)[number];

/** The same place, whose requests go to the backend's port for HTTP/2. */
export const callHost = 'calls.bench.example.com';

export const backendPort = 8080;
export const callPort = 8081;
export const peerPorts = { http: 8080, https: 8443 } as const;

/** A Gateway with a route to the backend, and a place of the same kind for each peer: a pod, and a Service as the Gateway's. */
export function manifests(certificate: {
  readonly certificate: string;
  readonly key: string;
}): readonly KubeObject[] {
  const metadata = (name: string) => ({ namespace, name });
  return [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
    object('v1', 'Secret', metadata('certificate'), {
      type: 'kubernetes.io/tls',
      data: { 'tls.crt': base64(certificate.certificate), 'tls.key': base64(certificate.key) },
    }),
    object('gateway.networking.k8s.io/v1', 'Gateway', metadata('gateway'), {
      spec: {
        gatewayClassName: 'fairlead',
        listeners: [
          { name: 'http', port: 80, protocol: 'HTTP' },
          {
            name: 'https',
            port: 443,
            protocol: 'HTTPS',
            tls: { certificateRefs: [{ name: 'certificate' }] },
          },
        ],
      },
    }),
    route('route', [host], 'backend'),
    route('calls', [callHost], 'backend', 81),
    service('backend', 'ClusterIP', [
      { name: 'http', port: 80, targetPort: backendPort },
      { name: 'calls', port: 81, targetPort: callPort, appProtocol: 'kubernetes.io/h2c' },
    ]),
    pod('backend'),
    ...peerNames.flatMap(name => [
      pod(name),
      service(name, 'LoadBalancer', [
        { name: 'http', port: 80, targetPort: peerPorts.http },
        { name: 'https', port: 443, targetPort: peerPorts.https },
      ]),
    ]),
  ];
}

export function route(name: string, hostnames: readonly string[], backend: string, port = 80): KubeObject {
  const rules = [{ backendRefs: [{ name: backend, port }] }];
  return object(
    'gateway.networking.k8s.io/v1',
    'HTTPRoute',
    { namespace, name },
    {
      spec: { parentRefs: [{ name: 'gateway' }], hostnames, rules },
    },
  );
}

/** A pod that only holds its network namespace: the programs are started in it from outside, as they are unpacked. */
function pod(name: string): KubeObject {
  return object(
    'v1',
    'Pod',
    { namespace, name, labels: { app: name } },
    {
      spec: { containers: [{ name: 'main', image: 'fairlead.dev/pause' }] },
    },
  );
}

function service(name: string, type: string, ports: readonly object[]): KubeObject {
  const local = type === 'LoadBalancer' ? { externalTrafficPolicy: 'Local' } : {};
  return object(
    'v1',
    'Service',
    { namespace, name },
    {
      spec: { type, ...local, ipFamilyPolicy: 'PreferDualStack', selector: { app: name }, ports },
    },
  );
}

function object(apiVersion: string, kind: string, metadata: object, rest: object): KubeObject {
  return { apiVersion, kind, metadata, ...rest } as KubeObject; // written to a file for `up -f`
}

const base64 = (text: string): string => Buffer.from(text).toString('base64');
