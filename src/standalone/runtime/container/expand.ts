/**
 * Kubernetes' `$(NAME)` references in command, args and env values: `$$` is a dollar sign, a name that is not known
 * stays as it is written.
 */
export function expand(text: string, lookup: (name: string) => string | undefined): string {
  if (!text.includes('$')) return text;
  let result = '';
  for (let at = 0; at < text.length; at++) {
    const character = text[at] as string;
    const next = text[at + 1];
    if (character !== '$' || next === undefined) {
      result += character;
    } else if (next === '$') {
      result += '$';
      at += 1;
    } else if (next === '(') {
      const end = text.indexOf(')', at + 2);
      if (end < 0) return result + text.slice(at);
      result += lookup(text.slice(at + 2, end)) ?? text.slice(at, end + 1);
      at = end;
    } else {
      result += character + next;
      at += 1;
    }
  }
  return result;
}
