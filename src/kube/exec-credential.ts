import { spawn } from 'node:child_process';
import { FairleadError } from '../base/errors.ts';
import type { ClusterAccess, ExecPlugin } from './kubeconfig.ts';
import type { ExecResult } from './user-credentials.ts';

const LONGEST_OUTPUT = 1024 * 1024;
const PATIENCE_MILLISECONDS = 120_000;

/** Runs a credential plugin (client.authentication.k8s.io, KEP-541) and reads the ExecCredential that it prints. */
export async function runExecPlugin(plugin: ExecPlugin, cluster: ClusterAccess): Promise<ExecResult> {
  const terminal = process.stdin.isTTY && process.stderr.isTTY;
  if (plugin.interactiveMode === 'Always' && !terminal) {
    throw pluginError(plugin, 'asks questions, and there is no terminal');
  }
  const interactive = terminal && plugin.interactiveMode !== 'Never';
  const output = await run(plugin, interactive, JSON.stringify(execInfo(plugin, cluster, interactive)));
  return readCredential(plugin, output);
}

function execInfo(plugin: ExecPlugin, cluster: ClusterAccess, interactive: boolean): object {
  const about = {
    server: cluster.server,
    ...(cluster.tlsServerName === undefined ? {} : { 'tls-server-name': cluster.tlsServerName }),
    ...(cluster.insecureSkipTlsVerify ? { 'insecure-skip-tls-verify': true } : {}),
    ...(cluster.certificateAuthority === undefined
      ? {}
      : { 'certificate-authority-data': Buffer.from(cluster.certificateAuthority).toString('base64') }),
    ...(cluster.proxyUrl === undefined ? {} : { 'proxy-url': cluster.proxyUrl }),
  };
  return {
    apiVersion: plugin.apiVersion,
    kind: 'ExecCredential',
    spec: { interactive, ...(plugin.provideClusterInfo ? { cluster: about } : {}) },
  };
}

function run(plugin: ExecPlugin, interactive: boolean, info: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(plugin.command, plugin.args, {
      env: { ...process.env, ...plugin.env, KUBERNETES_EXEC_INFO: info },
      // Questions and explanations of the plugin go to the person's terminal, as they do with kubectl.
      stdio: [interactive ? 'inherit' : 'ignore', 'pipe', interactive ? 'inherit' : 'pipe'],
      signal: AbortSignal.timeout(PATIENCE_MILLISECONDS),
      killSignal: 'SIGKILL',
    });
    let output = '';
    let complaint = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      if (output.length > LONGEST_OUTPUT) child.kill('SIGKILL');
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      complaint = (complaint + text).slice(-2048);
    });
    child.on('error', error => {
      const late = error.name === 'AbortError';
      const what = late ? `did not end within ${PATIENCE_MILLISECONDS / 1000} s` : 'cannot be started';
      reject(pluginError(plugin, what, error));
    });
    child.on('close', (code, signal) => {
      if (code === 0 && output.length <= LONGEST_OUTPUT) resolve(output);
      else
        reject(
          pluginError(plugin, `ended with ${signal ?? `status ${code}`}`, complaint.trim() || undefined),
        );
    });
  });
}

interface Printed {
  readonly apiVersion?: unknown;
  readonly kind?: unknown;
  readonly status?: {
    readonly token?: unknown;
    readonly clientCertificateData?: unknown;
    readonly clientKeyData?: unknown;
    readonly expirationTimestamp?: unknown;
  } | null;
}

function readCredential(plugin: ExecPlugin, output: string): ExecResult {
  let printed: Printed | null;
  try {
    printed = JSON.parse(output) as Printed | null;
  } catch (error) {
    throw pluginError(plugin, 'printed no JSON', error);
  }
  if (printed?.kind !== 'ExecCredential') throw pluginError(plugin, 'printed no ExecCredential');
  if (printed.apiVersion !== plugin.apiVersion) {
    throw pluginError(
      plugin,
      `printed ${String(printed.apiVersion)}, and the kubeconfig expects ${plugin.apiVersion}`,
    );
  }
  const {
    token,
    clientCertificateData: certificate,
    clientKeyData: key,
    expirationTimestamp,
  } = printed.status ?? {};
  const hasToken = typeof token === 'string' && token !== '';
  const hasPair = typeof certificate === 'string' && typeof key === 'string';
  if (!hasToken && !hasPair)
    throw pluginError(plugin, 'printed neither a token nor a client certificate with its key');
  const expires = typeof expirationTimestamp === 'string' ? Date.parse(expirationTimestamp) : Number.NaN;
  return {
    ...(hasToken ? { token } : {}),
    ...(hasPair ? { certificate: { certificate, key } } : {}),
    ...(Number.isNaN(expires) ? {} : { expires }),
  };
}

function pluginError(plugin: ExecPlugin, what: string, cause?: unknown): FairleadError {
  return new FairleadError('kube/credential-plugin', `The credential plugin ${plugin.command} ${what}.`, {
    field: 'user.exec',
    ...(plugin.installHint === undefined ? {} : { hint: plugin.installHint }),
    ...(cause === undefined ? {} : { cause }),
  });
}
