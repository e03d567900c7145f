/**
 * The proxy of one Gateway: this process supervises, the workers that it starts serve.
 *
 * ```
 *   agent ── TLS, key of the Gateway ──▶ control port ─▶ Supervisor ─▶ workers: table, listening sockets
 *   kubelet ─────────────────────────▶ health port       └──▶ table.json
 * ```
 */
import { hkdfSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { extname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { FairleadError } from '../base/errors.ts';
import { startControlServer, startHealthServer, Supervisor } from '../gateway/proxy/index.ts';
import { proxy } from '../kernel/contract.ts';
import { createLineLog } from '../base/line-log.ts';
import { aborted, runWithLog } from './process-run.ts';

/** More workers than this need more than one table's worth of memory each for little. */
const mostWorkers = 4;
/** Those of every process (see the supervisor's process-spec), but for a young generation in which requests live and die. */
const workerFlags = [
  '--disable-warning=ExperimentalWarning',
  '--min-semi-space-size=4',
  '--max-semi-space-size=8',
  '--v8-pool-size=1',
] as const;

if (import.meta.main)
  runWithLog(createLineLog('proxy'), async ({ log, stop }) => {
    const options = readOptions();
    const extension = extname(import.meta.filename);
    const supervisor = new Supervisor({
      workers: options.workers,
      workerProgram: join(import.meta.dirname, `proxy-worker${extension}`),
      workerFlags,
      stateDirectory: options.state,
      // Of the Gateway's key, so that all of its proxies have the same, now and later.
      sessionKey: Buffer.from(hkdfSync('sha256', options.key, '', 'sessions', 32)),
      reservedPorts: [options.controlPort, options.healthPort],
      log,
    });
    const control = await startControlServer({
      port: options.controlPort,
      gateway: options.gateway,
      key: options.key,
      take: message => supervisor.take(message),
      log,
    });
    let isStopping = false;
    const health = await startHealthServer({
      port: options.healthPort,
      isReady: () => supervisor.isReady && !isStopping,
      status: () => ({ gateway: options.gateway, ready: supervisor.isReady, ...supervisor.status() }),
      metrics: () => supervisor.metrics(),
    });
    log.info({ gateway: options.gateway, workers: options.workers }, 'the proxy waits for its table');
    await aborted(stop);
    isStopping = true;
    control.close();
    await supervisor.stop(options.graceSeconds * 1000);
    health.close();
  });

function readOptions() {
  const { values } = parseArgs({
    options: {
      gateway: { type: 'string', default: '' },
      key: { type: 'string', default: '' },
      state: { type: 'string' },
      workers: { type: 'string', default: String(Math.min(availableParallelism(), mostWorkers)) },
      'control-port': { type: 'string', default: String(proxy.controlPort) },
      'health-port': { type: 'string', default: String(proxy.healthPort) },
      'grace-seconds': { type: 'string', default: '25' },
    },
  });
  if (!/^[^/]+\/[^/]+$/.test(values.gateway)) {
    throw new FairleadError('gateway/no-gateway', 'the proxy does not know which Gateway it serves', {
      field: '--gateway',
      hint: 'Give --gateway NAMESPACE/NAME.',
    });
  }
  return {
    gateway: values.gateway,
    key: readKey(values.key),
    state: values.state,
    workers: numberOf(values.workers, '--workers', 1, 64),
    controlPort: numberOf(values['control-port'], '--control-port', 1, 65_535),
    healthPort: numberOf(values['health-port'], '--health-port', 1, 65_535),
    graceSeconds: numberOf(values['grace-seconds'], '--grace-seconds', 0, 3600),
  };
}

function readKey(file: string): Buffer {
  try {
    const key = readFileSync(file);
    if (key.length >= 32) return key;
  } catch (cause) {
    throw new FairleadError('gateway/no-key', `the key of the control port cannot be read: ${file}`, {
      cause,
    });
  }
  throw new FairleadError('gateway/no-key', `the key of the control port is shorter than 32 bytes: ${file}`);
}

function numberOf(text: string, field: string, least: number, most: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value <= most) return value;
  throw new FairleadError('gateway/bad-number', `"${text}" is no number from ${least} to ${most}`, { field });
}
