import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { createClient } from '../../src/kube/client.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import { loadKubeconfig } from '../../src/kube/kubeconfig.ts';

/** An API server in a process of its own, on loopback. */
export interface ApiProcess extends AsyncDisposable {
  readonly pid: number;
  readonly kubeconfig: string;
  readonly port: number;
  readonly client: KubeClient;
  /** kill -9; resolves when the process is gone. */
  kill(): Promise<void>;
}

/** Starts `api-main.ts`; rejects with what it wrote if it ends before it serves. */
export async function startApiProcess(directory: string): Promise<ApiProcess> {
  const main = fileURLToPath(new URL('api-main.ts', import.meta.url));
  const child = spawn(process.execPath, [main, directory], { stdio: ['ignore', 'pipe', 'pipe'] });
  const errors: string[] = [];
  child.stderr.on('data', (chunk: Buffer) => errors.push(chunk.toString()));
  const line = await firstLine(child);
  if (line === undefined) throw new Error(errors.join(''));
  const { kubeconfig, port } = JSON.parse(line) as { kubeconfig: string; port: number };
  const client = createClient(loadKubeconfig(kubeconfig));
  return {
    pid: child.pid ?? 0,
    kubeconfig,
    port,
    client,
    kill: async () => {
      client.close();
      await end(child, 'SIGKILL');
    },
    [Symbol.asyncDispose]: async () => {
      client.close();
      await end(child, 'SIGTERM');
    },
  };
}

async function firstLine(child: ChildProcess): Promise<string | undefined> {
  if (child.stdout === null) return undefined;
  for await (const line of createInterface({ input: child.stdout })) return line;
  await once(child, 'close');
  return undefined;
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill(signal);
  await gone;
}
