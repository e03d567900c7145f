import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chooseMount } from '../cgroup/index.ts';
import { parseMountinfo } from './mountinfo.ts';

/** From Debian 12 with both hierarchies, and from one with version 2 alone. */
const hybrid = `31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime shared:9 - cgroup2 cgroup2 rw
42 27 254:0 /run/netns /run/netns rw,relatime shared:1 master:3 - ext4 /dev/vda rw,discard
43 27 254:0 / /mnt/with\\040blank rw - ext4 /dev/vda rw
broken line
`;
const pure = '30 24 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n';

test('mounts are read with their type, root and sharing, whatever optional fields there are', () => {
  const mounts = parseMountinfo(hybrid);
  assert.deepEqual(
    mounts.map(mount => mount.path),
    ['/sys/fs/cgroup', '/sys/fs/cgroup/memory', '/sys/fs/cgroup/unified', '/run/netns', '/mnt/with blank'],
  );
  assert.deepEqual(mounts[3], {
    path: '/run/netns',
    type: 'ext4',
    source: '/dev/vda',
    root: '/run/netns',
    shared: true,
  });
});

test('the cgroup v2 hierarchy is found beside version 1 and alone', () => {
  assert.equal(chooseMount(parseMountinfo(hybrid)), '/sys/fs/cgroup/unified');
  assert.equal(chooseMount(parseMountinfo(pure)), '/sys/fs/cgroup');
  assert.equal(chooseMount(parseMountinfo('1 1 0:1 / /cg rw - cgroup2 none rw')), '/cg');
  assert.equal(chooseMount([]), undefined);
});
