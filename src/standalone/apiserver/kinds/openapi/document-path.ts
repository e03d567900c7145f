import type { Kind } from '../../kind.ts';

/** `api/v1`, `apis/apps/v1`: where the document of a kind's group version stands beneath `/openapi/v3/`. */
export const documentPathOf = (kind: Pick<Kind, 'group' | 'version'>): string =>
  kind.group === '' ? `api/${kind.version}` : `apis/${kind.group}/${kind.version}`;
