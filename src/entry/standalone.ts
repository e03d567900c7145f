/**
 * The control plane of a standalone cluster in one process: what a real cluster brings itself, and the loops of
 * `controller/`, which any cluster needs. The loops reach the API server as everyone does, over HTTPS.
 *
 * ```
 *   people, runtime ──▶ 127.0.0.1:PORT ─┐                       ┌─▶ runtime.sock (logs, exec, attach, port-forward)
 *   nodes, pods ─▶ fabric gateways:6443 ─┴─▶ API server ─▶ store.db
 *                                               ▲
 *                     standalone controllers ───┤
 *                     cluster-wide controller ──┘
 * ```
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { flushCompileCache } from 'node:module';
import { systemClock } from '../base/clock.ts';
import { parsePrefix } from '../base/ip.ts';
import { startController } from '../controller/index.ts';
import { dnsAddressesOf } from '../dns/compile-zone.ts';
import { defaults, namespaces, paths } from '../kernel/contract.ts';
import { connectIn, listenIn, namespacePath } from '../kernel/ns/index.ts';
import { createClient } from '../kube/client.ts';
import { loadKubeconfig } from '../kube/kubeconfig.ts';
import { startApiServer } from '../standalone/apiserver/index.ts';
import { builtInSchemas } from '../standalone/apiserver/kinds/index.ts';
import { type ClusterConfig, clusterFiles } from '../standalone/cluster.ts';
import { startControllers } from '../standalone/controllers/index.ts';
import { clusterFromArguments } from '../standalone/topology/cluster-argument.ts';
import { apiServerAddresses } from '../standalone/topology/network/plan.ts';
import { aborted, runProcess } from './process-top.ts';

if (import.meta.main)
  runProcess('control-plane', async ({ log, stop }) => {
    const config = clusterFromArguments(process.argv.slice(2));
    const pki = (file: string) => readFileSync(join(clusterFiles.pki(config.name), file), 'utf8');
    const authority = pki('ca.crt');
    const apiServer = await startApiServer({
      stateDirectory: paths.state(config.name),
      listeners: [config.apiServer, ...fabricListeners(config)],
      tls: { certificate: pki('apiserver.crt'), key: pki('apiserver.key'), authority },
      schemas: builtInSchemas(),
      runtimeSocket: clusterFiles.runtimeSocket(config.name),
      servicePrefixes: config.servicePrefixes,
      admitsServiceAccounts: true,
      dialPod: (node, address) => connectIn(namespacePath(namespaces.node(config.name, node)), address),
      log: log.scope('apiserver'),
    });
    const clientOf = (user: string) =>
      createClient(loadKubeconfig(clusterFiles.kubeconfig(config.name, user)));
    const client = clientOf('controllers');
    const own = clientOf('fairlead-controller');
    const world = namespacePath(namespaces.world(config.name));
    const controllers = await startControllers({
      client,
      log,
      clock: systemClock,
      signal: stop,
      rootCertificate: authority,
      selfSignedDirectory: clusterFiles.selfSigned(config.name),
      dialWorld: (host, port) => connectIn(world, { host, port, timeoutMilliseconds: 5000 }),
      // The first link's gateways: nodes and pods of the second reach them by the router between.
      apiServer: { addresses: defaults.links[1].gateways, port: defaults.apiServerPort },
    });
    const { podPrefixes, servicePrefixes } = config;
    const dnsAddresses = dnsAddressesOf(servicePrefixes.flatMap(text => parsePrefix(text) ?? []));
    await startController({
      client: own,
      podPrefixes,
      dnsAddresses,
      loadBalancerPrefixes: defaults.loadBalancerPrefixes,
      gateways: { image: 'fairlead.dev/proxy', replicas: 2 },
      log,
      clock: systemClock,
      signal: stop,
    }).ready;
    flushCompileCache();
    await aborted(stop);
    await controllers.close();
    client.close();
    own.close();
    await apiServer.close();
  });

/** Sockets that live in the fabric: nodes and pods reach the API server at the gateways of their links. */
function fabricListeners(config: ClusterConfig): readonly { readonly fd: number }[] {
  const fabric = namespacePath(namespaces.fabric(config.name));
  return apiServerAddresses(config).map(host => ({
    fd: listenIn(fabric, { host, port: defaults.apiServerPort }),
  }));
}
