import type { Plan } from '../../insight/migrate/index.ts';

/** A plan as Markdown: for a ticket, or a terminal. */
export function planText({ before, steps, title }: Plan): readonly string[] {
  const lines = [`# ${oneLine(title)}`, ''];
  if (before.length > 0)
    lines.push(
      'Before the first step, for somebody to decide:',
      '',
      ...before.map(one => `- [ ] ${oneLine(one)}`),
      '',
    );
  for (const [index, { back, check, commands, title: own, why }] of steps.entries()) {
    lines.push(`## ${index + 1}. ${oneLine(own)}`, '', oneLine(why), '', ...block(commands));
    lines.push(`Go on when: ${oneLine(check.sentence)}`, '', ...block(check.commands));
    if (back.length > 0) lines.push('The way back:', '', ...block(back));
  }
  return lines;
}

const block = (commands: readonly string[]): readonly string[] =>
  commands.length === 0 ? [] : ['```', ...commands.map(oneLine), '```', ''];

const oneLine = (text: string): string => text.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ');
