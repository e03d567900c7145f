import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { clusterFiles } from '../../src/standalone/cluster.ts';
import { hostNetworks } from '../../src/standalone/topology/host-collisions.ts';
import { eventually, fairlead, startCluster, type TestCluster } from './cluster.ts';
import { manifestOf } from './manifests.ts';
import { noTraces, tracesOf } from './traces.ts';

/** A prefix that this host has a route to, wide enough for pods. */
function hostPrefix(): string {
  const network = hostNetworks().find(({ prefix }) => !prefix.includes(':') && !prefix.endsWith('/0'));
  return `${network?.prefix.split('/')[0]?.split('.').slice(0, 2).join('.') ?? '192.0'}.0.0/16`;
}

/** What a person gets wrong; each answer names the place and the next step, and nothing is left behind. */
interface Mistake {
  readonly name: string;
  readonly words: readonly string[];
  readonly code: 1 | 2;
  readonly says: RegExp;
}

const absent = 'e2e-input-none';

const usage: readonly Mistake[] = [
  { name: 'an unknown command', words: ['upp'], code: 2, says: /unknown command 'upp'/ },
  {
    name: 'an unknown option',
    words: ['up', '--node', '3'],
    code: 2,
    says: /unknown option '--node'[\s\S]*--nodes/,
  },
  {
    name: 'a bad name',
    words: ['up', '--name', 'My_Cluster'],
    code: 2,
    says: /"My_Cluster"[\s\S]*--name[\s\S]*next:/,
  },
  {
    name: 'too many nodes',
    words: ['up', '--name', absent, '--nodes', '51'],
    code: 2,
    says: /1 to 50 nodes, not 51/,
  },
  {
    name: 'nodes that are no number',
    words: ['up', '--name', absent, '--nodes', 'many'],
    code: 2,
    says: /--nodes/,
  },
  { name: 'an unknown topology', words: ['up', '--topology', 'ring'], code: 2, says: /one-link, two-links/ },
  {
    name: 'a pod prefix with host bits',
    words: ['up', '--name', absent, '--pod-prefixes', '10.1.1.1/16'],
    code: 2,
    says: /"10\.1\.1\.1\/16" is not a network prefix/,
  },
  {
    name: 'Services over pods',
    words: ['up', '--name', absent, '--service-prefixes', '10.244.0.0/20,fd00:10:96::/112'],
    code: 2,
    says: /10\.244\.0\.0\/16 .* overlaps 10\.244\.0\.0\/20/,
  },
  {
    name: 'pods with an address of this host, with a way outside',
    words: ['up', '--name', absent, '--outside', '--pod-prefixes', `${hostPrefix()},fd00:10:244::/56`],
    code: 2,
    says: /overlaps .* which this host reaches by/,
  },
  {
    name: 'a file that is not there',
    words: ['up', '--name', absent, '-f', '/nowhere.yaml'],
    code: 2,
    says: /nowhere\.yaml/,
  },
  {
    name: 'a number that is none',
    words: ['up', '--name', absent, '--timeout', 'soon'],
    code: 2,
    says: /--timeout <seconds>.*'soon'.*has to be a number/,
  },
  {
    name: 'files without an object',
    words: ['up', '--name', absent, '-f', '-'],
    code: 2,
    says: /no object in standard input/,
  },
  { name: 'help of no command', words: ['help', 'upp'], code: 2, says: /unknown command 'upp'/ },
  { name: 'status of no cluster', words: ['status', '--name', absent], code: 1, says: /no cluster named/ },
  {
    name: 'kubeconfig of no cluster',
    words: ['kubeconfig', '--name', absent],
    code: 1,
    says: /no cluster named/,
  },
];

for (const { name, words, code, says } of usage) {
  test(`a mistake in the call is explained: ${name}`, async () => {
    const outcome = await fairlead(words);
    assert.match(outcome.stderr, says);
    assert.equal(outcome.code, code);
    assert.deepEqual(tracesOf(absent), noTraces);
  });
}

test('files that cannot be read stop up before anything is made', async () => {
  const outcome = await fairlead(['up', '--name', absent, '-f', '-'], {
    input: 'kind: Pod\n  apiVersion: v1\n',
  });
  assert.equal(outcome.code, 1);
  assert.match(outcome.stderr, /^stdin:\d+: is not YAML/m);
  assert.deepEqual(tracesOf(absent), noTraces);
});

let cluster: TestCluster;
let directory: string;
before(async () => {
  directory = mkdtempSync(join(tmpdir(), 'fairlead-e2e-'));
  cluster = await startCluster('e2e-input', '--nodes', '1');
});
after(async () => {
  await cluster[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true });
});

const pod = 'apiVersion: v1\nkind: Pod\nmetadata:\n  name: p\n';
const container = 'spec:\n  containers:\n  - name: c\n    image: echo\n';

const files: readonly { readonly name: string; readonly text: string; readonly says: readonly RegExp[] }[] = [
  {
    name: 'unknown kind',
    text: 'apiVersion: v1\nkind: Pood\nmetadata: {name: x}\n',
    says: [/:2: there is no kind Pood/, /Did you mean Pod/],
  },
  {
    name: 'kind of another group',
    text: 'apiVersion: v1\nkind: Deployment\nmetadata: {name: x}\n',
    says: [/Deployment is in apps\/v1/],
  },
  {
    name: 'unknown field',
    text: `${pod}${container}    imag: x\n`,
    says: [/:9: unknown field "spec\.containers\[0\]\.imag"/],
  },
  {
    name: 'wrong type',
    text: `${pod}${container}  terminationGracePeriodSeconds: soon\n`,
    says: [/:9: .*terminationGracePeriodSeconds/, /string/],
  },
  {
    name: 'invalid name',
    text: `${pod.replace('name: p', 'name: P_1')}${container}`,
    says: [/:4: metadata\.name: Invalid value: "P_1"/],
  },
  { name: 'missing containers', text: `${pod}spec: {}\n`, says: [/spec\.containers: Required value/] },
  {
    name: 'missing namespace',
    text: `${pod}  namespace: nowhere\n${container}`,
    says: [/"nowhere" not found/, /kubectl create namespace nowhere/],
  },
];

for (const { name, text, says } of files) {
  test(`a broken file is explained with its line: ${name}`, async () => {
    const file = join(directory, 'broken.yaml');
    writeFileSync(file, text);
    const outcome = await fairlead(['up', '--name', cluster.name, '-f', file]);
    assert.equal(outcome.code, 1, outcome.stdout + outcome.stderr);
    assert.ok(outcome.stderr.includes(`${file}:`), outcome.stderr);
    for (const pattern of says) assert.match(outcome.stderr, pattern);
  });
}

test('an image that maps to nothing is named, and up does not wait for it in vain', async () => {
  const outcome = await fairlead(['up', '--name', cluster.name, '-f', '-', '--timeout', '60'], {
    input: manifestOf('mystery', 1, 'registry.example/mystery:1'),
  });
  assert.equal(outcome.code, 1);
  assert.match(outcome.stderr, /ErrImagePull|ImagePullBackOff/);
  assert.match(outcome.stderr, /registry\.example\/mystery:1/);
  await cluster.kubectl(['delete', 'deployment', 'mystery']).catch(() => undefined);
});

test('another shape for a cluster that is up is refused, and it stays as it is', async () => {
  const outcome = await fairlead(['up', '--name', cluster.name, '--nodes', '3']);
  assert.equal(outcome.code, 2);
  assert.match(outcome.stderr, /is there already, with 1 node/);
  assert.equal((await cluster.status()).nodes.length, 1);
});

test('a damaged store is named, and a good copy in its place is taken up at once', async () => {
  const { processes } = await cluster.status();
  for (const { pid } of processes) if (pid !== null) process.kill(pid, 'SIGKILL');
  await eventually('everything has ended', async () =>
    (await cluster.status()).processes.every(({ running }) => !running) ? true : undefined,
  );
  const parts = ['', '-wal'].map(suffix => `${clusterFiles.store(cluster.name)}${suffix}`);
  const good = parts.map(part => readFileSync(part));
  for (const part of parts) writeFileSync(part, randomBytes(16 * 1024));
  const outcome = await fairlead(['up', '--name', cluster.name]);
  assert.equal(outcome.code, 1);
  assert.match(
    outcome.stderr,
    /The store \S+store\.db(-wal)? is damaged: [\s\S]*next: {3}Move the file away/,
  );
  for (const [index, part] of parts.entries()) writeFileSync(part, good[index] ?? '');
  await cluster.fairlead('up');
});

test('a port that another program took is named', async () => {
  const { apiServer, processes } = await cluster.status();
  for (const { pid } of processes) if (pid !== null) process.kill(pid, 'SIGKILL');
  const port = Number(new URL(apiServer).port);
  const thief = createServer();
  await eventually(
    'the port is free',
    () =>
      new Promise<true>((resolve, reject) => {
        thief.once('error', reject);
        thief.listen(port, '127.0.0.1', () => resolve(true));
      }),
  );
  const outcome = await fairlead(['up', '--name', cluster.name]);
  await new Promise(resolve => thief.close(resolve));
  assert.equal(outcome.code, 1);
  assert.match(outcome.stderr, new RegExp(`port ${port} .* another program`));
  await cluster.fairlead('up');
});

test('a configuration that is damaged is named, and down clears the cluster', async () => {
  writeFileSync(clusterFiles.config(cluster.name), '{"name": "e2e-in');
  const outcome = await fairlead(['up', '--name', cluster.name]);
  assert.equal(outcome.code, 1);
  assert.match(outcome.stderr, /cluster\.json is damaged/);
  await cluster.fairlead('down');
  assert.deepEqual(tracesOf(cluster.name), noTraces);
});
