import { makeAuthority, signCertificate } from '../../src/standalone/apiserver/pki/certificate.ts';

/** A webhook that refuses what is labelled `forbidden`, and writes `seen` into the data of all else. */
const PROGRAM = `
import { createServer } from 'node:https';
import { readFileSync } from 'node:fs';
const file = name => readFileSync('/etc/hook/' + name);
createServer({ cert: file('tls.crt'), key: file('tls.key') }, (request, response) => {
  let text = '';
  request.on('data', chunk => (text += chunk));
  request.on('end', () => {
    const { uid, object } = JSON.parse(text).request;
    const allowed = object?.metadata?.labels?.forbidden === undefined;
    const patch = Buffer.from(JSON.stringify([{ op: 'add', path: '/data', value: { seen: 'yes' } }]));
    const answer = request.url.startsWith('/mutate') ? { patchType: 'JSONPatch', patch: patch.toString('base64') } : {};
    const review = { uid, allowed, status: { message: 'it is labelled so' }, ...answer };
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response: review }));
  });
}).listen(9443);
`;

/** The webhook as a pod behind the Service `hook`, and what asks it about ConfigMaps: two manifests, as JSON. */
export function webhookManifests(): { readonly pod: string; readonly configurations: string } {
  const now = Date.now();
  const authority = makeAuthority('hook-authority', now);
  const names = ['hook.default.svc'];
  const { certificate, key } = signCertificate(authority, {
    commonName: 'hook',
    usage: 'server',
    names,
    now,
  });
  const items = [
    {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'hook' },
      stringData: { 'tls.crt': certificate, 'tls.key': key, 'main.mjs': PROGRAM },
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'hook' },
      spec: { selector: { app: 'hook' }, ports: [{ port: 443, targetPort: 9443 }] },
    },
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'hook', labels: { app: 'hook' } },
      spec: {
        containers: [
          {
            name: 'hook',
            image: 'node:24-alpine',
            command: ['node', '/etc/hook/main.mjs'],
            readinessProbe: { tcpSocket: { port: 9443 }, periodSeconds: 1 },
            volumeMounts: [{ name: 'files', mountPath: '/etc/hook' }],
          },
        ],
        volumes: [{ name: 'files', secret: { secretName: 'hook' } }],
      },
    },
  ];
  const configuration = (type: 'Mutating' | 'Validating', path: string) => ({
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: `${type}WebhookConfiguration`,
    metadata: { name: 'hook' },
    webhooks: [
      {
        name: 'hook.example.com',
        sideEffects: 'None',
        admissionReviewVersions: ['v1'],
        timeoutSeconds: 30,
        namespaceSelector: { matchLabels: { hooked: 'yes' } },
        clientConfig: {
          caBundle: Buffer.from(authority.certificate).toString('base64'),
          service: { name: 'hook', namespace: 'default', path },
        },
        rules: [{ operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'] }],
      },
    ],
  });
  const list = (objects: readonly object[]) =>
    JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects });
  return {
    pod: list(items),
    configurations: list([configuration('Mutating', '/mutate'), configuration('Validating', '/validate')]),
  };
}
