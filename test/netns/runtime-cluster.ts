import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { silentLog } from '../../src/base/log.ts';
import { killCgroup, removeCgroup } from '../../src/kernel/cgroup/index.ts';
import { cgroups, namespaces, paths } from '../../src/kernel/contract.ts';
import { createNamespace, deleteNamespace, listNamespaces } from '../../src/kernel/ns/index.ts';
import { createClient, isAlreadyExists, isNotFound, type KubeClient } from '../../src/kube/client.ts';
import { loadKubeconfig } from '../../src/kube/kubeconfig.ts';
import { NAMESPACES, PODS } from '../../src/kube/resources.ts';
import type { Pod, PodSpec } from '../../src/kube/types/core.ts';
import { startApiServer } from '../../src/standalone/apiserver/index.ts';
import { builtInSchemas } from '../../src/standalone/apiserver/kinds/index.ts';
import { createAuthority, issueKubeconfig, issueServing } from '../../src/standalone/apiserver/pki/index.ts';
import type { ClusterConfig } from '../../src/standalone/cluster.ts';

export const launcher = resolve(import.meta.dirname, '..', '..', 'build', 'native', 'fairlead-pod-launcher');

/**
 * A real API server, node namespaces, and the runtime with a network plugin of the test's own: pods are placed by their
 * nodeName, and nothing else of a cluster runs.
 */
export interface RuntimeCluster extends AsyncDisposable {
  readonly config: ClusterConfig;
  readonly client: KubeClient;
  readonly kubeconfig: string;
  readonly socket: string;
  /** The commands of the plugin's calls so far, in order. */
  pluginCalls(): readonly string[];
  createPod(name: string, spec: Partial<PodSpec> & Pick<PodSpec, 'containers'>): Promise<Pod>;
  pod(name: string): Promise<Pod | undefined>;
  /** The pod as soon as the check holds. */
  until(name: string, what: string, check: (pod: Pod) => boolean, milliseconds?: number): Promise<Pod>;
  untilGone(name: string, milliseconds?: number): Promise<void>;
  runtimePid(): number;
  /** kill -9; pods run on. */
  killRuntime(): Promise<void>;
  startRuntime(): Promise<void>;
  /** Makes the plugin refuse or serve ADD. */
  refuseNetwork(refuse: boolean): void;
  /** kubectl's outcome; the API server answers in this process, so nothing may block it. */
  kubectl(
    words: readonly string[],
    input?: string,
  ): Promise<{ readonly code: number; readonly output: string }>;
}

export interface RuntimeClusterOptions {
  readonly nodes?: number;
  /** The runtime's log on standard error. */
  readonly verbose?: boolean;
}

export async function startRuntimeCluster(
  name: string,
  options: RuntimeClusterOptions = {},
): Promise<RuntimeCluster> {
  const directory = mkdtempSync(join(tmpdir(), 'fairlead-runtime-'));
  const config: ClusterConfig = {
    name,
    nodes: Array.from({ length: options.nodes ?? 1 }, (_, index) => ({
      name: `node-${index + 1}`,
      link: 1,
      addresses: [`172.30.0.${index + 1}`, `fd00:172:30::${index + 1}`],
    })),
    topology: 'one-link',
    outside: false,
    apiServer: { host: '127.0.0.1', port: 0 },
    podPrefixes: ['10.244.0.0/16', 'fd00:10:244::/56'],
    servicePrefixes: ['10.96.0.0/16', 'fd00:10:96::/112'],
    clusterDomain: 'cluster.local',
  };
  await removeAll(config);
  for (const node of config.nodes) createNamespace(namespaces.node(name, node.name));
  const socket = join(directory, 'runtime.sock');
  const authority = createAuthority(join(directory, 'pki'));
  const server = await startApiServer({
    stateDirectory: directory,
    listeners: [{ host: '127.0.0.1', port: 0 }],
    tls: { ...issueServing(authority, { names: ['127.0.0.1'] }), authority: authority.certificate },
    schemas: builtInSchemas(),
    runtimeSocket: socket,
    servicePrefixes: config.servicePrefixes,
    log: silentLog,
  });
  const kubeconfig = join(directory, 'admin.kubeconfig');
  issueKubeconfig(authority, {
    user: 'kubernetes-admin',
    groups: ['system:masters'],
    server: `https://127.0.0.1:${server.addresses[0]?.port ?? 0}`,
    file: kubeconfig,
    cluster: name,
  });
  const client = createClient(loadKubeconfig(kubeconfig));
  const plugins = writePlugin(directory);
  for (const node of config.nodes) writeConflist(paths.cniConfigDirectory(name, node.name));
  for (const namespace of ['default', 'kube-node-lease']) {
    await client
      .create(NAMESPACES, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } })
      .catch((error: unknown) => {
        if (!isAlreadyExists(error)) throw error;
      });
  }
  let running: ChildProcess | undefined;
  const start = async () => {
    const words = [JSON.stringify({ cluster: config, kubeconfig, launcher, cniDirectory: plugins, socket })];
    const script = resolve(import.meta.dirname, 'runtime-process.ts');
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', script, ...words], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    running = child;
    await new Promise<void>((started, failed) => {
      child.once('error', failed);
      child.once('exit', code => failed(new Error(`the runtime ended with ${code}`)));
      child.stdout.on('data', (text: Buffer) => {
        if (options.verbose === true) process.stderr.write(text);
        if (text.includes('"ready"')) started();
      });
    });
  };
  const stop = async () => {
    const child = running;
    running = undefined;
    if (child === undefined || child.exitCode !== null) return;
    const exited = new Promise<void>(ended => child.once('exit', () => ended()));
    child.kill('SIGKILL');
    await exited;
  };
  const dispose = async () => {
    await stop();
    client.close();
    await server.close();
    await removeAll(config);
    rmSync(directory, { recursive: true, force: true });
  };
  try {
    await start();
  } catch (error) {
    await dispose(); // nobody else would
    throw error;
  }

  const get = (podName: string) =>
    client.get(PODS, { namespace: 'default', name: podName }).catch((error: unknown) => {
      if (isNotFound(error)) return undefined;
      throw error;
    });
  return {
    config,
    client,
    kubeconfig,
    socket,
    pluginCalls: () =>
      existsSync(join(directory, 'calls'))
        ? readFileSync(join(directory, 'calls'), 'utf8').trim().split('\n')
        : [],
    createPod: (podName, spec) =>
      client.create(PODS, {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: podName, namespace: 'default', labels: { app: podName } },
        spec: { nodeName: 'node-1', terminationGracePeriodSeconds: 1, ...spec },
      }),
    pod: get,
    until: async (podName, what, check, milliseconds = 20_000) => {
      const deadline = performance.now() + milliseconds;
      for (;;) {
        const pod = await get(podName);
        if (pod !== undefined && check(pod)) return pod;
        if (performance.now() > deadline) {
          throw new Error(`pod ${podName} should be ${what}, but is ${JSON.stringify(pod?.status, null, 1)}`);
        }
        await sleep(20);
      }
    },
    untilGone: async (podName, milliseconds = 20_000) => {
      const deadline = performance.now() + milliseconds;
      while ((await get(podName)) !== undefined) {
        if (performance.now() > deadline) throw new Error(`pod ${podName} should be gone`);
        await sleep(20);
      }
    },
    runtimePid: () => running?.pid ?? 0,
    killRuntime: stop,
    startRuntime: start,
    refuseNetwork: refuse => {
      if (refuse) writeFileSync(join(directory, 'refuse'), '');
      else rmSync(join(directory, 'refuse'), { force: true });
    },
    kubectl: (words, input) => kubectl(kubeconfig, words, input),
    [Symbol.asyncDispose]: dispose,
  };
}

export function isReady(pod: Pod): boolean {
  return pod.status?.conditions?.some(each => each.type === 'Ready' && each.status === 'True') === true;
}

/** The one reason for which a test of kubectl may be skipped. */
export const withoutKubectl: string | false =
  spawnSync('kubectl', ['version', '--client'], { stdio: 'ignore' }).status === 0
    ? false
    : 'kubectl is not on the PATH';

async function kubectl(kubeconfig: string, words: readonly string[], input = '') {
  const child = spawn('kubectl', words, { env: { ...process.env, KUBECONFIG: kubeconfig } });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (text: Buffer) => (output += text.toString()));
  child.stdin.on('error', () => undefined); // it need not read it
  child.stdin.end(input);
  const code = await new Promise<number>((ended, failed) => {
    child.once('error', failed);
    child.once('close', status => ended(status ?? 128));
  });
  return { code, output };
}

async function removeAll(config: ClusterConfig): Promise<void> {
  await killCgroup(cgroups.cluster(config.name));
  removeCgroup(cgroups.cluster(config.name));
  for (const namespace of listNamespaces(namespaces.prefix(config.name))) deleteNamespace(namespace);
  for (const path of [paths.state(config.name), paths.run(config.name)]) {
    if (existsSync(path)) rmSync(path, { recursive: true, force: true });
  }
}

function writeConflist(directory: string): void {
  mkdirSync(directory, { recursive: true });
  const list = { cniVersion: '1.1.0', name: 'test', plugins: [{ type: 'test-plugin' }] };
  writeFileSync(join(directory, '10-test.conflist'), JSON.stringify(list));
}

/** A veth a pod, IPv4 and IPv6, with routes from the node's namespace, in which a plugin runs. */
function writePlugin(directory: string): string {
  const plugins = join(directory, 'plugins');
  mkdirSync(plugins);
  const script = `#!/bin/sh
set -e
exec 9>>${directory}/lock
echo "$CNI_COMMAND" >> ${directory}/calls
if [ -e ${directory}/refuse ] && [ "$CNI_COMMAND" = ADD ]; then
  echo '{"cniVersion":"1.1.0","code":11,"msg":"told to refuse"}'
  exit 1
fi
[ "$CNI_COMMAND" = ADD ] || exit 0
flock 9
n=$(( $(cat ${directory}/counter 2>/dev/null || echo 1) + 1 ))
echo $n > ${directory}/counter
flock -u 9
pod=$(basename "$CNI_NETNS")
ip link add name "t$n" type veth peer name "$CNI_IFNAME" netns "$pod"
ip -n "$pod" link set "$CNI_IFNAME" up
ip -n "$pod" addr add 10.244.0.$n/32 dev "$CNI_IFNAME"
ip -n "$pod" -6 addr add fd00:10:244::$n/128 dev "$CNI_IFNAME" nodad
ip -n "$pod" route add default dev "$CNI_IFNAME"
ip addr replace 10.244.255.1/32 dev lo
ip link set "t$n" up
ip route add 10.244.0.$n/32 dev "t$n" src 10.244.255.1
cat <<END
{"cniVersion":"1.1.0","interfaces":[{"name":"$CNI_IFNAME","sandbox":"$CNI_NETNS"}],
"ips":[{"address":"10.244.0.$n/32","interface":0},{"address":"fd00:10:244::$n/128","interface":0}]}
END
`;
  const file = join(plugins, 'test-plugin');
  writeFileSync(file, script);
  chmodSync(file, 0o755);
  return plugins;
}
