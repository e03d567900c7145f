import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { systemClock } from '../../src/base/clock.ts';
import type { AgentPaths } from '../../src/agent/index.ts';
import type { AgentStatus } from '../../src/agent/status.ts';
import { addressAt, formatAddress, formatPrefix, parsePrefix, subnetAt } from '../../src/base/ip.ts';
import { defaults } from '../../src/kernel/contract.ts';
import { createNamespace, deleteNamespace, spawnIn } from '../../src/kernel/ns/index.ts';
import { RouteSocket } from '../../src/kernel/netlink/index.ts';
import { setSysctl } from '../../src/kernel/sysctl/index.ts';
import type { Node } from '../../src/kube/types/node.ts';
import type { Pod } from '../../src/kube/types/pod.ts';
import { testName } from './kernel-fixture.ts';
import type { TestEnd } from './kernel-fixture.ts';
import type { AgentPlan, Instruction, Report } from './pods-agent-process.ts';

export const pluginDirectory = resolve(import.meta.dirname, '..', '..', 'build', 'native');
const agentProgram = join(import.meta.dirname, 'pods-agent-process.ts');

export interface TestPod {
  readonly name: string;
  readonly node: TestNode;
  readonly containerId: string;
  /** The path of its network namespace. */
  readonly namespace: string;
  readonly addresses: readonly string[];
  readonly result: string;
}

/** One entry of CNI's `portMappings`. */
export interface PortMapping {
  readonly hostPort: number;
  readonly containerPort: number;
  readonly protocol: string;
  readonly hostIP?: string;
}

export interface PluginOutcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly milliseconds: number;
}

export interface ClusterPlan {
  /** The link of each node. */
  readonly links: readonly (1 | 2)[];
  /** Which families the nodes have on their links; pods have both. */
  readonly nodeFamilies?: readonly (4 | 6)[];
}

/** Nodes on one or two links of a fabric with a router between, and a host outside on the first; no API server. */
export class TestCluster {
  readonly nodes: readonly TestNode[];
  readonly world: string;
  readonly directory: string;
  readonly #objects: Node[] = [];
  readonly #undos: (() => Promise<void> | void)[] = [];

  constructor(context: TestEnd, plan: ClusterPlan) {
    context.after(() => this.#undoAll());
    this.directory = mkdtempSync(join(tmpdir(), 'fairlead-test-pods-'));
    this.undo(() => rmSync(this.directory, { recursive: true, force: true }));
    const namespace = (part: string) => this.namespace(part);
    const fabric = namespace('fabric');
    raiseFabric(fabric);
    this.world = namespace('world');
    connect(fabric, this.world, 'world', 1, defaults.world);
    this.nodes = plan.links.map((link, index) => {
      const name = `node-${index + 1}`;
      const path = namespace(name);
      const addresses = defaults.links[link].prefixes
        .map(text => formatAddress(addressAt(prefix(text), BigInt(index + 1))))
        .filter(text => (plan.nodeFamilies ?? [4, 6]).includes(text.includes(':') ? 6 : 4));
      connect(fabric, path, name, link, addresses);
      const podPrefixes = defaults.podPrefixes.map((text, family) =>
        formatPrefix(subnetAt(prefix(text), family === 0 ? 24 : 64, BigInt(index))),
      );
      this.#objects.push(nodeObject(name, addresses, podPrefixes));
      return new TestNode(this, name, path, addresses, podPrefixes);
    });
  }

  /** Done when the test ends, the last first. */
  undo(step: () => Promise<void> | void): void {
    this.#undos.push(step);
  }

  async #undoAll(): Promise<void> {
    for (const step of this.#undos.toReversed()) await step();
  }

  namespace(part: string): string {
    this.undo(() => deleteNamespace(testName(part)));
    const path = createNamespace(testName(part));
    // The links' own link-local addresses are usable at once, or the first second of a test would be spent on them.
    setSysctl(path, 'net.ipv6.conf.default.accept_dad', 0);
    return path;
  }

  get objects(): readonly Node[] {
    return this.#objects;
  }

  async startAgents(): Promise<void> {
    await Promise.all(this.nodes.map(node => node.startAgent()));
  }
}

export class TestNode {
  readonly name: string;
  readonly namespace: string;
  readonly addresses: readonly string[];
  readonly podPrefixes: readonly string[];
  readonly paths: AgentPaths;
  readonly log: string;
  readonly #cluster: TestCluster;
  readonly #pods: Pod[] = [];
  #agent: ChildProcess | undefined;
  #sandboxes = 0;

  constructor(
    cluster: TestCluster,
    name: string,
    namespace: string,
    addresses: readonly string[],
    podPrefixes: readonly string[],
  ) {
    this.#cluster = cluster;
    this.name = name;
    this.namespace = namespace;
    this.addresses = addresses;
    this.podPrefixes = podPrefixes;
    const run = join(cluster.directory, name);
    this.log = join(cluster.directory, `${name}.log`);
    this.paths = {
      state: join(run, 'state'),
      run,
      cniSocket: join(run, 'cni.sock'),
      cniReleaseQueue: join(run, 'state', 'releases'),
      cniConfigDirectory: join(run, 'net.d'),
      cniPluginDirectory: pluginDirectory,
    };
    cluster.undo(() => this.killAgent());
  }

  /** Resolves when pods can be attached. `objects` default to all of the cluster's nodes. */
  async startAgent(
    objects: readonly Node[] = this.#cluster.objects,
    until: Report['said'] = 'ready',
    options: Partial<Pick<AgentPlan, 'closedGate' | 'addMilliseconds'>> = {},
  ): Promise<void> {
    const plan: AgentPlan = {
      cluster: 'test',
      node: this.name,
      paths: this.paths,
      podPrefixes: [],
      closedGate: false,
      ...options,
    };
    const out = openSync(this.log, 'a');
    const agent = spawnIn(this.namespace, process.execPath, [agentProgram, JSON.stringify(plan)], {
      stdio: ['ignore', out, out, 'ipc'],
    });
    closeSync(out);
    this.#agent = agent;
    const said = new Promise<void>((resolve, reject) => {
      agent.on('message', message => {
        if ((message as Report).said === until) resolve();
      });
      agent.once('exit', code => reject(new Error(`the agent ended with ${code}:\n${this.readLog()}`)));
    });
    agent.send({ nodes: objects, pods: this.#pods } satisfies Instruction);
    await within(30_000, said, () => `the agent of ${this.name} is not ${until}:\n${this.readLog()}`);
  }

  readLog(): string {
    return readFileSync(this.log, 'utf8');
  }

  /** Tells the agent's API server. */
  async tell(instruction: Instruction): Promise<void> {
    const agent = this.#agent;
    assert.ok(agent, `the agent of ${this.name} runs`);
    const done = new Promise<void>(resolve => {
      const listen = (message: unknown) => {
        if ((message as Report).said !== 'done') return;
        agent.off('message', listen);
        resolve();
      };
      agent.on('message', listen);
    });
    agent.send(instruction);
    await done;
  }

  async killAgent(): Promise<void> {
    const agent = this.#agent;
    this.#agent = undefined;
    if (agent === undefined || agent.exitCode !== null || agent.signalCode !== null) return;
    const exited = once(agent, 'exit');
    agent.kill('SIGKILL');
    await exited;
  }

  /** Stops (SIGSTOP) and continues the agent: it hangs in between. */
  signalAgent(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#agent?.kill(signal);
  }

  /** A network namespace for a pod, on the node by the API's account. */
  async sandbox(name: string): Promise<{ namespace: string; containerId: string; pod: Pod }> {
    const part = `${this.name}-${name}-${++this.#sandboxes}`;
    const pod = podObject(name, this.name);
    this.#pods.push(pod);
    if (this.#agent !== undefined) await this.tell({ pods: [pod] });
    return { namespace: this.#cluster.namespace(part), containerId: `c-${part}`, pod };
  }

  async addPod(name: string, portMappings: readonly PortMapping[] = []): Promise<TestPod> {
    const { namespace, containerId, pod } = await this.sandbox(name);
    const stdin = JSON.stringify(this.configuration({ runtimeConfig: { portMappings } }));
    const outcome = await this.plugin({ command: 'ADD', containerId, namespace, pod, stdin });
    assert.equal(outcome.code, 0, `ADD succeeds: ${outcome.stdout}${outcome.stderr}`);
    const result = JSON.parse(outcome.stdout) as { ips: { address: string }[] };
    const addresses = result.ips.map(ip => ip.address.split('/')[0] ?? '');
    return { name, node: this, containerId, namespace, addresses, result: outcome.stdout };
  }

  configuration(extra: object = {}): object {
    return {
      cniVersion: '1.1.0',
      name: 'fairlead',
      type: 'fairlead-cni',
      socket: this.paths.cniSocket,
      releaseQueue: this.paths.cniReleaseQueue,
      ...extra,
    };
  }

  /** Runs the plugin as a runtime does. `environment` comes last: undefined removes a variable. */
  async plugin(call: {
    readonly command: string;
    readonly containerId?: string;
    readonly namespace?: string;
    readonly pod?: Pod;
    readonly stdin?: string;
    readonly environment?: Readonly<Record<string, string | undefined>>;
    /** Default: the plugin as it is shipped. */
    readonly program?: string;
  }): Promise<PluginOutcome> {
    const { containerId, namespace, pod } = call;
    const started = performance.now();
    const variables: Record<string, string | undefined> = {
      CNI_COMMAND: call.command,
      CNI_PATH: pluginDirectory,
      CNI_CONTAINERID: containerId,
      CNI_NETNS: namespace,
      CNI_IFNAME: 'eth0',
      CNI_ARGS: pod === undefined ? undefined : argumentsOf(pod),
      ...call.environment,
    };
    const child = spawnIn(this.namespace, call.program ?? join(pluginDirectory, 'fairlead-cni'), [], {
      env: Object.fromEntries(Object.entries(variables).filter(([, value]) => value !== undefined)),
    });
    child.stdin?.on('error', () => undefined); // the plugin may refuse before it has read everything
    child.stdin?.end(call.stdin ?? JSON.stringify(this.configuration()));
    let stdout = '';
    let stderr = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    const [code] = (await once(child, 'close')) as [number];
    return { code, stdout, stderr, milliseconds: performance.now() - started };
  }

  async status(): Promise<AgentStatus> {
    return JSON.parse(await this.ask('/status')) as AgentStatus;
  }

  /** What the agent answers on its status socket. */
  ask(path: string): Promise<string> {
    return new Promise((resolve, reject) => {
      request({ socketPath: join(this.paths.run, 'agent.sock'), path }, response => {
        let body = '';
        response.setEncoding('utf8').on('data', (text: string) => (body += text));
        response.on('end', () => resolve(body));
      })
        .on('error', reject)
        .end();
    });
  }
}

export function nodeObject(name: string, addresses: readonly string[], podPrefixes: readonly string[]): Node {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name },
    spec: { podCIDRs: podPrefixes },
    status: { addresses: addresses.map(address => ({ type: 'InternalIP', address })) },
  };
}

export function podObject(name: string, nodeName: string): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default' },
    spec: { nodeName, containers: [{ name: 'main', image: 'echo' }] },
  };
}

/** Without the uid, which the agent's API server gives. */
export function argumentsOf(pod: Pod): string {
  const { name, namespace } = pod.metadata;
  return `IgnoreUnknown=1;K8S_POD_NAMESPACE=${namespace};K8S_POD_NAME=${name}`;
}

/** Waits for a condition with a deadline; the condition's own failure is told when it is missed. */
export async function eventually(
  condition: () => Promise<void> | void,
  milliseconds = 20_000,
): Promise<void> {
  const deadline = systemClock.now() + milliseconds;
  for (;;) {
    try {
      await condition();
      return;
    } catch (error) {
      if (systemClock.now() > deadline) throw error;
    }
    await systemClock.sleep(20);
  }
}

export async function within<T>(milliseconds: number, promise: Promise<T>, reason: () => string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(reason())), milliseconds);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

function raiseFabric(path: string): void {
  using socket = RouteSocket.open(path);
  for (const link of [1, 2] as const) {
    const name = `link${link}`;
    socket.apply([
      { do: 'link-add', kind: 'bridge', name, forwardDelay: 0, multicastSnooping: false, up: true },
    ]);
    for (const [index, gateway] of defaults.links[link].gateways.entries()) {
      const length = defaults.links[link].prefixes[index]?.split('/')[1];
      socket.apply([{ do: 'address-add', dev: name, address: `${gateway}/${length}`, nodad: true }]);
    }
  }
  setSysctl(path, 'net.ipv4.ip_forward', 1);
  setSysctl(path, 'net.ipv6.conf.all.forwarding', 1);
}

/** Puts a namespace on a link, with a default route to the link's gateway. */
function connect(
  fabric: string,
  path: string,
  port: string,
  link: 1 | 2,
  addresses: readonly string[],
): void {
  using inside = RouteSocket.open(path);
  using outside = RouteSocket.open(fabric);
  outside.apply([
    {
      do: 'link-add',
      kind: 'veth',
      name: port,
      master: `link${link}`,
      peer: { name: 'eth0', namespace: path },
    },
    { do: 'link-set', dev: port, up: true },
  ]);
  inside.apply([{ do: 'link-set', dev: 'eth0', up: true }]);
  for (const address of addresses) {
    const length = address.includes(':') ? 64 : 16;
    inside.apply([{ do: 'address-add', dev: 'eth0', address: `${address}/${length}`, nodad: true }]);
    const via = defaults.links[link].gateways[address.includes(':') ? 1 : 0] ?? '';
    inside.apply([
      {
        do: 'route-replace',
        dst: address.includes(':') ? '::/0' : '0.0.0.0/0',
        via,
        dev: 'eth0',
        protocol: 4,
      },
    ]);
  }
}

function prefix(text: string) {
  const parsed = parsePrefix(text);
  assert.ok(parsed, `${text} is a prefix`);
  return parsed;
}
