import { readFileSync, writeFileSync } from 'node:fs';
import { bigNumbersAsText } from '../base/big-numbers.ts';
import { FairleadError } from '../base/errors.ts';
import { checkAssertions, explainPolicy, policyMatrix, readAssertions } from '../insight/policy/index.ts';
import type { CheckedAssertion } from '../insight/policy/index.ts';
import { buildPolicyModel } from '../policy/index.ts';
import type { PolicyModel } from '../policy/index.ts';
import { junitText } from './policy/junit.ts';
import { matrixText } from './policy/matrix-text.ts';
import type { MatrixForm } from './policy/matrix-text.ts';
import { readPolicyObjects, warnOfProblems } from './policy/read-objects.ts';
import type { ObjectSource } from './object-source.ts';
import { verdictText } from './policy/verdict-text.ts';

/** Prints why one flow is allowed or denied; the exit code is 0 for both. */
export async function explain(
  source: ObjectSource,
  flow: { readonly from: string; readonly to: string; readonly form: 'text' | 'json' },
): Promise<number> {
  const families = explainPolicy(await readModel(source), flow.from, flow.to);
  const text =
    flow.form === 'json'
      ? `${JSON.stringify(forPrograms(families), bigNumbersAsText, 2)}\n`
      : families
          .map(({ family, verdict }) =>
            verdictText(flow.from, family === undefined ? flow.to : `${flow.to} by IPv${family}`, verdict),
          )
          .join('');
  process.stdout.write(text);
  return 0;
}

/** One verdict; where families differ that of the first, and with it all of them. */
const forPrograms = (families: ReturnType<typeof explainPolicy>) =>
  families.length === 1 ? families[0].verdict : { ...families[0].verdict, families };

/** Prints who may speak to whom. */
export async function matrix(
  source: ObjectSource,
  options: { readonly namespaces: readonly string[]; readonly nodes: boolean; readonly form: MatrixForm },
): Promise<number> {
  const model = await readModel(source);
  const known = new Set([...model.pods.values()].map(({ namespace }) => namespace));
  for (const name of options.namespaces)
    if (!known.has(name))
      throw new FairleadError('policy/no-such-namespace', `There is no pod in the namespace "${name}".`, {
        field: '--namespace',
        hint: `There are pods in ${[...known].sort().join(', ') || 'none'}`,
      });
  const namespaces = options.namespaces.length === 0 ? 'all' : new Set(options.namespaces);
  process.stdout.write(matrixText(policyMatrix(model, { namespaces, nodes: options.nodes }), options.form));
  return 0;
}

/** Holds a file of assertions against the policies; the exit code is 1 when one does not hold, or a part cannot be followed. */
export async function check(
  source: ObjectSource,
  options: { readonly assertions: string; readonly junit?: string },
): Promise<number> {
  const assertions = readAssertions(await parsed(options.assertions), options.assertions);
  let warnings = 0;
  const model = await readModel(source, sentence => {
    warnings++;
    process.stderr.write(`Warning: ${sentence}\n`);
  });
  const checked = checkAssertions(model, assertions);
  const explained = (one: CheckedAssertion) => verdictText(one.from, one.to, one.verdict);
  for (const one of checked) {
    const expected = one.allowed ? 'allowed' : 'denied';
    const line = `${one.from} → ${one.to} ${expected}`;
    process.stdout.write(one.holds ? `ok    ${line}\n` : `FAIL  ${line}: it is not\n${explained(one)}`);
  }
  const failed = checked.filter(({ holds }) => !holds).length;
  process.stdout.write(`${checked.length - failed} of ${checked.length} hold.\n`);
  if (options.junit !== undefined) writeReport(options.junit, junitText(checked, explained));
  if (warnings > 0)
    process.stdout.write(
      `${warnings === 1 ? 'One part' : `${warnings} parts`} of what was asked cannot be followed.\n`,
    );
  return failed === 0 && warnings === 0 ? 0 : 1;
}

/** Tells people what of the policies cannot be followed. */
async function readModel(source: ObjectSource, warn?: (sentence: string) => void): Promise<PolicyModel> {
  const model = buildPolicyModel(await readPolicyObjects(source, warn));
  warnOfProblems(model, warn);
  return model;
}

function writeReport(file: string, text: string): void {
  try {
    writeFileSync(file, text);
  } catch (cause) {
    throw new FairleadError('policy/unwritable-report', `The report cannot be written to ${file}.`, {
      field: '--junit',
      hint: 'Name a file in a directory that is there',
      cause,
    });
  }
}

async function parsed(file: string): Promise<unknown> {
  const { parse } = await import('yaml');
  try {
    return parse(readFileSync(file === '-' ? 0 : file, 'utf8')) as unknown;
  } catch (cause) {
    throw new FairleadError('policy/unreadable-assertions', `The assertions in ${file} cannot be read.`, {
      hint: 'A YAML or JSON file: a list of from, to and allowed',
      cause,
    });
  }
}
