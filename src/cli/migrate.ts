import { defaultDenyPlan, proposeDefaultDeny, proveProposal } from '../insight/migrate/index.ts';
import { policiesText } from './migrate/policies-text.ts';
import { readMigrateObjects } from './migrate/read-objects.ts';
import type { ObjectSource } from './object-source.ts';

export interface DefaultDenyOptions {
  readonly namespaces: readonly string[];
  readonly clusterDomain: string;
  readonly form: 'yaml' | 'json' | 'plan';
}

/**
 * Prints policies that close namespaces and open what is declared; what a person has to know goes to standard error. The
 * exit code is 1 where the engine would deny something that is declared, or where a kind could not be read.
 */
export async function migrateDefaultDeny(source: ObjectSource, options: DefaultDenyOptions): Promise<number> {
  const { objects, unread } = await readMigrateObjects(source);
  const proposal = proposeDefaultDeny(objects, options);
  const proof = proveProposal(objects, proposal);
  if (options.form === 'json') {
    const policies = proposal.policies;
    process.stdout.write(`${JSON.stringify({ policies, open: proposal.open, proof, unread }, null, 2)}\n`);
  } else if (options.form === 'plan') {
    const { planText } = await import('./migrate/plan-text.ts');
    process.stdout.write(`${planText(defaultDenyPlan(proposal)).join('\n')}\n`);
  } else {
    const { stringify } = await import('yaml');
    process.stdout.write(
      policiesText(proposal, object => stringify(object, { aliasDuplicateObjects: false })),
    );
  }
  const namespaces = new Set(proposal.policies.map(({ policy }) => policy.metadata.namespace));
  process.stderr.write(
    [
      `${proposal.policies.length} policies for ${namespaces.size} namespaces, from ${proposal.edges.length} declared connections.`,
      `The engine allows ${proof.asked - proof.denied.length} of the ${proof.asked} that are between known pods.`,
      ...proof.denied.map(sentence => `DENIED: ${sentence}`),
      ...proposal.open.map(sentence => `OPEN: ${sentence}`),
      ...unread.map(sentence => `NOT READ: ${sentence}`),
    ]
      .map(line => `${line}\n`)
      .join(''),
  );
  return proof.denied.length > 0 || unread.length > 0 ? 1 : 0;
}
