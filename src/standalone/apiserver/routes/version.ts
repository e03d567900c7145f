import type { ApiResponse } from '../request.ts';
import { json } from '../resource/present.ts';

/**
 * `/version`. The minor is the one of the kubectl that everything is proved with, so that it and its neighbours are quiet
 * about version skew (they warn beyond one minor), and so that tools that pick a client by the server's version pick
 * that one. Fields of later versions are understood all the same.
 */
export const versionAnswer = (): ApiResponse =>
  json(
    200,
    JSON.stringify({
      major: '1',
      minor: '32',
      gitVersion: 'v1.32.0+fairlead',
      gitCommit: '',
      gitTreeState: 'clean',
      buildDate: '1970-01-01T00:00:00Z',
      goVersion: '',
      compiler: 'node',
      platform: `linux/${process.arch === 'x64' ? 'amd64' : process.arch}`,
    }),
  );
