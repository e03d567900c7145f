import { FairleadError } from '../../base/errors.ts';
import { decidePolicy } from '../../policy/index.ts';
import type { PolicyModel, Verdict } from '../../policy/index.ts';
import { findEnd, findTarget, flowsBetween } from './ends.ts';

/** What a person expects of a cluster. */
export interface Assertion {
  readonly from: string;
  /** With port, and protocol where it is not TCP. */
  readonly to: string;
  readonly allowed: boolean;
}

export interface CheckedAssertion extends Assertion {
  readonly holds: boolean;
  readonly verdict: Verdict;
}

/** What is said to a flow, in one address family. */
export interface FamilyVerdict {
  /** Absent: in every family that both ends have. */
  readonly family?: 4 | 6;
  readonly verdict: Verdict;
}

/** Throws for an end that is not there. One entry where the families that both ends have do not differ. */
export function explainPolicy(
  model: PolicyModel,
  from: string,
  to: string,
): readonly [FamilyVerdict, ...FamilyVerdict[]] {
  const [first, ...others] = verdictsFor(model, from, to);
  if (others.every(({ verdict }) => isSame(verdict, first.verdict))) return [{ verdict: first.verdict }];
  return [first, ...others];
}

/** The same ends let it pass. */
const isSame = (a: Verdict, b: Verdict): boolean =>
  a.egress.allowed === b.egress.allowed && a.ingress.allowed === b.ingress.allowed;

/** In each address family that both ends have. Throws for an end that is not there: an assertion about nobody holds nothing. */
function verdictsFor(
  model: PolicyModel,
  from: string,
  to: string,
): readonly [FamilyVerdict, ...FamilyVerdict[]] {
  const { end, protocol, port } = findTarget(model, to);
  const source = findEnd(model, from);
  const [first, ...others] = flowsBetween(source, end).map(addresses => ({
    family: addresses.source.family,
    verdict: decidePolicy(model, { ...addresses, protocol, ...(port === undefined ? {} : { port }) }),
  }));
  if (first === undefined)
    throw new FairleadError(
      'policy/no-family',
      `${source.name} and ${end.name} have no address family in common.`,
      {
        hint: 'Ask for an address of the family that is meant',
      },
    );
  return [first, ...others];
}

export function checkAssertions(
  model: PolicyModel,
  assertions: readonly Assertion[],
): readonly CheckedAssertion[] {
  return assertions.map(assertion => {
    const verdicts = verdictsFor(model, assertion.from, assertion.to);
    const wrong = verdicts.find(({ verdict }) => verdict.allowed !== assertion.allowed);
    return { ...assertion, verdict: (wrong ?? verdicts[0]).verdict, holds: wrong === undefined };
  });
}

/** Reads what stands in a file: a list of `from`, `to` and `allowed`. */
export function readAssertions(content: unknown, source: string): readonly Assertion[] {
  const list = Array.isArray(content) ? (content as readonly unknown[]) : undefined;
  if (list === undefined || list.length === 0)
    throw new FairleadError('policy/no-assertions', `${source} is no list of assertions.`, { hint });
  return list.map((entry, index) => {
    const { from, to, allowed } = (entry ?? {}) as Readonly<Record<string, unknown>>;
    if (typeof from === 'string' && typeof to === 'string' && typeof allowed === 'boolean')
      return { from, to, allowed };
    throw new FairleadError('policy/bad-assertion', `Entry ${index + 1} of ${source} is no assertion.`, {
      hint,
    });
  });
}

const hint =
  'Each entry has from, to with a port, and allowed: {from: shop/web, to: "shop/api:8080", allowed: true}';
