import { addressAt, formatAddress, parsePrefix } from '../../base/ip.ts';
import { defaults } from '../../kernel/contract.ts';
import { createAuthority, issueKubeconfig, issueServing } from '../apiserver/pki/index.ts';
import { type ClusterConfig, clusterFiles } from '../cluster.ts';
import { apiServerAddresses } from './network/plan.ts';

/**
 * Makes what is missing of the cluster's authority, the API server's certificate and a kubeconfig for each user. Only
 * people's is a master of the cluster: what each process may do is in its role (apiserver/access/process-roles.ts). Pods
 * and nodes reach the server at the fabric's gateways, people at a loopback port; every process of the cluster outside
 * a node uses the loopback port too.
 */
export function ensureCredentials(config: ClusterConfig): void {
  const { name } = config;
  const authority = createAuthority(clusterFiles.pki(name));
  issueServing(authority, {
    names: [...apiServerAddresses(config), ...config.servicePrefixes.map(firstAddress)],
    clusterDomain: config.clusterDomain,
  });
  const loopback = `https://${config.apiServer.host}:${config.apiServer.port}`;
  const people = [
    { user: 'kubernetes-admin', groups: ['system:masters'], file: 'admin' },
    { user: 'system:kube-controller-manager', groups: [], file: 'controllers' },
    { user: 'fairlead:controller', groups: [], file: 'fairlead-controller' },
    { user: 'fairlead:runtime', groups: [], file: 'runtime' },
  ];
  const nodes = config.nodes.map(node => ({
    user: `fairlead:agent:${node.name}`,
    groups: ['fairlead:agents'],
    file: node.name,
    server: `https://${defaults.links[node.link].gateways[0] ?? ''}:${defaults.apiServerPort}`,
  }));
  for (const { user, groups, file, server } of [
    ...people.map(it => ({ ...it, server: loopback })),
    ...nodes,
  ]) {
    issueKubeconfig(authority, {
      user,
      groups,
      server,
      file: clusterFiles.kubeconfig(name, file),
      cluster: `fairlead-${name}`,
    });
  }
}

/** The `kubernetes` Service has the first address of each Service prefix. */
function firstAddress(text: string): string {
  const prefix = parsePrefix(text);
  if (prefix === undefined) throw new Error(`${text} was checked when the cluster was planned`);
  return formatAddress(addressAt(prefix, 1n));
}
