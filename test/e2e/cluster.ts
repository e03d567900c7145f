import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ClusterStatus } from '../../src/cli/read-status.ts';
import { createClient, type KubeClient } from '../../src/kube/client.ts';
import { loadKubeconfig } from '../../src/kube/kubeconfig.ts';
import { clusterFiles } from '../../src/standalone/cluster.ts';

export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly input?: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** Ends the program with SIGKILL after this time. */
  readonly killAfterMilliseconds?: number;
}

const longestKubectlMilliseconds = 60_000;
const launcher = resolve(import.meta.dirname, '..', '..', 'fairlead');

/** Runs the product as a user does. */
export const fairlead = (words: readonly string[], options: RunOptions = {}): Promise<Outcome> =>
  run(launcher, words, options);

/** A cluster of its own for a test file, brought up through the command line, and taken down with the test. */
export interface TestCluster extends AsyncDisposable {
  readonly name: string;
  readonly client: KubeClient;
  /** `fairlead WORDS --name NAME`, which has to succeed; returns its standard output. */
  fairlead(...words: readonly string[]): Promise<string>;
  status(): Promise<ClusterStatus>;
  /** kubectl with the cluster's kubeconfig, which has to succeed; returns its standard output. */
  kubectl(words: readonly string[], options?: RunOptions): Promise<string>;
  kubectlOutcome(words: readonly string[], options?: RunOptions): Promise<Outcome>;
}

export async function startCluster(name: string, ...words: readonly string[]): Promise<TestCluster> {
  const own = async (...all: readonly string[]) => succeeded(await fairlead([...all, '--name', name]), all);
  await own('down');
  try {
    await own('up', ...words);
  } catch (error) {
    await own('down');
    throw error;
  }
  const kubeconfig = clusterFiles.kubeconfig(name, 'admin');
  const client = createClient(loadKubeconfig(kubeconfig));
  const kubectlOutcome = (all: readonly string[], options: RunOptions = {}) =>
    run('kubectl', all, {
      killAfterMilliseconds: longestKubectlMilliseconds,
      ...options,
      environment: { KUBECONFIG: kubeconfig, ...options.environment },
    });
  return {
    name,
    client,
    fairlead: own,
    status: async () =>
      JSON.parse((await fairlead(['status', '-o', 'json', '--name', name])).stdout) as ClusterStatus,
    kubectlOutcome,
    kubectl: async (all, options) => succeeded(await kubectlOutcome(all, options), ['kubectl', ...all]),
    [Symbol.asyncDispose]: async () => {
      client.close();
      await own('down');
    },
  };
}

function succeeded(outcome: Outcome, words: readonly string[]): string {
  if (outcome.code === 0) return outcome.stdout;
  throw new Error(
    `${words.join(' ')} ended with ${outcome.code ?? 'a signal'}\n${outcome.stdout}${outcome.stderr}`,
  );
}

function run(command: string, words: readonly string[], options: RunOptions): Promise<Outcome> {
  return new Promise((resolved, rejected) => {
    const child = spawn(command, words, {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, ...options.environment },
    });
    const [stdout, stderr]: [Buffer[], Buffer[]] = [[], []];
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
    child.stdin.on('error', () => undefined); // it may end before it has read everything
    child.stdin.end(options.input ?? '');
    const timer =
      options.killAfterMilliseconds === undefined
        ? undefined
        : setTimeout(() => child.kill('SIGKILL'), options.killAfterMilliseconds);
    child.once('error', rejected);
    child.once('close', code => {
      clearTimeout(timer);
      resolved({ code, stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString() });
    });
  });
}

/** The one reason for which a test of kubectl may be skipped; false where kubectl is there. */
export const withoutKubectl: string | false =
  spawnSync('kubectl', ['version', '--client'], { stdio: 'ignore' }).status === 0
    ? false
    : 'kubectl is not on the PATH';

/** Looks again until `check` returns something, and fails with what it saw last when that takes too long. */
export async function eventually<T>(
  what: string,
  check: () => Promise<T | undefined> | T | undefined,
  milliseconds = 20_000,
): Promise<T> {
  const deadline = performance.now() + milliseconds;
  let last: unknown = 'nothing';
  while (true) {
    try {
      const found = await check();
      if (found !== undefined) return found;
    } catch (error) {
      last = error;
    }
    if (performance.now() > deadline)
      throw new Error(`${what}: not within ${milliseconds} ms; last: ${String(last)}`);
    await sleep(50);
  }
}

/** Command lines of all processes of the machine, by pid. */
export function commandLineOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
  } catch {
    return ''; // it ended
  }
}
