import { existsSync } from 'node:fs';
import { parseAddress, parsePrefix } from '../base/ip.ts';
import { traceRequest } from '../insight/trace/index.ts';
import type { ClusterFacts, Trace } from '../insight/trace/index.ts';
import { defaults } from '../kernel/contract.ts';
import { createClient } from '../kube/client.ts';
import type { Kubeconfig } from '../kube/kubeconfig.ts';
import { loadKubeconfig } from '../kube/kubeconfig.ts';
import { checkName, clusterFiles, loadCluster } from '../standalone/cluster.ts';
import { noSuchCluster } from './kubeconfig.ts';
import { requireRoot } from './require-root.ts';
import { originIn } from './trace/find-origin.ts';
import { parseOrigin, parseTarget } from './trace/parse-request.ts';
import { readObjects } from './trace/read-objects.ts';
import { traceText } from './trace/trace-text.ts';

export interface TraceCall {
  readonly from: string;
  readonly to: string;
  readonly cluster: string;
  /** Of any cluster; absent: that of the cluster of this machine. */
  readonly kubeconfig?: string;
  readonly method?: string;
  readonly headers: readonly string[];
  readonly form: 'text' | 'json' | 'yaml';
}

/** Prints the way of one request; the exit code is 0, or 1 where what was observed differs from the model. */
export async function trace(call: TraceCall): Promise<number> {
  const from = parseOrigin(call.from);
  const to = parseTarget(call.to, call);
  const { facts, kubeconfig } = clusterOf(call);
  const client = createClient(kubeconfig);
  try {
    const objects = await readObjects(client, facts);
    const found = traceRequest(objects, originIn(objects, from), to);
    process.stdout.write(await formatted(found, call.form));
    return 0;
  } finally {
    client.close();
  }
}

interface ChosenCluster {
  readonly kubeconfig: Kubeconfig;
  readonly facts: ClusterFacts;
}

/** The cluster of this machine with that name, or the one of a kubeconfig, of which less is known. */
function clusterOf(call: TraceCall): ChosenCluster {
  if (call.kubeconfig !== undefined)
    return {
      kubeconfig: loadKubeconfig(call.kubeconfig),
      // Addresses for documentation (RFC 5737, RFC 3849): nobody in a cluster has them.
      facts: {
        clusterDomain: defaults.clusterDomain,
        links: [],
        world: addresses(['192.0.2.1', '2001:db8::1']),
      },
    };
  checkName(call.cluster);
  requireRoot('trace');
  const config = loadCluster(call.cluster);
  const file = clusterFiles.kubeconfig(call.cluster, 'admin');
  if (config === undefined || !existsSync(file)) throw noSuchCluster(call.cluster);
  return {
    kubeconfig: loadKubeconfig(file),
    facts: {
      clusterDomain: config.clusterDomain,
      links: ([1, 2] as const).map(index => ({
        name: `link ${index}`,
        prefixes: defaults.links[index].prefixes.flatMap(text => parsePrefix(text) ?? []),
      })),
      world: addresses(defaults.world),
    },
  };
}

const addresses = (texts: readonly string[]) => texts.flatMap(text => parseAddress(text) ?? []);

async function formatted(found: Trace, form: TraceCall['form']): Promise<string> {
  if (form === 'json') return `${JSON.stringify(found, undefined, 2)}\n`;
  const { stringify } = await import('yaml');
  if (form === 'yaml') return stringify(found);
  const isColoured = process.stdout.isTTY && !process.env['NO_COLOR'] && process.env['TERM'] !== 'dumb';
  return traceText(found, { isColoured, yaml: value => stringify(value) });
}
