import type { Plan, PlanStep } from '../plan.ts';
import type { Conversion } from './convert/convert.ts';
import type { Target } from './convert/target.ts';
import type { IngressModel } from './read.ts';
import { buildServers } from './servers.ts';

/** So many hosts are named one by one; of more, the first ones stand for a group. */
const mostHosts = 50;

/** From Ingress NGINX to Gateways: beside each other, then host by host, then without the old one. */
export function ingressPlan(
  model: IngressModel,
  { announcements, objects }: Conversion,
  target: Target,
): Plan {
  const gateways = objects
    .filter(({ object }) => object.kind === 'Gateway')
    .map(({ object }) => object.metadata);
  const [first] = gateways;
  const name = first?.name ?? 'ingress';
  const namespace = first?.namespace ?? 'default';
  const urgent = announcements.filter(
    one => one.class === 'refused' && (one.severity === 'security' || one.severity === 'outage'),
  );
  const hosts = buildServers(model).servers.filter(({ host }) => host !== '' && !host.startsWith('*'));
  return {
    title: `${model.ingresses.length} Ingresses to the GatewayClass ${target.className}`,
    before: urgent.map(({ ingress, sentence, subject }) => `${ingress} ${subject}: ${sentence}`.trim()),
    steps: [
      {
        title: 'Write the manifests, and prove them',
        why: 'Both route tables answer the same requests before a client sees the new one.',
        commands: [
          'fairlead migrate ingress --output-directory gateways',
          'fairlead migrate ingress --verify > /dev/null',
        ],
        check: {
          sentence:
            'The proof finds nothing that is not announced, and each announcement is accepted by somebody.',
          commands: ['less gateways/report.txt', 'kubectl apply --dry-run=server -f gateways'],
        },
        back: [],
      },
      {
        title: 'Serve beside the Ingresses',
        why: 'The Gateway has an address of its own: no client is led there yet.',
        commands: ['kubectl apply -f gateways'],
        check: {
          sentence: 'The Gateway is programmed and every route is accepted.',
          commands: [
            `kubectl -n ${namespace} wait --for=condition=Programmed gateway/${name} --timeout=120s`,
            'kubectl get httproutes,grpcroutes,tlsroutes -A',
          ],
        },
        back: ['kubectl delete -f gateways'],
      },
      ...hosts
        .slice(0, mostHosts)
        .map(({ host, tls }) => moveHost(host, tls === undefined ? 'http' : 'https', namespace, name)),
      ...(hosts.length > mostHosts
        ? [moveHost(`HOST (${hosts.length - mostHosts} more)`, 'https', namespace, name)]
        : []),
      {
        title: 'Take the Ingresses away',
        why: 'As long as they are there, the old address goes on serving whoever kept it.',
        commands: [
          'kubectl get ingress -A -o yaml > ingresses-before.yaml',
          ...model.ingresses
            .slice(0, mostHosts)
            .map(ingress => `kubectl -n ${ingress.namespace} delete ingress ${ingress.name}`),
        ],
        check: {
          sentence: 'The log of the old controller had no request for some days before; nothing changes.',
          commands: ['kubectl get ingress -A'],
        },
        back: ['kubectl apply -f ingresses-before.yaml'],
      },
    ],
  };
}

const moveHost = (host: string, scheme: string, namespace: string, name: string): PlanStep => ({
  title: `Move ${host}`,
  why: 'Names are moved one by one, with a short TTL set before, so that the way back is short as well.',
  commands: [
    `address=$(kubectl -n ${namespace} get gateway ${name} -o jsonpath='{.status.addresses[0].value}')`,
    `curl -i --connect-to ${host}::$address: ${scheme}://${host}/   # before its name leads there`,
    `# then in DNS: ${host} → $address`,
  ],
  check: {
    sentence: 'The answers are those of before, and its error rate stays, until the old TTL has passed.',
    commands: [`curl -i ${scheme}://${host}/`],
  },
  back: [`# in DNS: ${host} → the old controller’s address`],
});
