/**
 * The supervisor of a cluster: keeps its processes running, and nothing else.
 *
 * ```
 *   cluster.json ─▶ processesOf ─▶ Supervisor ─▶ control-plane, runtime, an agent a node (and slirp4netns)
 *   processes.json (of the supervisor before) ─▶ adopts ─┘ └─▶ processes.json, for `status` and the next supervisor
 * ```
 */
import { flushCompileCache } from 'node:module';
import { systemClock } from '../base/clock.ts';
import { addToCgroup } from '../kernel/cgroup/index.ts';
import { cgroups } from '../kernel/contract.ts';
import { identify } from '../kernel/process/index.ts';
import { clusterFiles } from '../standalone/cluster.ts';
import { clusterFromArguments } from '../standalone/topology/cluster-argument.ts';
import { wayOutside } from '../standalone/topology/network/way-outside.ts';
import { boundLogs } from '../standalone/topology/supervise/bounded-logs.ts';
import { createProcessHost } from '../standalone/topology/supervise/process-host.ts';
import { processEnvironment, processesOf } from '../standalone/topology/supervise/process-spec.ts';
import { readProcessTable, writeProcessTable } from '../standalone/topology/supervise/process-table.ts';
import { Supervisor } from '../standalone/topology/supervise/supervisor.ts';
import { aborted, runProcess } from './process-top.ts';

const graceMilliseconds = 2000;
const logBytes = 8 * 1024 * 1024;
const boundLogsEveryMilliseconds = 15_000;

if (import.meta.main)
  runProcess('supervisor', async ({ log, stop }) => {
    const config = clusterFromArguments(process.argv.slice(2));
    // `up` does this too, but may be killed before; `down` finds by the group what to end, and removes it first.
    addToCgroup(cgroups.controlPlane(config.name), process.pid);
    const own = identify(process.pid);
    if (own === undefined) throw new Error('this process is not in /proc');
    const environment = processEnvironment(process.env);
    const supervisor = new Supervisor(
      processesOf(config, process.execPath, config.outside ? wayOutside(config, environment) : undefined),
      readProcessTable(config.name)?.processes ?? [],
      {
        host: createProcessHost(systemClock, environment),
        clock: systemClock,
        log,
        graceMilliseconds,
        onChange: processes => writeProcessTable(config.name, { supervisor: own, processes }),
      },
    );
    process.on('SIGHUP', () => supervisor.retry()); // sent by `up`
    supervisor.start();
    flushCompileCache();
    const bounding = setInterval(
      () => boundLogs(clusterFiles.logs(config.name), logBytes),
      boundLogsEveryMilliseconds,
    );
    await aborted(stop);
    clearInterval(bounding);
    await supervisor.stop();
  });
