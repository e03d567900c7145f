import type { Container, HTTPGetAction, LifecycleHandler, Pod, Probe } from '../../../kube/types/core.ts';
import type { IntOrString } from '../../../kube/types/scalars.ts';
import { programLineOf } from '../../images/index.ts';
import { execInContainer } from '../container/exec.ts';
import type { ContainerIdentity } from '../container/identity.ts';
import type { NodeContext } from '../context.ts';
import type { Run, Sandbox } from '../pod/observed.ts';
import { checkGrpc } from './check-grpc.ts';
import { checkHttp } from './check-http.ts';
import { checkTcp } from './check-tcp.ts';

export type Outcome = { readonly ok: true } | { readonly ok: false; readonly message: string };

/** Where probes and hooks act. */
export interface HandlerTarget {
  readonly context: NodeContext;
  readonly pod: Pod;
  readonly container: Container;
  readonly identity: ContainerIdentity;
  readonly run: Run & { readonly at: 'running' };
  readonly sandbox: Sandbox;
}

const OUTPUT_LIMIT = 10 << 10;

/** Does what a probe or hook asks for, once. Never throws: what goes wrong is the outcome. */
export async function runHandler(
  handler: Pick<Probe, 'grpc'> & LifecycleHandler,
  target: HandlerTarget,
  timeoutMilliseconds: number,
): Promise<Outcome> {
  try {
    if (handler.exec !== undefined)
      return await runCommand(handler.exec.command ?? [], target, timeoutMilliseconds);
    if (handler.httpGet !== undefined)
      return await checkHttp(httpTarget(handler.httpGet, target), timeoutMilliseconds);
    if (handler.tcpSocket !== undefined) {
      const { host, port } = handler.tcpSocket;
      return await checkTcp(place(target, host, port), timeoutMilliseconds);
    }
    if (handler.grpc !== undefined) {
      const { port, service = '' } = handler.grpc;
      return await checkGrpc({ ...place(target, undefined, port), service }, timeoutMilliseconds);
    }
    if (handler.sleep !== undefined) {
      await target.context.clock.sleep(Math.min(handler.sleep.seconds * 1000, timeoutMilliseconds));
    }
    return { ok: true };
  } catch (error) {
    return { ok: false, message: error instanceof Error ? error.message : String(error) };
  }
}

async function runCommand(
  command: readonly string[],
  target: HandlerTarget,
  timeout: number,
): Promise<Outcome> {
  const { context, identity, run, container } = target;
  const resolved = context.images.resolve(container.image ?? '');
  if (resolved.kind === 'refused') return { ok: false, message: resolved.message };
  const line = programLineOf(resolved.image, command);
  if (line.kind === 'refused') return { ok: false, message: line.message };
  const process = await execInContainer({
    launcher: context.launcher,
    planFile: context.files.plan(context.node.name, identity),
    arguments: line.arguments,
    tty: false,
    stdin: false,
    enter: run.record.program,
  });
  let output = '';
  for (const stream of [process.stdout, process.stderr]) {
    stream
      ?.setEncoding('utf8')
      .on('data', (text: string) => (output = (output + text).slice(0, OUTPUT_LIMIT)));
  }
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    process.kill();
  }, timeout);
  const result = await process.result;
  clearTimeout(timer);
  if (timedOut)
    return { ok: false, message: `command timed out: ${quote(command)} timed out after ${timeout / 1000}s` };
  if (result.kind === 'exited' && result.code === 0) return { ok: true };
  if (result.kind === 'failed') return { ok: false, message: result.message };
  const how = result.kind === 'exited' ? `exited with ${result.code}` : `ended by signal ${result.signal}`;
  return { ok: false, message: `command ${quote(command)} ${how}: ${output.trim()}` };
}

function quote(command: readonly string[]): string {
  return JSON.stringify(command.join(' '));
}

export interface Place {
  /** The network namespace to connect from. */
  readonly namespacePath: string;
  readonly host: string;
  readonly port: number;
}

function place(target: HandlerTarget, host: string | undefined, port: IntOrString): Place {
  const { context, sandbox, container } = target;
  return {
    namespacePath: context.namespacePath,
    host: host ?? sandbox.addresses[0] ?? '',
    port: portNumber(port, container),
  };
}

function httpTarget(action: HTTPGetAction, target: HandlerTarget) {
  return {
    ...place(target, action.host, action.port),
    path: action.path ?? '/',
    headers: action.httpHeaders ?? [],
    isTls: action.scheme === 'HTTPS',
  };
}

function portNumber(port: IntOrString, container: Container): number {
  if (typeof port === 'number') return port;
  const named = container.ports?.find(each => each.name === port)?.containerPort ?? Number(port);
  if (Number.isInteger(named) && named > 0 && named < 65_536) return named;
  throw new Error(`the container has no port named "${port}"`);
}
