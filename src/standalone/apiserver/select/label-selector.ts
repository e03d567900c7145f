import { sentenceOf } from '../../../base/errors.ts';
import { matchesLabels, parseLabelSelector as parse } from '../../../kube/selector.ts';
import { badRequest } from '../status.ts';

type Labels = Readonly<Record<string, string>>;

/** True for the labels that a selector picks. */
export type LabelPredicate = (labels: Labels) => boolean;

const LONGEST = 32_768;

/** The string form: `app=web,tier in (a, b),!legacy,cores>4`. Undefined selects all. Throws 400 for anything else. */
export function parseLabelSelector(text: string | undefined): LabelPredicate | undefined {
  if (text === undefined || text.trim() === '') return undefined;
  if (text.length > LONGEST) throw broken(`it is longer than ${LONGEST} characters`);
  const requirements = readOrRefuse(text);
  return labels => matchesLabels(requirements, labels);
}

function readOrRefuse(text: string): ReturnType<typeof parse> {
  try {
    return parse(text);
  } catch (error) {
    throw broken(sentenceOf(error));
  }
}

const broken = (why: string) => badRequest(`unable to parse requirement: ${why}`);
