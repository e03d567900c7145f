import { readFileSync } from 'node:fs';
import { FairleadError } from '../../base/errors.ts';
import { targetOf } from '../../insight/migrate/index.ts';
import type { Target } from '../../insight/migrate/index.ts';

/**
 * A class’s features from a file: the GatewayClass with its status, as `kubectl get gatewayclass NAME -o yaml` prints it, or
 * a list of names. Throws `migrate/bad-target`.
 */
export async function readTarget(path: string, className: string): Promise<Target> {
  const { parse } = await import('yaml');
  const fail = (sentence: string, cause?: unknown) =>
    new FairleadError('migrate/bad-target', sentence, {
      field: '--target',
      hint: 'Give a file with the GatewayClass and its status, or with a list of names of features.',
      cause,
    });
  let content: unknown;
  try {
    content = parse(readFileSync(path, 'utf8'), { logLevel: 'silent' });
  } catch (cause) {
    throw fail(`${path} cannot be read`, cause);
  }
  const { metadata, status, supportedFeatures } = (content ?? {}) as {
    readonly metadata?: { readonly name?: unknown };
    readonly status?: { readonly supportedFeatures?: unknown };
    readonly supportedFeatures?: unknown;
  };
  const written = Array.isArray(content) ? content : (status?.supportedFeatures ?? supportedFeatures);
  if (!Array.isArray(written)) throw fail(`${path} names no features.`);
  const names = written.flatMap((entry: unknown) => {
    const name = typeof entry === 'string' ? entry : (entry as { readonly name?: unknown } | null)?.name;
    return typeof name === 'string' ? [name] : [];
  });
  return targetOf(typeof metadata?.name === 'string' ? metadata.name : className, names);
}
