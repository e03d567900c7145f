import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { cgroupMount, createCgroup, killCgroup, removeCgroup } from '../../src/kernel/cgroup/index.ts';
import { cgroups } from '../../src/kernel/contract.ts';
import { createNamespace, deleteNamespace } from '../../src/kernel/ns/index.ts';
import { encodeContainerPlan, type ContainerPlan } from '../../src/standalone/runtime/container/plan.ts';
import { readEnding, type Ending } from '../../src/standalone/runtime/container/records.ts';
import { launcher } from './runtime-cluster.ts';

const NAMESPACE = 'fairlead.rt-launch.pod-x';
const CGROUP = `${cgroups.cluster('rt-launch')}/container`;

suite('the pod launcher', () => {
  let directory: string;
  let networkNamespace: string;
  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'fairlead-launcher-'));
    mkdirSync(join(directory, 'stage'));
    deleteNamespace(NAMESPACE);
    networkNamespace = createNamespace(NAMESPACE);
    createCgroup(CGROUP);
  });
  after(async () => {
    await killCgroup(cgroups.cluster('rt-launch'));
    removeCgroup(cgroups.cluster('rt-launch'));
    deleteNamespace(NAMESPACE);
    rmSync(directory, { recursive: true, force: true });
  });

  const file = (name: string) => join(directory, name);

  function planOf(name: string, script: string, own: Partial<ContainerPlan> = {}): ContainerPlan {
    return {
      arguments: ['sh', '-c', script],
      environment: new Map([['PATH', '/usr/sbin:/usr/bin:/sbin:/bin']]),
      workingDirectory: '/',
      credentials: { uid: 0, gid: 0, groups: [], capabilities: [], noNewPrivileges: false },
      tty: false,
      cgroup: join(cgroupMount(), CGROUP),
      networkNamespace,
      hostname: name,
      stdin: 'closed',
      readOnlyRoot: false,
      stage: file('stage'),
      layerBytes: 16 << 20,
      operations: [
        { do: 'hide', path: '/tmp', mode: '1777' },
        { do: 'proc', target: '/proc' },
        { do: 'dev', target: '/dev' },
      ],
      log: { path: file(`${name}.log`), bytes: 64 << 10, files: 2 },
      pidRecord: file(`${name}.pid`),
      exitRecord: file(`${name}.exit`),
      attachSocket: undefined,
      ...own,
    };
  }

  async function run(plan: ContainerPlan): Promise<Ending> {
    writeFileSync(file('plan'), encodeContainerPlan(plan));
    const child = spawn(launcher, ['run', file('plan')], { stdio: 'ignore' });
    await new Promise((resolve, reject) => child.once('exit', resolve).once('error', reject));
    const ending = readEnding(plan.exitRecord);
    assert.ok(ending, 'the launcher should have written how the container ended');
    return ending;
  }

  const logOf = (plan: ContainerPlan) => readFileSync(plan.log.path, 'utf8');

  test('writes the exit code, and each line with its time and stream', async () => {
    const plan = planOf('code', 'echo out; echo err >&2; exit 5');
    const ending = await run(plan);
    assert.deepEqual([ending.exitCode, ending.signal, ending.ran], [5, 0, true]);
    assert.match(logOf(plan), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z stdout F out$/m);
    assert.match(logOf(plan), /Z stderr F err$/m);
  });

  test('an exit code above 128 is not taken for a signal', async () => {
    const ending = await run(planOf('high', 'exit 143'));
    assert.deepEqual([ending.exitCode, ending.signal], [143, 0]);
  });

  test('cuts a very long line into parts, and keeps an unfinished one', async () => {
    const plan = planOf('long', 'head -c 40000 /dev/zero | tr "\\0" x; echo; printf rest');
    await run(plan);
    const tags = logOf(plan)
      .split('\n')
      .filter(Boolean)
      .map(line => line.split(' ')[2]);
    assert.deepEqual(tags, ['P', 'P', 'F', 'P']);
    assert.equal(
      logOf(plan)
        .replaceAll(/^\S+ \S+ \S+ /gm, '')
        .replaceAll('\n', '').length,
      40_004,
    );
  });

  test('keeps the log within its bounds, whatever is printed', async () => {
    const plan = planOf('loud', 'i=0; while [ $i -lt 20000 ]; do echo "line $i"; i=$((i+1)); done');
    await run(plan);
    assert.ok(statSync(plan.log.path).size <= 64 << 10);
    assert.ok(statSync(`${plan.log.path}.1`).size <= 64 << 10);
    assert.equal(existsSync(`${plan.log.path}.2`), false);
    assert.match(logOf(plan), /F line 19999\n$/);
  });

  test('writes nothing to the host outside of volumes', async () => {
    const ending = await run(
      planOf('root', 'touch /fairlead-was-here /etc/fairlead-was-here && rm -rf /usr/share/doc'),
    );
    assert.equal(ending.exitCode, 0);
    assert.equal(existsSync('/fairlead-was-here') || existsSync('/etc/fairlead-was-here'), false);
    assert.equal(existsSync('/usr/share'), true);
  });

  test('refuses a volume path that leads out of the volume', async () => {
    mkdirSync(file('volume'), { recursive: true });
    symlinkSync('/etc', file('volume/out'));
    const plan = planOf('escape', 'ls /in');
    const bind = {
      do: 'bind',
      source: file('volume'),
      inside: 'out/ssl',
      target: '/in',
      readOnly: false,
    } as const;
    const ending = await run({ ...plan, operations: [...plan.operations, bind] });
    assert.deepEqual([ending.exitCode, ending.ran], [128, false]);
    assert.match(ending.message, /the path out\/ssl in .* cannot be used/);
  });

  test('a path that is made below a volume has the rights of the volume', async () => {
    mkdirSync(file('shared'), { recursive: true });
    chownSync(file('shared'), 0, 1002);
    chmodSync(file('shared'), 0o2777);
    const plan = planOf('below', 'true');
    const bind = {
      do: 'bind',
      source: file('shared'),
      inside: 'a/b',
      target: '/in',
      readOnly: false,
    } as const;
    const ending = await run({ ...plan, operations: [...plan.operations, bind] });
    assert.equal(ending.exitCode, 0);
    const { mode, gid } = statSync(file('shared/a/b'));
    assert.deepEqual([mode & 0o7777, gid], [0o2777, 1002]);
  });

  test('a target that is a link in the container does not lead to the host', async () => {
    mkdirSync(file('evil'), { recursive: true });
    symlinkSync('/../../../../../../tmp', file('evil/link'));
    const plan = planOf('link', 'touch /v/link/made; ls /tmp/made');
    const bind = { do: 'bind', source: file('evil'), target: '/v', readOnly: false } as const;
    const ending = await run({ ...plan, operations: [...plan.operations, bind] });
    assert.equal(ending.exitCode, 0);
    assert.equal(existsSync('/tmp/made'), false);
  });

  test('what cannot be begun is a record with the reason', async () => {
    const ending = await run(planOf('netless', 'true', { networkNamespace: '/run/netns/none-such' }));
    assert.deepEqual([ending.exitCode, ending.ran], [128, false]);
    assert.match(ending.message, /network namespace .*none-such cannot be opened: No such file/);
  });

  test('a plan that it does not understand is refused', () => {
    writeFileSync(file('plan'), 'arg\0true\0surprise\0end\0');
    const { status, stderr } = spawnSync(launcher, ['run', file('plan')], {
      encoding: 'utf8',
      timeout: 5000,
    });
    assert.equal(status, 2);
    assert.match(stderr, /unknown keyword: surprise/);
  });
});
