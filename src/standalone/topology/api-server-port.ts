import { createServer } from 'node:net';
import { FairleadError } from '../../base/errors.ts';
import { cgroupProcesses } from '../../kernel/cgroup/index.ts';
import { cgroups, defaults } from '../../kernel/contract.ts';
import { type ClusterConfig, loadCluster } from '../cluster.ts';
import { clustersPresent } from './inventory.ts';

const host = '127.0.0.1';
const candidates = 100;

/** A loopback port that is free now and belongs to no other cluster, the usual one first. */
export async function chooseApiServerPort(): Promise<number> {
  const taken = new Set(clustersPresent().flatMap(portOf));
  for (let port: number = defaults.apiServerPort; port < defaults.apiServerPort + candidates; port++) {
    if (!taken.has(port) && (await isFree(port))) return port;
  }
  throw new FairleadError(
    'cluster/no-free-port',
    `The loopback ports ${defaults.apiServerPort} to ${defaults.apiServerPort + candidates - 1} are all in use.`,
    { hint: 'See who listens: ss -ltnp; end what is not needed.' },
  );
}

/** The kubeconfigs name the port, so a cluster keeps it for life: nobody but its own control plane may be there. */
export async function checkApiServerPort(config: ClusterConfig): Promise<void> {
  const { port } = config.apiServer;
  if (cgroupProcesses(cgroups.controlPlane(config.name)).length > 0 || (await isFree(port))) return;
  throw new FairleadError(
    'cluster/port-in-use',
    `The API server of cluster ${config.name} needs port ${port} of ${host}, and another program listens there.`,
    {
      hint: `See who it is (ss -ltnp 'sport = :${port}') and end it; or take the cluster down and up again: it then gets another port.`,
    },
  );
}

function portOf(cluster: string): readonly number[] {
  try {
    const config = loadCluster(cluster);
    return config === undefined ? [] : [config.apiServer.port];
  } catch (error) {
    if (error instanceof FairleadError) return []; // a damaged cluster keeps no port
    throw error;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}
