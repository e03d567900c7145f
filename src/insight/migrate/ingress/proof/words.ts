import type { Proof, ProvenDifference } from './prove.ts';

/** Of each kind of differences the first are shown, the rest is counted. */
const SHOWN = 20;

/** A proof as lines for a person. */
export function proofLines(proof: Proof): readonly string[] {
  const { counts, differences, problems, undetermined } = proof;
  const open = differences.filter(({ announced }) => announced === undefined);
  const known = differences.filter(({ announced }) => announced !== undefined);
  const lines = [
    `asked ${counts.requests} requests of ${counts.ingresses} Ingresses on both sides (seed ${proof.seed}): ${counts.same} the same, ${counts.different} different, ${counts.undetermined} not known`,
    ingressLine(proof),
    ...problems.map(problem => `does not hold: ${problem}`),
  ];
  if (open.length > 0) lines.push('', `differences that the conversion does not announce: ${open.length}`);
  for (const one of open.slice(0, SHOWN)) lines.push(...linesOf(one));
  if (open.length > SHOWN) lines.push(`  … and ${open.length - SHOWN} more`);
  if (counts.unshown > 0) lines.push(`  … and ${counts.unshown} requests more`);
  if (known.length > 0) lines.push('', `announced differences, seen: ${known.length}`);
  for (const one of known.slice(0, SHOWN)) lines.push(...linesOf(one));
  if (known.length > SHOWN) lines.push(`  … and ${known.length - SHOWN} more`);
  if (undetermined.length > 0) lines.push('', 'not known:');
  for (const { ingress, reason, requests } of undetermined.slice(0, SHOWN))
    lines.push(`  ${ingress === '' ? 'the controller' : ingress}: ${reason} (${requests} requests)`);
  lines.push('', proof.failed ? 'the proof fails' : 'the proof holds');
  return lines;
}

function ingressLine({ byIngress }: Proof): string {
  const count = (holds: (one: Proof['byIngress'][number]) => boolean) => byIngress.filter(holds).length;
  const open = count(({ unannounced }) => unannounced > 0);
  const unknown = count(({ undetermined, unannounced }) => unannounced === 0 && undetermined > 0);
  const rest = byIngress.length - open - unknown;
  return `of the Ingresses, ${rest} answer the same but for what is announced, ${unknown} are not known in part, ${open} differ`;
}

function linesOf(one: ProvenDifference): readonly string[] {
  const { announced, becomes, cause, curl, effect, ingress, newPlace, oldPlace, requests, was } = one;
  const times = requests === 1 ? '1 request' : `${requests} requests`;
  return [
    `  ${ingress === '' ? 'no Ingress' : ingress}: ${effect}, because of ${cause}${announced === undefined ? '' : ` (${announced})`}, ${times}`,
    `    was     ${was}  [${oldPlace}]`,
    `    becomes ${becomes}  [${newPlace}]`,
    `    ${curl}`,
  ];
}
