import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { TestContext } from 'node:test';
import { defaultForm, writeSnapshot } from '../../src/dns/index.ts';
import { paths } from '../../src/kernel/contract.ts';
import { RouteSocket } from '../../src/kernel/netlink/index.ts';
import { createNamespace, deleteNamespace, spawnIn } from '../../src/kernel/ns/index.ts';
import { ask } from './dns-client.ts';
import { testName } from './kernel-fixture.ts';

export const addresses = ['10.96.0.10', 'fd00:10:96::a'] as const;

/** A node's namespace with a DNS server whose API server is gone, and a pod's namespace behind a veth. */
export interface DnsNode {
  readonly cluster: string;
  readonly namespace: string;
  readonly pod: string;
  process: ChildProcess;
  /** Another one on the same node, which its caller ends. */
  spawn(...words: readonly string[]): ChildProcess;
  /** Starts the server, and waits until it answers; how long that took, in milliseconds. */
  start(...words: readonly string[]): Promise<number>;
  log(): string;
}

const entry = resolve(import.meta.dirname, '..', '..', 'src', 'entry', 'dns.ts');

export async function startNode(
  context: Pick<TestContext, 'after'>,
  ...words: readonly string[]
): Promise<DnsNode> {
  const cluster = `t${process.pid}`;
  const [node, pod] = [testName('node'), testName('pod')];
  let output = '';
  const directories = [paths.state(cluster), paths.run(cluster)];
  context.after(async () => {
    if (found.process.exitCode === null && found.process.signalCode === null) {
      found.process.kill('SIGKILL');
      await once(found.process, 'exit');
    }
    deleteNamespace(node);
    deleteNamespace(pod);
    for (const directory of directories) rmSync(directory, { recursive: true, force: true });
  });
  const [nodePath, podPath] = [createNamespace(node), createNamespace(pod)];
  connect(nodePath, podPath);
  mkdirSync(paths.nodeState(cluster, 'node-1'), { recursive: true });
  mkdirSync(paths.nodeRun(cluster, 'node-1'), { recursive: true });
  const kubeconfig = `${paths.state(cluster)}/gone.kubeconfig`;
  writeFileSync(kubeconfig, JSON.stringify(deadKubeconfig));
  writeSnapshot(`${paths.nodeState(cluster, 'node-1')}/dns.json`, {
    at: Date.now() - 60_000,
    form: defaultForm,
    input: snapshot,
  });
  const spawn = (more: readonly string[]) => {
    const child = spawnIn(
      nodePath,
      process.execPath,
      [
        entry,
        `--cluster=${cluster}`,
        '--node=node-1',
        `--kubeconfig=${kubeconfig}`,
        '--pod-prefixes=10.244.0.0/16,fd00:10:244::/56',
        ...more,
      ],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    );
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (chunk: Buffer) => (output += chunk.toString()));
    return child;
  };
  const untilAnswered = async (name: string, type: string, rcode: string) => {
    const from = performance.now();
    for (;;) {
      const target = { namespace: podPath, server: addresses[0] };
      const answer = await ask(target, name, type, {}, 20).catch(() => undefined);
      if (answer?.rcode === rcode) return performance.now() - from;
      if (performance.now() - from > 20_000) throw new Error(`DNS does not answer\n${output}`);
    }
  };
  const found: DnsNode = {
    cluster,
    namespace: nodePath,
    pod: podPath,
    process: spawn(words),
    log: () => output,
    spawn: (...more) => spawn(more),
    start: async (...more) => {
      found.process = spawn(more);
      return untilAnswered('dns-version.cluster.local', 'TXT', 'NOERROR');
    },
  };
  // For a second after its start, what it does not know may be new.
  await untilAnswered('none.cluster.local', 'A', 'NXDOMAIN');
  return found;
}

const deadKubeconfig = {
  apiVersion: 'v1',
  kind: 'Config',
  'current-context': 'gone',
  contexts: [{ name: 'gone', context: { cluster: 'gone', user: 'gone' } }],
  clusters: [{ name: 'gone', cluster: { server: 'https://127.0.0.1:1' } }],
  users: [{ name: 'gone', user: {} }],
};

const many = Array.from({ length: 60 }, (_, index) => ({
  index,
  address: `10.244.1.${index + 1}`,
  label: `10-244-1-${index + 1}`,
}));

const snapshot = {
  namespaces: ['default', 'kube-system'],
  services: [
    {
      namespace: 'default',
      name: 'web',
      kind: 'cluster',
      addresses: ['10.96.7.7', 'fd00:10:96::707'],
      ports: [{ index: 0, name: 'http', protocol: 'tcp', port: 80 }],
    },
    { namespace: 'default', name: 'many', kind: 'headless', addresses: [], ports: [] },
  ],
  slices: [{ namespace: 'default', name: 'many-1', service: 'many', endpoints: many, ports: [] }],
} as const;

function connect(node: string, pod: string): void {
  using near = RouteSocket.open(node);
  near.apply([
    { do: 'link-add', kind: 'veth', name: 'pod0', peer: { name: 'eth0', namespace: pod }, up: true },
    { do: 'address-add', dev: 'pod0', address: '169.254.1.1/32', nodad: true },
    { do: 'address-add', dev: 'pod0', address: 'fd00:ffff::1/128', nodad: true },
    { do: 'route-replace', dst: '10.244.0.5/32', dev: 'pod0' },
    { do: 'route-replace', dst: 'fd00:10:244::5/128', dev: 'pod0' },
  ]);
  using far = RouteSocket.open(pod);
  far.apply([
    { do: 'link-set', dev: 'eth0', up: true },
    { do: 'address-add', dev: 'eth0', address: '10.244.0.5/32', nodad: true },
    { do: 'address-add', dev: 'eth0', address: 'fd00:10:244::5/128', nodad: true },
    { do: 'route-replace', dst: '169.254.1.1/32', dev: 'eth0' },
    { do: 'route-replace', dst: 'fd00:ffff::1/128', dev: 'eth0' },
    { do: 'route-replace', dst: '0.0.0.0/0', via: '169.254.1.1', dev: 'eth0' },
    { do: 'route-replace', dst: '::/0', via: 'fd00:ffff::1', dev: 'eth0' },
  ]);
}
