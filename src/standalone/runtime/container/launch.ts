import { spawn } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FairleadError, sentenceOf } from '../../../base/errors.ts';
import { createCgroup } from '../../../kernel/cgroup/index.ts';
import type { ProcessIdentity } from '../../../kernel/process/index.ts';
import { cgroups } from '../../../kernel/contract.ts';
import type { Container, Pod } from '../../../kube/types/core.ts';
import { commandLineOf, type Image } from '../../images/index.ts';
import type { NodeContext } from '../context.ts';
import { hostnameIn, sandboxFile } from '../sandbox/sandbox.ts';
import type { Sandbox } from '../pod/observed.ts';
import { volumeMounts, type VolumePlaces } from '../volumes/pod-volumes.ts';
import { credentialsOf } from './credentials.ts';
import { containerEnvironment } from './environment.ts';
import { expand } from './expand.ts';
import type { PodFacts } from './field-reference.ts';
import { containerId, type ContainerIdentity } from './identity.ts';
import { encodeContainerPlan, type ContainerPlan } from './plan.ts';
import { rootOperations } from './root.ts';

export interface LaunchInput {
  readonly context: NodeContext;
  readonly pod: Pod;
  readonly container: Container;
  readonly identity: ContainerIdentity;
  readonly image: Image;
  readonly sandbox: Sandbox;
  /** A process whose process namespace it joins, instead of one of its own. */
  readonly beside?: ProcessIdentity;
}

/** As kubelets keep logs: 10 MiB a file; here with one older file. */
const LOG = { bytes: 10 << 20, files: 2 };

/** What a container may write outside of its volumes; it is memory. */
const LAYER_BYTES = 256 << 20;

/**
 * Starts a container's launcher and returns; its records tell the rest. Throws a FairleadError for what is wrong with
 * the container as it is written: `runtime/config-…` codes do not matter to the caller, the sentence does.
 */
export function launchContainer(input: LaunchInput, exited: () => void): void {
  const { context, identity } = input;
  const plan = containerPlan(input);
  const file = context.files.plan(context.node.name, identity);
  createCgroup(cgroupOf(context, identity));
  const id = containerId(identity);
  rmSync(context.files.pidRecord(id), { force: true });
  rmSync(context.files.exitRecord(id), { force: true });
  writeFileSync(file, encodeContainerPlan(plan), { mode: 0o600 });
  // Detached and without our streams: it lives on when this process ends.
  const child = spawn(context.launcher, ['run', file], {
    detached: true,
    stdio: 'ignore',
    cwd: '/',
    env: {},
  });
  child.once('error', exited);
  child.once('exit', exited);
  child.unref();
}

export function factsOf(context: NodeContext, pod: Pod, podAddresses: readonly string[]): PodFacts {
  return {
    pod,
    podAddresses,
    hostAddresses: context.node.addresses,
    nodeName: context.node.name,
    allocatable: context.allocatable,
  };
}

export function volumePlaces({ files, node }: NodeContext, podUid: string): VolumePlaces {
  return { pod: files.pod(node.name, podUid), node: files.ofNode(node.name), claims: files.claims };
}

export function cgroupOf(context: NodeContext, identity: ContainerIdentity): string {
  return cgroups.container(context.cluster.name, context.node.name, identity.podUid, identity.container);
}

function containerPlan(input: LaunchInput): ContainerPlan {
  const { context, pod, container, identity, image, sandbox } = input;
  const { files, node } = context;
  const id = containerId(identity);
  const hostname = hostnameIn(context, pod);
  const credentials = credentialsOf(pod, container, image.user);
  const environment = containerEnvironment({
    facts: factsOf(context, pod, sandbox.addresses),
    container,
    imageEnvironment: image.environment,
    hostname,
    objects: context.objects,
  });
  const message = prepareFiles(context, identity);
  const messagePath = container.terminationMessagePath ?? '/dev/termination-log';
  return {
    arguments: programOf(image, container, environment),
    environment:
      container.tty === true && !environment.has('TERM')
        ? new Map([...environment, ['TERM', 'xterm']])
        : environment,
    workingDirectory: container.workingDir ?? image.workingDirectory,
    credentials,
    tty: container.tty === true,
    cgroup: join(context.cgroupMount, cgroupOf(context, identity)),
    networkNamespace: sandbox.networkNamespace,
    hostname,
    stdin: container.stdin === true ? (container.stdinOnce === true ? 'once' : 'open') : 'closed',
    readOnlyRoot: credentials.readOnlyRoot,
    stage: files.stage,
    layerBytes: LAYER_BYTES,
    operations: rootOperations({
      credentials,
      hostFileSystems: context.hostFileSystems,
      launcher: context.launcher,
      node: context.nodeProgram,
      programs: files.programs,
      files: new Map([
        ['/etc/hosts', { source: sandboxFile(context, identity.podUid, 'hosts'), readOnly: false }],
        ['/etc/hostname', { source: sandboxFile(context, identity.podUid, 'hostname'), readOnly: false }],
        [
          '/etc/resolv.conf',
          { source: sandboxFile(context, identity.podUid, 'resolv.conf'), readOnly: false },
        ],
        [messagePath, { source: message, readOnly: false }],
      ]),
      volumes: volumeMounts(
        pod,
        container,
        volumePlaces(context, identity.podUid),
        context.objects,
        environment,
      ),
    }),
    log: { path: files.log(node.name, identity), ...LOG },
    pidRecord: files.pidRecord(id),
    exitRecord: files.exitRecord(id),
    attachSocket: files.attachSocket(id),
    ...(input.beside === undefined ? {} : { beside: input.beside }),
  };
}

function programOf(
  image: Image,
  container: Container,
  environment: ReadonlyMap<string, string>,
): readonly string[] {
  const fill = (words: readonly string[] | undefined) =>
    words?.map(word => expand(word, name => environment.get(name)));
  const line = commandLineOf(image, fill(container.command), fill(container.args));
  if (line.kind === 'run') return line.arguments;
  throw new FairleadError('runtime/refused', line.message, { field: 'command' });
}

function prepareFiles(context: NodeContext, identity: ContainerIdentity): string {
  const { files, node } = context;
  mkdirSync(files.container(node.name, identity.podUid, identity.container), {
    recursive: true,
    mode: 0o755,
  });
  const message = files.terminationMessage(node.name, identity);
  try {
    writeFileSync(message, '', { mode: 0o666, flag: 'w' });
  } catch (cause) {
    throw new FairleadError(
      'runtime/state',
      `the container's files cannot be written: ${sentenceOf(cause)}`,
      { cause },
    );
  }
  return message;
}
