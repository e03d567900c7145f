import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { FairleadError } from '../base/errors.ts';
import { parseAddress, parsePrefix } from '../base/ip.ts';
import type { Family } from '../base/ip.ts';
import { compareTrace, traceRequest } from '../insight/trace/index.ts';
import type { ClusterFacts, Target } from '../insight/trace/index.ts';
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
import type { TraceReport } from './trace/trace-text.ts';

export interface TraceCall {
  readonly from: string;
  readonly to: string;
  readonly cluster: string;
  /** Of any cluster; absent: that of the cluster of this machine. */
  readonly kubeconfig?: string;
  readonly method?: string;
  readonly headers: readonly string[];
  /** Only addresses of this family are used. */
  readonly family?: Family;
  readonly form: 'text' | 'json' | 'yaml';
  /** Sends the request for real, and compares. */
  readonly observe: boolean;
  /** Of authorities that servers' certificates are checked against. */
  readonly authorityFile?: string;
}

/** Prints the way of one request; the exit code is 0, or 1 where what was observed differs from the model. */
export async function trace(call: TraceCall): Promise<number> {
  const from = parseOrigin(call.from);
  const to = { ...parseTarget(call.to, call), ...(call.family === undefined ? {} : { family: call.family }) };
  const { facts, kubeconfig } = clusterOf(call);
  const authorities = call.observe ? await authoritiesFor(call) : [];
  const client = createClient(kubeconfig);
  try {
    const objects = await readObjects(client, facts);
    const modelled = traceRequest(objects, originIn(objects, from), to);
    if (!call.observe) {
      process.stdout.write(await formatted(modelled, call.form));
      return 0;
    }
    const { observe } = await import('./trace/observe.ts');
    const observed = await observe({
      client,
      cluster: call.cluster,
      objects,
      trace: modelled,
      target: to,
      requestId: givenRequestId(to) ?? randomUUID(),
      authorities,
      random: Math.random,
    });
    const findings = compareTrace(modelled, observed);
    process.stdout.write(await formatted({ ...modelled, observed: { ...observed, findings } }, call.form));
    return findings.some(({ result }) => result === 'differs') ? 1 : 0;
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
        servicePrefixes: [],
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
      servicePrefixes: config.servicePrefixes.flatMap(text => parsePrefix(text) ?? []),
      links: ([1, 2] as const).map(index => ({
        name: `link ${index}`,
        prefixes: defaults.links[index].prefixes.flatMap(text => parsePrefix(text) ?? []),
      })),
      world: addresses(defaults.world),
    },
  };
}

const givenRequestId = ({ http }: Target): string | undefined =>
  http?.headers.find(({ name }) => name.toLowerCase() === 'x-request-id')?.value;

/** `--cacert`, else the authority of this machine's cluster, besides those that Node knows. */
async function authoritiesFor({ authorityFile, cluster, kubeconfig }: TraceCall): Promise<readonly string[]> {
  if (kubeconfig !== undefined)
    throw new FairleadError('trace/not-here', 'Only a cluster on this machine can be observed.', {
      field: '--observe',
      hint: 'Leave --observe away: the model is traced in any cluster.',
    });
  const { rootCertificates } = await import('node:tls');
  const local = join(clusterFiles.pki(cluster), 'self-signed', 'ca.crt');
  const file = authorityFile ?? (existsSync(local) ? local : undefined);
  if (file === undefined) return rootCertificates;
  try {
    return [...rootCertificates, readFileSync(file, 'utf8')];
  } catch (cause) {
    throw new FairleadError('trace/bad-authority', `${file} cannot be read.`, {
      field: '--cacert',
      hint: 'Give a file with certificates in PEM form.',
      cause,
    });
  }
}

const addresses = (texts: readonly string[]) => texts.flatMap(text => parseAddress(text) ?? []);

async function formatted(found: TraceReport, form: TraceCall['form']): Promise<string> {
  if (form === 'json') return `${JSON.stringify(found, undefined, 2)}\n`;
  const { stringify } = await import('yaml');
  if (form === 'yaml') return stringify(found);
  const { columns, isTTY } = process.stdout;
  const isColoured = isTTY && !process.env['NO_COLOR'] && process.env['TERM'] !== 'dumb';
  // A pseudo-terminal may say that it has no columns at all.
  const width = isTTY && columns > 0 ? { columns } : {};
  return traceText(found, { isColoured, ...width, yaml: value => stringify(value) });
}
