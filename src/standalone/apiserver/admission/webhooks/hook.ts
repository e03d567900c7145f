import type { ApiObject, Fields } from '../../object.ts';
import { listOf } from '../rules.ts';

/** One webhook of a configuration. */
export interface Hook {
  /** Tells it from all others, also of the same name. */
  readonly id: string;
  readonly name: string;
  readonly fields: Fields;
  readonly timeoutSeconds: number;
  readonly failsOpen: boolean;
  readonly isReinvoked: boolean;
}

/** The webhooks of configurations in the order in which they are asked: by the configurations' names, then as written. */
export function hooksOf(configurations: readonly ApiObject[]): readonly Hook[] {
  const nameOf = ({ metadata }: ApiObject) => metadata.name ?? '';
  return configurations
    .toSorted((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1))
    .flatMap(configuration =>
      listOf(configuration['webhooks']).map((fields, index) => ({
        id: `${nameOf(configuration)}/${index}`,
        name: String(fields['name']),
        fields,
        timeoutSeconds: typeof fields['timeoutSeconds'] === 'number' ? fields['timeoutSeconds'] : 10,
        failsOpen: fields['failurePolicy'] === 'Ignore',
        isReinvoked: fields['reinvocationPolicy'] === 'IfNeeded',
      })),
    );
}
