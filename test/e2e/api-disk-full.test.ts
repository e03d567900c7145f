import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { CONFIG_MAPS } from '../../src/kube/resources.ts';
import { startApiProcess } from './api-process.ts';

test('with a full disk writing fails with a clear Status, reading goes on, and space brings writing back', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'fairlead-full-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m,mode=0700', 'tmpfs', directory]);
  try {
    await using server = await startApiProcess(directory);
    const configMap = (name: string, value: string) =>
      ({
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name, namespace: 'default' },
        data: { value },
      }) as const;
    await server.client.create(CONFIG_MAPS, configMap('before', 'x'));
    const ballast = join(directory, 'ballast');
    const { bavail, bsize } = statfsSync(directory);
    writeFileSync(ballast, Buffer.alloc(bavail * bsize));
    const full = { status: 507, reason: 'InsufficientStorage', message: /disk of .* is full/ };
    await assert.rejects(server.client.create(CONFIG_MAPS, configMap('during', 'x'.repeat(200_000))), full);
    const { items } = await server.client.list(CONFIG_MAPS, { namespace: 'default' });
    assert.deepEqual(
      items.map(item => item.metadata?.name),
      ['before'],
    );
    rmSync(ballast);
    await server.client.create(CONFIG_MAPS, configMap('during', 'x'.repeat(200_000)));
    await server.client.get(CONFIG_MAPS, { namespace: 'default', name: 'during' });
  } finally {
    execFileSync('umount', [directory]);
    rmSync(directory, { recursive: true });
  }
});
