import type { Seeded } from './seeded.ts';

const ODD = ['/', '//', '/./', '/../', '%2F', '%2e', '.', 'x', '-', '%20', '+', ';v=1'] as const;

/** A target that is a little off another one: a client that nobody thought of. */
export function mutateTarget(target: string, seeded: Seeded): string {
  const question = target.indexOf('?');
  const path = question === -1 ? target : target.slice(0, question);
  const at = 1 + seeded.below(path.length);
  const odd = ODD[seeded.below(ODD.length)] ?? '/';
  switch (seeded.below(6)) {
    case 0:
      return path.slice(0, at) + odd + path.slice(at);
    case 1:
      return path.length > 1 ? path.slice(0, at) + path.slice(at + 1) : `${path}x`;
    case 2:
      return path.slice(0, at) + flipped(path.slice(at, at + 1)) + path.slice(at + 1);
    case 3:
      return path.slice(0, at) + encoded(path.slice(at, at + 1)) + path.slice(at + 1);
    case 4:
      return `${path}/${'abcxyz'[seeded.below(6)] ?? ''}${seeded.below(10)}`;
    default:
      return `${path}?q=${seeded.below(100)}`;
  }
}

function flipped(letter: string): string {
  const lower = letter.toLowerCase();
  return lower === letter ? letter.toUpperCase() : lower;
}

const encoded = (text: string): string =>
  text === '' ? '' : `%${text.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
