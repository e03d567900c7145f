import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import type { Clock } from '../../../base/clock.ts';
import { FairleadError } from '../../../base/errors.ts';
import { addToCgroup, cgroupProcesses } from '../../../kernel/cgroup/index.ts';
import { bindUdpIn, listenIn, spawnIn } from '../../../kernel/ns/index.ts';
import { identify, isRunning, type ProcessIdentity } from '../../../kernel/process/index.ts';
import type { HeldSocket, ProcessSpec } from './process-spec.ts';
import type { ProcessHost, Running } from './supervisor.ts';

/** An adopted process is not our child, so its end is noticed by looking. */
const adoptedPollMilliseconds = 250;

/**
 * Processes of this machine: born in their network namespace, in their cgroup before they do anything, their output
 * appended to their log file (a file and not a pipe: they outlive the supervisor).
 */
export function createProcessHost(clock: Clock, environment: NodeJS.ProcessEnv): ProcessHost {
  const held = new Map<string, readonly number[]>();
  return {
    start: spec => {
      const sockets = held.get(spec.name) ?? openSockets(spec);
      held.set(spec.name, sockets);
      return started(spec, environment, sockets);
    },
    adopt: (spec, recorded) => {
      const identity = recorded !== undefined && isRunning(recorded) ? recorded : foundByCommand(spec);
      return identity === undefined ? undefined : adopted(identity, clock);
    },
  };
}

/** Opened once, and given to every process that is started for the specification. */
function openSockets({ sockets = [], namespace }: ProcessSpec): readonly number[] {
  if (namespace === undefined) return [];
  // The process itself gives the namespace these addresses.
  const open = ({ type, host, port }: HeldSocket) => {
    const place = { host, port, freeBind: true };
    return type === 'stream' ? listenIn(namespace, place) : bindUdpIn(namespace, place);
  };
  const opened: number[] = [];
  try {
    for (const socket of sockets) opened.push(open(socket));
  } catch (error) {
    for (const fd of opened) closeSync(fd);
    throw error;
  }
  return opened;
}

function started(spec: ProcessSpec, environment: NodeJS.ProcessEnv, sockets: readonly number[]): Running {
  const output = openSync(spec.log, 'a', 0o600);
  let child: ChildProcess;
  try {
    const options: SpawnOptions = {
      stdio: ['ignore', output, output, ...sockets],
      env: environment,
      cwd: '/',
    };
    child =
      spec.namespace === undefined
        ? spawn(spec.command, spec.arguments, options)
        : spawnIn(spec.namespace, spec.command, spec.arguments, options);
  } finally {
    closeSync(output);
  }
  const ended = endOf(child);
  const identity = child.pid === undefined ? undefined : identify(child.pid);
  if (child.pid === undefined || identity === undefined) {
    throw new FairleadError('process/not-started', `${spec.command} could not be started.`);
  }
  try {
    addToCgroup(spec.cgroup, child.pid);
  } catch (error) {
    child.kill('SIGKILL'); // nobody would find it again
    throw error;
  }
  return { identity, ended, signal: name => void child.kill(name) };
}

/** Its cgroup and command line tell a process whose supervisor ended before it wrote the identity down. */
function foundByCommand(spec: ProcessSpec): ProcessIdentity | undefined {
  const words = [spec.command, ...spec.arguments].join('\0');
  const pid = cgroupProcesses(spec.cgroup).find(candidate => commandLineOf(candidate) === `${words}\0`);
  return pid === undefined ? undefined : identify(pid);
}

function commandLineOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return ''; // it ended meanwhile
  }
}

function endOf(child: ChildProcess): Promise<string> {
  return new Promise(resolve => {
    child.once('error', error => resolve(error.message));
    child.once('exit', (code, signal) => resolve(signal === null ? `exit code ${code}` : `signal ${signal}`));
  });
}

function adopted(identity: ProcessIdentity, clock: Clock): Running {
  return {
    identity,
    ended: untilEnded(identity, clock),
    signal: name => {
      if (isRunning(identity)) process.kill(identity.pid, name);
    },
  };
}

async function untilEnded(identity: ProcessIdentity, clock: Clock): Promise<string> {
  while (isRunning(identity)) await clock.sleep(adoptedPollMilliseconds);
  return 'ended while it was adopted';
}
