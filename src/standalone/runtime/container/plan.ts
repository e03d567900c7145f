import { FairleadError } from '../../../base/errors.ts';
import type { Credentials } from './credentials.ts';

/** One step of building a container's file system; `native/pod-launcher/plan.c` is the other end. */
export type RootOperation =
  | { readonly do: 'hide'; readonly path: string; readonly mode: string }
  | {
      readonly do: 'bind';
      readonly source: string;
      /** A path below `source` that may not lead out of it; made as a directory when it is missing. */
      readonly inside?: string;
      readonly target: string;
      readonly readOnly: boolean;
    }
  | { readonly do: 'tmpfs'; readonly target: string; readonly options: string }
  | { readonly do: 'proc' | 'dev'; readonly target: string }
  | { readonly do: 'sysfs'; readonly target: string; readonly readOnly: boolean }
  | { readonly do: 'read-only'; readonly path: string };

/** What every process of a container has: its first one, and those that `exec` adds. */
export interface ProcessPlan {
  readonly arguments: readonly string[];
  readonly environment: ReadonlyMap<string, string>;
  readonly workingDirectory: string;
  readonly credentials: Pick<Credentials, 'uid' | 'gid' | 'groups' | 'capabilities' | 'noNewPrivileges'>;
  readonly tty: boolean;
  /** Absolute, below the cgroup v2 mount. */
  readonly cgroup: string;
}

export interface ContainerPlan extends ProcessPlan {
  readonly networkNamespace: string;
  readonly hostname: string;
  readonly stdin: 'closed' | 'once' | 'open';
  readonly readOnlyRoot: boolean;
  /** An empty directory to build the root on, in the container's own mount namespace. */
  readonly stage: string;
  readonly layerBytes: number;
  readonly operations: readonly RootOperation[];
  readonly log: { readonly path: string; readonly bytes: number; readonly files: number };
  readonly pidRecord: string;
  readonly exitRecord: string;
  readonly attachSocket: string | undefined;
  /** A process whose process namespace it joins. */
  readonly beside?: { readonly pid: number; readonly startTime: number };
}

/** A process to add to a running container. */
export interface ExecRequest {
  readonly arguments: readonly string[];
  readonly tty: boolean;
  /** The container's first process. */
  readonly enter: { readonly pid: number; readonly startTime: number };
}

export function encodeContainerPlan(plan: ContainerPlan): Buffer {
  const words = processWords(plan);
  words.push('netns', plan.networkNamespace, 'hostname', plan.hostname, 'stage', plan.stage);
  words.push('layer-bytes', String(plan.layerBytes));
  words.push('log', plan.log.path, 'log-bytes', String(plan.log.bytes), 'log-files', String(plan.log.files));
  words.push('pid-record', plan.pidRecord, 'exit-record', plan.exitRecord);
  if (plan.attachSocket !== undefined) words.push('attach-socket', plan.attachSocket);
  if (plan.beside !== undefined) words.push('enter', String(plan.beside.pid), String(plan.beside.startTime));
  if (plan.stdin !== 'closed') words.push('stdin');
  if (plan.stdin === 'once') words.push('stdin-once');
  if (plan.readOnlyRoot) words.push('read-only-root');
  for (const operation of plan.operations) words.push(...operationWords(operation));
  return encode(words);
}

/** The plan of an added process: user, environment and directory are those that the container was started with. */
export function encodeExecPlan(containerPlan: Buffer, request: ExecRequest): Buffer {
  const words = inheritedWords(containerPlan.toString('utf8').split('\0'));
  if (request.tty && !words.some(word => word.startsWith('TERM='))) words.push('env', 'TERM=xterm');
  if (request.tty) words.push('tty');
  for (const argument of request.arguments) words.push('arg', argument);
  words.push('enter', String(request.enter.pid), String(request.enter.startTime));
  return encode(words);
}

/** What a container's plan begins with, but for its own program: `processWords` in reverse. */
function inheritedWords(words: readonly string[]): string[] {
  const kept: string[] = [];
  for (let at = 0; at < words.length;) {
    const keyword = words[at] ?? '';
    const values = Object.hasOwn(PROCESS_KEYWORDS, keyword) ? PROCESS_KEYWORDS[keyword] : undefined;
    if (values === undefined) break;
    if (keyword !== 'arg' && keyword !== 'tty') kept.push(...words.slice(at, at + 1 + values));
    at += 1 + values;
  }
  return kept;
}

/** Keywords of `processWords`, with the number of their values. */
const PROCESS_KEYWORDS: Readonly<Record<string, number>> = {
  cwd: 1,
  cgroup: 1,
  uid: 1,
  gid: 1,
  group: 1,
  capability: 1,
  'no-new-privileges': 0,
  tty: 0,
  arg: 1,
  env: 1,
};

function processWords(plan: ProcessPlan): string[] {
  const { credentials } = plan;
  const words = ['cwd', plan.workingDirectory, 'cgroup', plan.cgroup];
  words.push('uid', String(credentials.uid), 'gid', String(credentials.gid));
  for (const group of credentials.groups) words.push('group', String(group));
  for (const capability of credentials.capabilities) words.push('capability', String(capability));
  if (credentials.noNewPrivileges) words.push('no-new-privileges');
  if (plan.tty) words.push('tty');
  for (const argument of plan.arguments) words.push('arg', argument);
  for (const [name, value] of plan.environment) words.push('env', `${name}=${value}`);
  return words;
}

function operationWords(operation: RootOperation): readonly string[] {
  const access = (readOnly: boolean) => (readOnly ? 'ro' : 'rw');
  switch (operation.do) {
    case 'hide':
      return ['hide', operation.path, operation.mode];
    case 'bind':
      return ['bind', operation.source, operation.inside ?? '', operation.target, access(operation.readOnly)];
    case 'tmpfs':
      return ['tmpfs', operation.target, operation.options];
    case 'proc':
    case 'dev':
      return [operation.do, operation.target];
    case 'sysfs':
      return ['sysfs', operation.target, access(operation.readOnly)];
    case 'read-only':
      return ['read-only', operation.path];
  }
}

function encode(words: readonly string[]): Buffer {
  const broken = words.find(word => word.includes('\0'));
  if (broken !== undefined) {
    throw new FairleadError(
      'runtime/zero-byte',
      `A value of the container holds a zero byte, which no program can be given: ${JSON.stringify(broken.slice(0, 80))}`,
    );
  }
  return Buffer.from([...words, 'end', ''].join('\0'));
}
