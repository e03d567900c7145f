import type { Plan } from '../plan.ts';
import type { Proposal } from './propose.ts';

/** Default deny namespace by namespace, first without dropping anything. */
export function defaultDenyPlan({ open, policies }: Proposal): Plan {
  const namespaces = [
    ...new Set(policies.map(({ policy }) => policy.metadata.namespace ?? 'default')),
  ].toSorted();
  return {
    title: `Default deny in ${namespaces.length} namespaces`,
    before: open,
    steps: [
      {
        title: 'Write the policies to a file, and read them',
        why: 'Each says what it stands on; what nobody declared is not in it.',
        commands: ['fairlead migrate default-deny > policies.yaml'],
        check: {
          sentence: 'The engine allows everything that is declared: the command ends with 0.',
          commands: ['fairlead policy check -f policies.yaml'],
        },
        back: [],
      },
      ...namespaces.map(namespace => ({
        title: `Audit ${namespace}`,
        why: 'With the annotation nothing is dropped; flows tell what would be.',
        commands: [
          `fairlead migrate default-deny -n ${namespace} > ${namespace}.yaml`,
          `kubectl annotate --local -f ${namespace}.yaml fairlead.dev/audit=true -o yaml | kubectl apply -f -`,
        ],
        check: {
          sentence: 'For some days, with a night and a month’s end: no flow that is wanted would be dropped.',
          commands: [`fairlead flows --namespace ${namespace}`],
        },
        back: [`kubectl delete -f ${namespace}.yaml`],
      })),
      ...namespaces.map(namespace => ({
        title: `Close ${namespace}`,
        why: 'From here on what is not allowed is dropped.',
        commands: [`kubectl -n ${namespace} annotate networkpolicies --all fairlead.dev/audit-`],
        check: {
          sentence: 'Error rates are as before, and drops are of what nobody wants.',
          commands: [`fairlead flows --namespace ${namespace}`],
        },
        back: [`kubectl -n ${namespace} delete networkpolicy default-deny`],
      })),
    ],
  };
}
