import { FairleadError } from '../../base/errors.ts';
import type { AttachmentKey, HostPort, PodReference } from '../model.ts';
import { CniError, cniCodes } from './cni-error.ts';
import { portMappingsOf } from './port-mappings.ts';
import { parsePreviousResult } from './result.ts';
import type { CniResult } from './result.ts';
import { requireOperation, requireVersion } from './version.ts';
import type { CniVersion } from './version.ts';

/** One call of the plugin, checked: CNI specification 1.1.0, section 2. */
export type CniRequest =
  | {
      readonly command: 'ADD';
      readonly version: CniVersion;
      readonly key: AttachmentKey;
      /** The path of the pod's network namespace. */
      readonly sandbox: string;
      readonly pod: PodReference;
      readonly hostPorts: readonly HostPort[];
      readonly previous: CniResult | undefined;
    }
  | { readonly command: 'DEL'; readonly version: CniVersion; readonly key: AttachmentKey }
  | {
      readonly command: 'CHECK';
      readonly version: CniVersion;
      readonly key: AttachmentKey;
      readonly sandbox: string;
      readonly previous: CniResult;
    }
  | { readonly command: 'GC'; readonly version: CniVersion; readonly valid: readonly AttachmentKey[] }
  | { readonly command: 'STATUS'; readonly version: CniVersion };

export type Environment = Readonly<Record<string, string>>;

const needed: Readonly<Record<CniRequest['command'], readonly string[]>> = {
  ADD: ['CNI_CONTAINERID', 'CNI_NETNS', 'CNI_IFNAME'],
  DEL: ['CNI_CONTAINERID', 'CNI_IFNAME'],
  CHECK: ['CNI_CONTAINERID', 'CNI_NETNS', 'CNI_IFNAME'],
  GC: [],
  STATUS: [],
};

/** Throws CniError with the specification's code. The first problem wins, in the order: environment, input, version. */
export function parseRequest(environment: Environment, stdin: string): CniRequest {
  const command = commandOf(environment);
  const missing = needed[command].filter(name => (environment[name] ?? '') === '');
  if (missing.length > 0) throw badEnvironment(missing.join(', '), `${command} needs ${missing.join(', ')}`);
  const key = needed[command].length > 0 ? keyOf(environment) : undefined;
  const config = decode(stdin);
  requireNetworkName(config['name']);
  const version = requireVersion(config['cniVersion']);
  requireOperation(command, version);

  if (command === 'GC') return { command, version, valid: validAttachments(config) };
  if (command === 'STATUS' || key === undefined) return { command: 'STATUS', version };
  if (command === 'DEL') return { command, version, key };
  const sandbox = sandboxOf(environment['CNI_NETNS'] ?? '');
  const previous = config['prevResult'] === undefined ? undefined : parsePreviousResult(config['prevResult']);
  if (command === 'ADD') {
    const pod = podOf(environment['CNI_ARGS'] ?? '');
    return { command, version, key, sandbox, pod, hostPorts: portMappingsOf(config), previous };
  }
  if (previous === undefined)
    throw invalidConfig('prevResult', 'CHECK needs the result of ADD as prevResult');
  return { command, version, key, sandbox, previous };
}

/** The `cniVersion` that an answer carries even when the request is refused. */
export function versionFor(stdin: string, otherwise: string): string {
  try {
    const { cniVersion } = JSON.parse(stdin) as { cniVersion?: unknown };
    return typeof cniVersion === 'string' && /^\d{1,4}(\.\d{1,4}){2}$/.test(cniVersion)
      ? cniVersion
      : otherwise;
  } catch {
    // Not JSON, or null: the refusal itself tells so.
    return otherwise;
  }
}

function commandOf(environment: Environment): CniRequest['command'] {
  const command = environment['CNI_COMMAND'] ?? '';
  if (Object.hasOwn(needed, command)) return command as CniRequest['command'];
  throw badEnvironment('CNI_COMMAND', `the command "${command.slice(0, 32)}" is unknown`);
}

/** Identifiers as the specification limits them; the lengths are what an interface's alias can hold. */
function keyOf(environment: Environment): AttachmentKey {
  const containerId = environment['CNI_CONTAINERID'] ?? '';
  const interfaceName = environment['CNI_IFNAME'] ?? '';
  const problem = keyProblem(containerId, interfaceName);
  if (problem !== undefined) throw badEnvironment(problem.field, problem.sentence);
  return { containerId, interfaceName };
}

function keyProblem(
  containerId: string,
  interfaceName: string,
): { field: string; sentence: string } | undefined {
  if (!/^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/.test(containerId)) {
    const sentence =
      'the container ID has to start with a letter or digit and to have at most 128 of A-Z a-z 0-9 _ . -';
    return { field: 'CNI_CONTAINERID', sentence };
  }
  if (
    !/^[\x21-\x7e]{1,15}$/.test(interfaceName) ||
    /[/:]/.test(interfaceName) ||
    /^\.{1,2}$/.test(interfaceName)
  ) {
    const sentence = 'the interface name has to have 1 to 15 printable bytes without blank, slash and colon';
    return { field: 'CNI_IFNAME', sentence };
  }
  return undefined;
}

function sandboxOf(path: string): string {
  if (path.startsWith('/') && path.length <= 4096 && !path.includes('\0')) return path;
  throw badEnvironment('CNI_NETNS', 'the network namespace has to be an absolute path');
}

/** `CNI_ARGS` as Kubernetes' runtimes fill it; without the pod's name nothing can say who this is. */
function podOf(text: string): PodReference {
  const values = new Map<string, string>();
  for (const pair of text.split(';')) {
    if (pair === '') continue;
    const equals = pair.indexOf('=');
    if (equals <= 0) throw badEnvironment('CNI_ARGS', `"${pair.slice(0, 64)}" is not KEY=VALUE`);
    values.set(pair.slice(0, equals), pair.slice(equals + 1));
  }
  const namespace = values.get('K8S_POD_NAMESPACE') ?? '';
  const name = values.get('K8S_POD_NAME') ?? '';
  const uid = values.get('K8S_POD_UID') ?? '';
  const isName = (value: string, limit: number) =>
    value.length <= limit && /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/.test(value);
  if (!isName(namespace, 63) || !isName(name, 253) || !/^[A-Za-z0-9_.-]{0,64}$/.test(uid)) {
    throw badEnvironment('CNI_ARGS', 'CNI_ARGS has to name the pod by K8S_POD_NAMESPACE and K8S_POD_NAME');
  }
  return { namespace, name, uid };
}

function decode(stdin: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(stdin);
  } catch (cause) {
    throw new CniError(cniCodes.decode, 'decode', 'the network configuration on standard input is not JSON', {
      cause,
    });
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>;
  throw new CniError(
    cniCodes.decode,
    'decode',
    'the network configuration on standard input is not a JSON object',
  );
}

function requireNetworkName(name: unknown): void {
  if (typeof name === 'string' && /^[A-Za-z0-9][A-Za-z0-9_.-]{0,255}$/.test(name)) return;
  const sentence =
    typeof name === 'string' && name !== ''
      ? 'the name has to start with a letter or digit and to have only A-Z a-z 0-9 _ . -'
      : 'the network configuration has no name';
  throw invalidConfig('name', sentence);
}

/** Without the list, everything would count as garbage: then the request is refused. */
function validAttachments(config: Readonly<Record<string, unknown>>): readonly AttachmentKey[] {
  const field = 'cni.dev/valid-attachments';
  const list = config[field];
  if (!Array.isArray(list)) throw invalidConfig(field, 'GC needs the list of valid attachments');
  return list.map((entry: unknown, index) => {
    const { containerID, ifname } = (entry ?? {}) as { containerID?: unknown; ifname?: unknown };
    if (typeof containerID === 'string' && typeof ifname === 'string')
      return { containerId: containerID, interfaceName: ifname };
    throw invalidConfig(`${field}[${index}]`, 'an attachment has a containerID and an ifname');
  });
}

function badEnvironment(field: string, sentence: string): FairleadError {
  return new CniError(cniCodes.badEnvironment, 'environment', sentence, { field });
}

function invalidConfig(field: string, sentence: string): FairleadError {
  return new CniError(cniCodes.invalidConfig, 'config', sentence, { field });
}
