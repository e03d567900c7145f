import type { ApiResponse } from '../request.ts';
import { json } from '../resource/present.ts';

/**
 * `/version`. The minor is the newest one that kubectl 1.32 takes without a warning about version skew (one minor
 * apart), and everything that 1.33 made stable is understood; fields of later versions are known too.
 */
export const versionAnswer = (): ApiResponse =>
  json(
    200,
    JSON.stringify({
      major: '1',
      minor: '33',
      gitVersion: 'v1.33.0+fairlead',
      gitCommit: '',
      gitTreeState: 'clean',
      buildDate: '1970-01-01T00:00:00Z',
      goVersion: '',
      compiler: 'node',
      platform: `linux/${process.arch === 'x64' ? 'amd64' : process.arch}`,
    }),
  );
