import { mkdirSync } from 'node:fs';
import type { Clock } from '../../base/clock.ts';
import { sentenceOf } from '../../base/errors.ts';
import { addressAt, formatAddress, parsePrefix } from '../../base/ip.ts';
import type { Log } from '../../base/log.ts';
import { cgroupMount } from '../../kernel/cgroup/index.ts';
import { namespaces, paths } from '../../kernel/contract.ts';
import { mounts } from '../../kernel/mount/index.ts';
import { namespacePath } from '../../kernel/ns/index.ts';
import type { KubeClient } from '../../kube/client.ts';
import { EventRecorder } from '../../kube/events.ts';
import { Informer } from '../../kube/informer.ts';
import { CONFIG_MAPS, PERSISTENT_VOLUME_CLAIMS, PODS, SECRETS, SERVICES } from '../../kube/resources.ts';
import type { ConfigMap, Secret } from '../../kube/types/core.ts';
import { ImageMap, OwnImages, preparePrograms } from '../images/index.ts';
import { clusterFiles, type ClusterConfig } from '../cluster.ts';
import { hostFileSystems } from './container/root.ts';
import type { NodeContext, RuntimeContext } from './context.ts';
import { RuntimeFiles } from './files.ts';
import { Limit } from './limit.ts';
import { readMachine } from './node/machine.ts';
import { nodeResources } from './node/node-object.ts';
import { runNodeAgent } from './node/node-agent.ts';
import { removeOrphans } from './orphans.ts';
import { Pods } from './pods.ts';
import { RecordWatch } from './record-watch.ts';
import { PodNetwork } from './sandbox/network.ts';
import { startStreamServer } from './streams/server.ts';
import { Tokens } from './token.ts';
import { reclaim } from './volumes/claims.ts';

export interface RuntimeOptions {
  readonly cluster: ClusterConfig;
  readonly client: KubeClient;
  readonly native: {
    /** The program fairlead-pod-launcher. */
    readonly launcher: string;
    /** The directory that network plugins are found in. */
    readonly cniDirectory: string;
  };
  /** The unix socket for logs, exec and attach: the API server's way in. */
  readonly socket: string;
  readonly log: Log;
  readonly clock: Clock;
  /** Ends the runtime; pods run on. */
  readonly signal: AbortSignal;
}

export interface Runtime {
  /** Resolves once it follows the API and has adopted what ran before. */
  readonly ready: Promise<void>;
  /** Resolves after the signal, when nothing of the runtime itself is left. */
  readonly closed: Promise<void>;
}

/** Sandboxes and containers made, and sandboxes removed, at the same time. */
const PARALLEL_STARTS = 8;
const PARALLEL_WRITES = 6;
/** How often records are looked at without being told: for a launcher that was killed. */
const CHECK_EVERY = 2000;

/**
 * The kubelets of all nodes of a cluster, in one process.
 *
 *   informers (pods, config maps, secrets, services)
 *        │
 *        ▼
 *   Pods ──▶ PodWorker, one a pod ──▶ decide ──▶ sandbox, volumes, launchers, probes ──▶ status, events
 *                   ▲
 *                   └── RecordWatch: what launchers wrote
 *   node agents: registration, leases, readiness       stream server: logs, exec, attach
 */
export function startRuntime(options: RuntimeOptions): Runtime {
  const { cluster, client, clock, log, signal } = options;
  const files = new RuntimeFiles(cluster.name);
  for (const directory of [files.stage, files.records])
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  mkdirSync(paths.state(cluster.name), { recursive: true, mode: 0o700 });
  preparePrograms(files.programs);

  const informer = { clock, log };
  const configMaps = new Informer(client, CONFIG_MAPS, informer);
  const secrets = new Informer(client, SECRETS, informer);
  const services = new Informer(client, SERVICES, informer);
  const claims = new Informer(client, PERSISTENT_VOLUME_CLAIMS, informer);
  const podInformer = new Informer(client, PODS, informer);
  const records = new RecordWatch(files.records);
  const tokens = new Tokens(client, clock);
  const machine = readMachine();
  const images = new ImageMap();
  const ownImages = new OwnImages(clusterFiles.images(cluster.name), images);
  const shared: RuntimeContext = {
    cluster,
    client,
    clock,
    log,
    files,
    images,
    objects: {
      configMap: (namespace, name) => configMaps.cache.get(`${namespace}/${name}`),
      secret: (namespace, name) => secrets.cache.get(`${namespace}/${name}`),
      services: () => services.cache.list(),
      claim: (namespace, name) => claims.cache.get(`${namespace}/${name}`),
    },
    token: (pod, request) => tokens.of(pod, request),
    starts: new Limit(PARALLEL_STARTS),
    removals: new Limit(PARALLEL_STARTS),
    writes: new Limit(PARALLEL_WRITES),
    launcher: options.native.launcher,
    nodeProgram: process.execPath,
    cgroupMount: cgroupMount(),
    hostFileSystems: hostFileSystems(mounts()),
    dnsAddresses: dnsAddresses(cluster),
    watchContainer: (id, changed) => records.add(id, changed),
    unwatchContainer: id => records.delete(id),
  };
  const nodes = new Map(
    cluster.nodes.map(node => {
      const namespace = namespacePath(namespaces.node(cluster.name, node.name));
      const context: NodeContext = {
        ...shared,
        node,
        namespacePath: namespace,
        events: new EventRecorder({
          client,
          component: 'kubelet',
          host: node.name,
          clock,
          log: log.scope('events'),
        }),
        allocatable: nodeResources(machine),
        network: new PodNetwork({
          configurationDirectory: paths.cniConfigDirectory(cluster.name, node.name),
          place: { directory: options.native.cniDirectory, namespace },
          resultDirectory: files.cniResults(node.name),
        }),
      };
      return [node.name, context] as const;
    }),
  );
  const pods = new Pods(nodes);

  const run = async () => {
    for (const each of [configMaps, secrets, services, claims, podInformer]) each.start(signal);
    await refreshImages();
    const all = [configMaps, secrets, services, claims, podInformer];
    await Promise.all(all.map(each => each.synced));
    podInformer.onChange(({ before, after }) => pods.changed(before, after));
    const objectChanged =
      (kind: 'ConfigMap' | 'Secret') =>
      ({ before, after }: { readonly before?: ConfigMap | Secret; readonly after?: ConfigMap | Secret }) => {
        const { namespace = '', name = '' } = (after ?? before)?.metadata ?? {};
        pods.objectChanged(namespace, { kind, name });
      };
    configMaps.onChange(objectChanged('ConfigMap'));
    secrets.onChange(objectChanged('Secret'));
    const reclaimClaims = () => {
      const uids = claims.cache.list().map(claim => claim.metadata.uid ?? '');
      for (const uid of reclaim(files.claims, new Set(uids)))
        log.info({ uid }, 'The files of a claim that is gone were removed.');
    };
    reclaimClaims();
    claims.onChange(({ after, before }) => {
      if (after === undefined) reclaimClaims();
      const { namespace = '', name = '' } = (after ?? before)?.metadata ?? {};
      pods.objectChanged(namespace, { kind: 'PersistentVolumeClaim', name });
    });
    const known = new Set(podInformer.cache.list().map(pod => pod.metadata.uid ?? ''));
    log.info({ pods: pods.size, nodes: nodes.size }, 'The runtime follows the API.');
    await removeOrphans([...nodes.values()], known);
  };
  /** A map that cannot be read leaves the one before in force. */
  const refreshImages = async () => {
    try {
      if (await ownImages.refresh()) pods.imagesChanged();
    } catch (error) {
      log.warn({ error: sentenceOf(error) }, "The cluster's own image map cannot be used.");
    }
  };
  const ready = run();
  const timer = setInterval(() => {
    void refreshImages();
    pods.pokeAll();
  }, CHECK_EVERY);
  const server = startStreamServer({ socket: options.socket, pods, log: log.scope('streams'), signal });
  const agents = [...nodes.values()].map(({ node, network }) =>
    runNodeAgent({ node, machine, client, network, clock, log: log.scope('node'), signal }),
  );

  const closed = new Promise<void>(resolve => {
    const close = () => {
      clearInterval(timer);
      pods.detach();
      records.close();
      void Promise.allSettled([...agents, ready, server.closed]).then(() => resolve());
    };
    if (signal.aborted) close();
    else signal.addEventListener('abort', close, { once: true });
  });
  ready.catch((error: unknown) => {
    if (!signal.aborted) log.error({ error: sentenceOf(error) }, 'The runtime could not start.');
  });
  return { ready, closed };
}

/** The tenth address of each Service prefix, as the contract of the cluster says. */
function dnsAddresses(cluster: ClusterConfig): readonly string[] {
  return cluster.servicePrefixes.flatMap(text => {
    const prefix = parsePrefix(text);
    return prefix === undefined ? [] : [formatAddress(addressAt(prefix, 10n))];
  });
}
