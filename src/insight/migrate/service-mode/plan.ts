import type { Plan, PlanStep } from '../plan.ts';
import type { ServiceModeReport } from './changes.ts';

/** The move node by node, each step with its check and its way back. */
export function serviceModePlan({ changes, from, settings, to }: ServiceModeReport): Plan {
  const blocks = changes.filter(({ weight }) => weight === 'blocks');
  const toAsk = changes.filter(({ weight }) => weight === 'changes' || weight === 'check');
  const [namespace = 'kube-system', name = 'kube-proxy'] = settings?.source.split('/') ?? [];
  return {
    title: `Services from ${from} to ${to === 'nftables' ? 'kube-proxy’s nftables mode' : 'Fairlead'}`,
    before: [
      ...blocks.map(({ objects, sentence }) => `${sentence} ${objects.join(', ')}`.trim()),
      ...toAsk.map(({ next, sentence }) => `${sentence} ${next}`),
    ],
    steps: [
      saved(namespace, name),
      ...(to === 'nftables' ? toNftables(namespace, name, from) : toFairlead(namespace)),
      leftovers(from),
    ],
  };
}

const saved = (namespace: string, name: string): PlanStep => ({
  title: 'Keep what is there',
  why: 'The way back is to write it again.',
  commands: [
    `kubectl -n ${namespace} get configmap ${name} -o yaml > kube-proxy-before.yaml`,
    `kubectl -n ${namespace} get daemonset kube-proxy -o yaml > kube-proxy-daemonset-before.yaml`,
  ],
  check: {
    sentence: 'Both files have an object.',
    commands: ['head -3 kube-proxy-before.yaml kube-proxy-daemonset-before.yaml'],
  },
  back: [],
});

const probe = {
  sentence: 'A Service answers from a pod of the moved node, and by a node port from outside.',
  commands: [
    'kubectl get pods -A -o wide --field-selector spec.nodeName=NODE',
    'kubectl run probe --rm -i --restart=Never --image=curlimages/curl --overrides=\'{"spec":{"nodeName":"NODE"}}\' -- curl -sk -o /dev/null -w "%{http_code}\\n" https://kubernetes.default.svc/version',
  ],
} as const;

function toNftables(namespace: string, name: string, from: string): readonly PlanStep[] {
  return [
    {
      title: 'Change the mode in the ConfigMap',
      why: 'Running proxies do not read it again: nothing changes before a pod of kube-proxy starts.',
      commands: [`kubectl -n ${namespace} edit configmap ${name}   # mode: nftables`],
      check: {
        sentence: 'The ConfigMap says it, and no pod of kube-proxy started.',
        commands: [`kubectl -n ${namespace} get configmap ${name} -o yaml | grep 'mode:'`],
      },
      back: ['kubectl replace -f kube-proxy-before.yaml'],
    },
    {
      title: 'Move one node',
      why: 'It stops new pods there, and shows on one node what the others would see.',
      commands: [
        'kubectl drain NODE --ignore-daemonsets --delete-emptydir-data',
        `kubectl -n ${namespace} delete pod -l k8s-app=kube-proxy --field-selector spec.nodeName=NODE`,
        'kubectl uncordon NODE',
      ],
      check: { sentence: `${probe.sentence} The log of kube-proxy says nftables.`, commands: probe.commands },
      back: [
        'kubectl replace -f kube-proxy-before.yaml',
        `kubectl -n ${namespace} delete pod -l k8s-app=kube-proxy --field-selector spec.nodeName=NODE`,
        `nft delete table ip kube-proxy; nft delete table ip6 kube-proxy   # on NODE; ${from} cleans up nothing of nftables`,
      ],
    },
    {
      title: 'Move the others, one node pool at a time',
      why: 'Established connections are kept by connection tracking; new ones are translated anew.',
      commands: [`kubectl -n ${namespace} rollout restart daemonset kube-proxy`],
      check: {
        sentence: 'Every pod of kube-proxy is ready, and error rates are as before.',
        commands: [`kubectl -n ${namespace} rollout status daemonset kube-proxy`],
      },
      back: [
        'kubectl replace -f kube-proxy-before.yaml',
        `kubectl -n ${namespace} rollout restart daemonset kube-proxy`,
      ],
    },
  ];
}

const toFairlead = (namespace: string): readonly PlanStep[] => [
  {
    title: 'Take kube-proxy off one node, and start an agent there',
    why: 'Two translators of the same address on a node depend on the order of hooks.',
    commands: [
      'kubectl drain NODE --ignore-daemonsets --delete-emptydir-data',
      'kubectl label node NODE fairlead.dev/services=true',
      `kubectl -n ${namespace} patch daemonset kube-proxy --type merge -p '{"spec":{"template":{"spec":{"affinity":{"nodeAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":{"nodeSelectorTerms":[{"matchExpressions":[{"key":"fairlead.dev/services","operator":"DoesNotExist"}]}]}}}}}}}'`,
      'kube-proxy --cleanup   # on NODE',
      'kubectl uncordon NODE',
    ],
    check: { sentence: `${probe.sentence} fairlead status names the node’s mode.`, commands: probe.commands },
    back: [
      'kubectl label node NODE fairlead.dev/services-',
      'nft delete table inet fairlead-services   # on NODE',
    ],
  },
  {
    title: 'Go on node by node, then remove kube-proxy',
    why: 'While both run on different nodes, each serves its own.',
    commands: [`kubectl -n ${namespace} delete daemonset kube-proxy`],
    check: { sentence: 'Every node has a ready agent.', commands: ['fairlead status'] },
    back: ['kubectl apply -f kube-proxy-daemonset-before.yaml'],
  },
];

function leftovers(from: string): PlanStep {
  const iptables = ['iptables-save | grep -c KUBE-SVC', 'ip6tables-save | grep -c KUBE-SVC'];
  return {
    title: 'See that nothing stayed behind',
    why: 'A rule of the old mode translates to endpoints that are long gone.',
    commands:
      from === 'ipvs'
        ? ['ipvsadm -Ln', 'ip link show kube-ipvs0', 'ipset list -n | grep KUBE-', ...iptables]
        : iptables,
    check: {
      sentence: 'On each node: nothing, or 0. Else: kube-proxy --cleanup, or a restart of the node.',
      commands: [],
    },
    back: [],
  };
}
