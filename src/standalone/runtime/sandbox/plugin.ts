import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { FairleadError, sentenceOf } from '../../../base/errors.ts';
import { spawnIn } from '../../../kernel/ns/index.ts';

export interface PluginCall {
  readonly command: 'ADD' | 'DEL' | 'CHECK' | 'GC' | 'STATUS';
  readonly type: string;
  /** Without its prefix CNI_: CONTAINERID, NETNS, IFNAME, ARGS. */
  readonly variables: Readonly<Record<string, string>>;
  readonly configuration: unknown;
}

export interface PluginPlace {
  /** Where plugins are found by their type (CNI_PATH). */
  readonly directory: string;
  /** The node's network namespace: a plugin runs where a node's runtime runs. */
  readonly namespace: string;
}

const TIMEOUT = 60_000;
const OUTPUT_LIMIT = 1 << 20;

/**
 * Runs a plugin as the CNI specification says: parameters in the environment, configuration on standard input, result
 * or error object on standard output. Returns the result, undefined where there is none. Throws PluginError.
 */
export async function callPlugin(place: PluginPlace, call: PluginCall): Promise<unknown> {
  const path = join(place.directory, call.type);
  const variables = Object.entries(call.variables).map(([name, value]) => [`CNI_${name}`, value] as const);
  const child = spawnIn(place.namespace, path, [], {
    stdio: ['pipe', 'pipe', 'pipe'],
    cwd: '/',
    env: {
      PATH: process.env.PATH ?? '/usr/sbin:/usr/bin:/sbin:/bin',
      CNI_COMMAND: call.command,
      CNI_PATH: place.directory,
      ...Object.fromEntries(variables),
    },
  });
  const exited = new Promise<number>((resolve, reject) => {
    child.once('error', cause => reject(new PluginError(call, 0, `cannot be run at ${path}`, cause)));
    child.once('close', (code, signal) => resolve(code ?? (signal === null ? 1 : 128)));
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), TIMEOUT);
  try {
    const streams = {
      out: child.stdout as Readable,
      error: child.stderr as Readable,
      input: child.stdin as Writable,
    };
    streams.input.on('error', () => undefined); // a plugin may end without reading it; its exit code says how it went
    streams.input.end(JSON.stringify(call.configuration));
    const [code, output, complaint] = await Promise.all([
      exited,
      collect(streams.out),
      collect(streams.error),
    ]);
    if (code !== 0) throw failure(call, code, output, complaint);
    return output.trim() === '' ? undefined : parse(call, output);
  } finally {
    clearTimeout(timer);
  }
}

/** A plugin's refusal: `pluginCode` is the specification's (11: try again later), 0 when it gave none. */
export class PluginError extends FairleadError {
  readonly pluginCode: number;

  constructor(call: PluginCall, pluginCode: number, sentence: string, cause?: unknown) {
    super(
      'runtime/network-plugin',
      `plugin type="${call.type}" failed (${call.command.toLowerCase()}): ${sentence}`,
      {
        cause,
      },
    );
    this.pluginCode = pluginCode;
  }
}

async function collect(stream: Readable): Promise<string> {
  let text = '';
  stream.setEncoding('utf8');
  for await (const part of stream) if (text.length < OUTPUT_LIMIT) text += part as string;
  return text;
}

function parse(call: PluginCall, output: string): unknown {
  try {
    return JSON.parse(output) as unknown;
  } catch (cause) {
    throw new PluginError(call, 6, 'its result is not JSON', cause);
  }
}

function failure(call: PluginCall, code: number, output: string, complaint: string): PluginError {
  try {
    const error = JSON.parse(output) as { code?: number; msg?: string; details?: string };
    const details = error.details === undefined || error.details === '' ? '' : `; ${error.details}`;
    return new PluginError(call, error.code ?? 0, `${error.msg ?? 'no message'}${details}`);
  } catch (cause) {
    const said = complaint.trim().slice(0, 500) || output.trim().slice(0, 500) || sentenceOf(cause);
    return new PluginError(call, 0, `it ended with status ${code} and said: ${said}`);
  }
}
