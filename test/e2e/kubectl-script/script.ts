/** One command of a recorded script: what is run, what is put in, and what came out. */
export interface Step {
  readonly command: string;
  readonly input: string;
  /** As `masked` leaves it. */
  readonly expected: string;
  /** Runs until it gives what is expected, for as long as a cluster may take. */
  readonly isRepeated: boolean;
}

/**
 * Reads a script: `$ kubectl …` runs once, `~ kubectl …` until it gives what is expected; lines that begin with `< ` are its input, all
 * others up to the next command its output, with `[exit N]` for an exit code that is not 0. `#` at the beginning of a line is a comment.
 */
export function readScript(text: string): readonly Step[] {
  const steps: { command: string; input: string[]; expected: string[]; isRepeated: boolean }[] = [];
  for (const line of text.split('\n')) {
    const [, mark, command] = /^([$~]) (.*)$/.exec(line) ?? [];
    if (mark !== undefined && command !== undefined) {
      steps.push({ command, input: [], expected: [], isRepeated: mark === '~' });
      continue;
    }
    const step = steps.at(-1);
    if (step === undefined || line.startsWith('#')) continue;
    if (line.startsWith('< ')) step.input.push(line.slice(2));
    else step.expected.push(line);
  }
  return steps.map(({ command, input, expected, isRepeated }) => ({
    command,
    input: input.length === 0 ? '' : `${input.join('\n')}\n`,
    expected: expected.join('\n').trim(),
    isRepeated,
  }));
}

/** The script with what was seen now in place of what was expected. */
export function writeScript(text: string, seen: readonly string[]): string {
  const lines: string[] = [];
  let at = -1;
  let isOutput = false;
  for (const line of text.split('\n')) {
    if (/^[$~] /.test(line)) {
      at++;
      isOutput = false;
      if (at > 0) lines.push('');
      lines.push(line);
    } else if (line.startsWith('#') || line.startsWith('< ') || at < 0) lines.push(line);
    if (at >= 0 && !isOutput && isLastOfHead(text, at, line)) {
      isOutput = true;
      if (seen[at] !== '') lines.push(seen[at] ?? '');
    }
  }
  return `${lines.join('\n').trimEnd()}\n`;
}

function isLastOfHead(text: string, at: number, line: string): boolean {
  const step = readScript(text)[at];
  const last = step?.input.trimEnd().split('\n').at(-1) ?? '';
  return last === '' ? line.slice(2) === step?.command : line === `< ${last}`;
}

/** What differs from run to run, as names for it. */
const MASKS: readonly (readonly [RegExp, string])[] = [
  [/^Waiting for deployment .*\n/gm, ''],
  [/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g, '<uid>'],
  [/\b\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z\b/g, '<time>'],
  [/\b[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} [+-]\d{4}\b/g, '<time>'],
  [/(resourceVersion: )"\d+"/g, '$1"<version>"'],
  [/\b10\.244\.\d+\.\d+\b/g, '<pod-ip>'],
  [/\bfd00:10:244:[0-9a-f:]+\b/g, '<pod-ip>'],
  [/\b10\.96\.(?!0\.1\b|0\.10\b)\d+\.\d+\b/g, '<service-ip>'],
  [/\bfd00:10:96::[0-9a-f]+\b/g, '<service-ip>'],
  [/:3[0-2]\d{3}\//g, ':<port>/'],
  [/127\.0\.0\.1:\d{4,5}\b/g, '<address>'],
  [/-[bcdfghjklmnpqrstvwxz2456789]{8,10}-[bcdfghjklmnpqrstvwxz2456789]{5}\b/g, '-<id>'],
  [/-[bcdfghjklmnpqrstvwxz2456789]{10}\b(?!-)/g, '-<hash>'],
  [/(pod-template-hash[=:] ?)[a-z0-9]+/g, '$1<hash>'],
  [/-[bcdfghjklmnpqrstvwxz2456789]{5} (?=IPv[46] )/g, '-<id> '],
  [/kube-api-access-[a-z0-9]{5}/g, 'kube-api-access-<id>'],
  [/(?<= )(\d+[dhms])+(?= |$)/gm, '<age>'],
  [/\bnode-[12]\b/g, '<node>'],
];

/** Output without what differs from run to run; columns are parted by one space. */
export function masked(output: string): string {
  const plain = output
    .split('\n')
    .map(line => line.replaceAll(/(?<=\S) {2,}/g, ' ').trimEnd())
    .join('\n')
    .trim();
  return MASKS.reduce((text, [pattern, name]) => text.replaceAll(pattern, name), plain);
}
