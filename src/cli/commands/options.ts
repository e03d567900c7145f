import { InvalidArgumentError, Option } from 'commander';
import type { ObjectSource } from '../object-source.ts';

/** `--name`: which cluster of this machine. */
export function nameOption(): Option {
  return new Option('--name <cluster>', 'which cluster').env('FAIRLEAD_CLUSTER').default('default');
}

/** For an option that may be given again. */
export function collect(value: string, earlier: readonly string[]): readonly string[] {
  return [...earlier, value];
}

export function numeric(text: string): number {
  const number = Number(text);
  if (text.trim() !== '' && Number.isFinite(number)) return number;
  throw new InvalidArgumentError('It has to be a number.');
}

/** `30s`, `5m`, `1h` in milliseconds. */
export function milliseconds(text: string): number {
  const found = /^(\d{1,6})(s|m|h)$/.exec(text);
  const factor = { s: 1000, m: 60_000, h: 3_600_000 }[found?.[2] ?? ''];
  if (found === null || factor === undefined)
    throw new InvalidArgumentError('It has to be like 30s, 5m or 1h.');
  return Number(found[1]) * factor;
}

export function splitAtCommas(text: string): readonly string[] {
  return text.split(',').map(part => part.trim());
}

/** Of a command that reads objects: of a cluster of this machine, of any, or of files. */
export interface ObjectOptions {
  readonly name: string;
  readonly kubeconfig?: string;
  readonly filename: readonly string[];
}

export const objectSource = ({ filename, kubeconfig, name }: ObjectOptions): ObjectSource => ({
  cluster: name,
  files: filename,
  ...(kubeconfig === undefined ? {} : { kubeconfig }),
});
