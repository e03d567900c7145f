import { systemClock } from '../base/clock.ts';
import { FairleadError } from '../base/errors.ts';
import { createClient, type KubeClient } from '../kube/client.ts';
import { loadKubeconfig } from '../kube/kubeconfig.ts';
import {
  checkName,
  type ClusterChoice,
  type ClusterConfig,
  clusterFiles,
  defaultChoice,
  loadCluster,
  planCluster,
  saveCluster,
} from '../standalone/cluster.ts';
import { keepImageFile, readImageFile } from '../standalone/images/own-images.ts';
import { checkApiServerPort, chooseApiServerPort } from '../standalone/topology/api-server-port.ts';
import { checkHostCollisions } from '../standalone/topology/host-collisions.ts';
import { type ClusterLock, lockCluster } from '../standalone/topology/lock.ts';
import { raiseNetwork } from '../standalone/topology/network/raise.ts';
import { wayOutside } from '../standalone/topology/network/way-outside.ts';
import { startSupervisor } from '../standalone/topology/supervise/start-supervisor.ts';
import { applyFiles } from './apply/apply-files.ts';
import { readManifests } from './apply/read-manifests.ts';
import { loadBalancersText, readLoadBalancers } from './load-balancers.ts';
import { calledAs, withCommandsAs } from './called-as.ts';
import { checkInstallation } from './check-installation.ts';
import { checkKernel } from './check-kernel.ts';
import { createProgress, type Progress } from './progress.ts';
import { requireRoot } from './require-root.ts';
import { waitForApiServer, waitForNodes } from './wait-cluster.ts';

export interface UpRequest {
  readonly choice: Partial<ClusterChoice> & { readonly name: string };
  readonly files: readonly string[];
  /** An image map of the user's own. */
  readonly images?: string;
  readonly timeoutSeconds: number;
}

/**
 * Brings a cluster up in named steps, each of which does only what is missing: so it also continues what is half done,
 * and says what is there when all of it is. What can be wrong with the request is found before anything is made.
 */
export async function up(request: UpRequest): Promise<void> {
  const { choice, files, timeoutSeconds } = request;
  requireRoot('up');
  checkName(choice.name);
  checkTimeout(timeoutSeconds);
  const manifests = await readManifests(files);
  const images = request.images === undefined ? undefined : await readImageFile(request.images);
  using lock = lockCluster(choice.name, 'up');
  const progress = createProgress();
  process.once('SIGINT', () => interrupted(choice.name, lock));
  const config = await configurationFor(choice);
  await prepare(config, images, progress);
  const client = createClient(loadKubeconfig(clusterFiles.kubeconfig(config.name, 'admin')));
  let entrances: readonly string[] = [];
  try {
    await waitForCluster(config, client, timeoutSeconds, progress);
    if (manifests.length > 0) await applyFiles(client, manifests, timeoutSeconds, progress);
    entrances = loadBalancersText(await readLoadBalancers(client));
  } finally {
    client.close();
  }
  process.stdout.write(withCommandsAs(calledAs(process.env), summaryOf(config, entrances)));
}

/** The cluster as it was planned, or a new plan. What is up keeps its shape: a different wish is refused. */
async function configurationFor(choice: UpRequest['choice']): Promise<ClusterConfig> {
  const present = loadCluster(choice.name);
  if (present === undefined) {
    const config = planCluster({ ...defaultChoice, ...choice }, await chooseApiServerPort());
    checkHostCollisions(config, choice);
    if (config.outside) wayOutside(config, process.env);
    return config;
  }
  const wished: ClusterConfig = planCluster({ ...choiceOf(present), ...choice }, present.apiServer.port);
  for (const key of [
    'nodes',
    'topology',
    'outside',
    'podPrefixes',
    'servicePrefixes',
    'serviceMode',
    'dnsKernel',
  ] as const) {
    if (JSON.stringify(wished[key]) === JSON.stringify(present[key])) continue;
    throw new FairleadError(
      'cluster/different-shape',
      `Cluster ${present.name} is there already, with ${wordsOf(present)}: that does not change while it is up.`,
      {
        field: optionOf[key],
        hint: `Take it down first (fairlead down --name ${present.name}), or bring up another one with --name.`,
      },
    );
  }
  await checkApiServerPort(present);
  return present;
}

async function prepare(config: ClusterConfig, images: string | undefined, progress: Progress): Promise<void> {
  const { name } = config;
  await progress.step('kernel', async () => {
    checkInstallation();
    return checkKernel(config);
  });
  await progress.step('certificates', async () => {
    saveCluster(config);
    if (images !== undefined) keepImageFile(clusterFiles.images(name), images);
    const { ensureCredentials } = await import('../standalone/topology/credentials.ts');
    ensureCredentials(config);
    return 'an authority of its own, and a kubeconfig for each user';
  });
  await progress.step('network', async () => {
    const made = raiseNetwork(config);
    return `${wordsOf(config)}${made ? '' : ', there already'}`;
  });
  await progress.step('processes', async () => {
    const started = await startSupervisor(config, systemClock);
    return started
      ? `control plane, runtime and ${config.nodes.length === 1 ? '1 agent' : `${config.nodes.length} agents`}`
      : `kept running, logs in ${clusterFiles.logs(name)}`;
  });
}

async function waitForCluster(
  config: ClusterConfig,
  client: KubeClient,
  timeoutSeconds: number,
  progress: Progress,
): Promise<void> {
  const deadline = systemClock.now() + timeoutSeconds * 1000;
  await progress.step('API server', () => waitForApiServer(config, client, deadline));
  await progress.step('nodes', step => waitForNodes(config, client, deadline, text => step.detail(text)));
}

const optionOf = {
  nodes: '--nodes',
  topology: '--topology',
  outside: '--outside',
  podPrefixes: '--pod-prefixes',
  servicePrefixes: '--service-prefixes',
  serviceMode: '--service-mode',
  dnsKernel: '--dns-kernel',
} as const;

const choiceOf = (config: ClusterConfig): ClusterChoice => ({ ...config, nodes: config.nodes.length });

function wordsOf(config: ClusterConfig): string {
  const nodes = config.nodes.length === 1 ? '1 node' : `${config.nodes.length} nodes`;
  const links = config.topology === 'one-link' ? 'one link' : 'two links with a router between';
  return `${nodes} on ${links}${config.outside ? ', with a way outside' : ''}`;
}

function summaryOf(config: ClusterConfig, entrances: readonly string[]): string {
  const { name, apiServer } = config;
  const option = name === defaultChoice.name ? '' : ` --name ${name}`;
  return `
Cluster ${name} is up: ${wordsOf(config)}, API server https://${apiServer.host}:${apiServer.port}

  export KUBECONFIG=${clusterFiles.kubeconfig(name, 'admin')}
  kubectl get nodes,pods -A -o wide
  fairlead status${option}        what is there, and what is wrong
  fairlead down${option}          removes all of it
${entrances.length === 0 ? '' : `\n${entrances.map(line => `  ${line}\n`).join('')}`}`;
}

function checkTimeout(seconds: number): void {
  if (seconds > 0 && seconds <= 86_400) return;
  throw new FairleadError('cli/bad-timeout', `${seconds} is no time to wait.`, {
    field: '--timeout',
    hint: 'Give --timeout a number of seconds, such as 120.',
  });
}

function interrupted(cluster: string, lock: ClusterLock): void {
  const option = cluster === defaultChoice.name ? '' : ` --name ${cluster}`;
  const words = `\nInterrupted. "fairlead up${option}" continues, "fairlead down${option}" removes what is there.\n`;
  process.stderr.write(withCommandsAs(calledAs(process.env), words));
  lock.release();
  process.exit(130);
}
