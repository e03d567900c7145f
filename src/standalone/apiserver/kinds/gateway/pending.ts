import type { ApiObject } from '../../object.ts';

/** Conditions that a new object has until a controller speaks: defaults of the Gateway API's own schema. */
export const WAITING = {
  accepted: ['Accepted'],
  acceptedAndProgrammed: ['Accepted', 'Programmed'],
} as const;

export const pending =
  (types: readonly string[]) =>
  (object: ApiObject): ApiObject => ({
    ...object,
    status: {
      conditions: types.map(type => ({
        lastTransitionTime: '1970-01-01T00:00:00Z',
        message: 'Waiting for controller',
        reason: 'Pending',
        status: 'Unknown',
        type,
      })),
    },
  });
