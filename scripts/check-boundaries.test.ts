import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { checkTree } from './check-boundaries.ts';

function problemsOf(files: Readonly<Record<string, string>>): readonly string[] {
  const directory = mkdtempSync(join(tmpdir(), 'fairlead-boundaries-'));
  try {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(directory, path)), { recursive: true });
      writeFileSync(join(directory, path), text);
    }
    return checkTree(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

const refused: readonly (readonly [string, Readonly<Record<string, string>>])[] = [
  ['base imports a neighbour', { 'base/ip.ts': "import { x } from '../kernel/ns/index.ts';" }],
  ['standalone imports a block', { 'standalone/runtime/pod.ts': "import { x } from '../../pods/index.ts';" }],
  ['a block imports the agent', { 'pods/index.ts': "import { x } from '../agent/index.ts';" }],
  ['a block reaches inside another block', { 'cli/trace.ts': "import { x } from '../policy/decide.ts';" }],
  ['a decision reads a file', { 'policy/decide.ts': "import { readFileSync } from 'node:fs';" }],
  [
    'a compiler reaches for the kernel',
    { 'services/compile-nft.ts': "import { Nft } from '../kernel/nft/index.ts';" },
  ],
  ['koffi outside kernel/ffi', { 'dns/server.ts': "import koffi from 'koffi';" }],
  ['a block starts a program', { 'pods/apply-links.ts': "import { spawn } from 'node:child_process';" }],
  ['a lazy import counts too', { 'base/log.ts': "const x = await import('../kube/client.ts');" }],
  [
    'an import over several lines counts too',
    { 'base/ip.ts': "import {\n  a,\n  b,\n} from '../kube/client.ts';" },
  ],
  ['a folder that is not in the house', { 'misc/thing.ts': '' }],
];

for (const [name, files] of refused) {
  test(`refused: ${name}`, () => assert.equal(problemsOf(files).length, 1, problemsOf(files).join('\n')));
}

test('allowed: the imports that the house is built on', () => {
  const files = {
    'pods/compile-routes.ts':
      "import { diff } from '../base/delta.ts';\nimport { marks } from '../kernel/contract.ts';",
    'pods/apply-routes.ts': "import { RouteSocket } from '../kernel/netlink/index.ts';",
    'agent/index.ts': "import { x } from '../pods/apply-routes.ts';",
    'entry/standalone.ts':
      "import { x } from '../standalone/apiserver/index.ts';\nimport { y } from '../controller/index.ts';",
  };
  assert.deepEqual(problemsOf(files), []);
});
