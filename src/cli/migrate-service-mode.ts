import { sentenceOf } from '../base/errors.ts';
import { compareServiceModes, serviceModePlan } from '../insight/migrate/index.ts';
import type { ServiceModeObjects, ServiceModeReport, ServiceModeTarget } from '../insight/migrate/index.ts';
import { isNotFound } from '../kube/client.ts';
import type { ListOptions } from '../kube/client.ts';
import { CONFIG_MAPS, DAEMON_SETS, NODES, SERVICES } from '../kube/resources.ts';
import type { Resource } from '../kube/resources.ts';
import type { KubeObject } from '../kube/types/meta.ts';
import { planText } from './migrate/plan-text.ts';
import { clientOf } from './object-source.ts';
import type { ObjectSource } from './object-source.ts';

export interface ServiceModeOptions {
  readonly to: ServiceModeTarget;
  readonly form: 'text' | 'json' | 'plan';
}

const answerMilliseconds = 30_000;

/** Says what moving Services to another mode changes. The exit code is 1 where something stands in the way or was not read. */
export async function migrateServiceMode(
  source: ObjectSource,
  { form, to }: ServiceModeOptions,
): Promise<number> {
  const { objects, unread } = await read(source);
  const report = compareServiceModes(objects, to);
  const lines =
    form === 'json'
      ? [JSON.stringify({ ...report, settings: settingsOf(report), unread }, null, 2)]
      : form === 'plan'
        ? planText(serviceModePlan(report))
        : reportLines(report);
  process.stdout.write(`${lines.join('\n')}\n`);
  for (const sentence of unread) process.stderr.write(`NOT READ: ${sentence}\n`);
  return unread.length > 0 ||
    report.unchecked.length > 0 ||
    report.changes.some(({ weight }) => weight === 'blocks')
    ? 1
    : 0;
}

const settingsOf = ({ settings }: ServiceModeReport) =>
  settings === undefined
    ? undefined
    : { source: settings.source, mode: settings.mode, values: Object.fromEntries(settings.values) };

const titles = {
  blocks: 'Stands in the way',
  changes: 'Changes for somebody',
  check: 'To be looked at',
  leftover: 'Stays behind',
} as const;

function reportLines({
  changes,
  counts,
  from,
  settings,
  to,
  unchecked,
}: ServiceModeReport): readonly string[] {
  const where = settings === undefined ? '' : ` (${settings.source})`;
  const lines = [
    `Services from ${from}${where} to ${to === 'nftables' ? 'kube-proxy’s nftables mode' : 'Fairlead'}: ${counts.nodes} nodes, ${counts.services} Services, ${counts.nodePorts} of them with node ports.`,
  ];
  if (changes.length === 0 && unchecked.length === 0) lines.push('Nothing changes: it is that mode already.');
  for (const [weight, title] of Object.entries(titles)) {
    const own = changes.filter(change => change.weight === weight);
    if (own.length > 0) lines.push('', `${title}:`);
    for (const { next, objects, sentence } of own) {
      lines.push(`  ${sentence}`);
      if (objects.length > 0) lines.push(`      ${objects.join(', ')}`);
      lines.push(`      next: ${next}`);
    }
  }
  if (unchecked.length > 0) lines.push('', 'Not known:', ...unchecked.map(sentence => `  ${sentence}`));
  return lines.map(line => line.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' '));
}

interface ReadObjects {
  readonly objects: ServiceModeObjects;
  readonly unread: readonly string[];
}

async function read(source: ObjectSource): Promise<ReadObjects> {
  if (source.files.length > 0) {
    const { parseDocuments } = await import('./migrate/parse-documents.ts');
    const { manifests, unread } = parseDocuments(source.files);
    // An object of a kind has its shape, or any API server refuses it.
    const ofKind = (kind: string): readonly never[] =>
      manifests.flatMap(({ object }) => (object.kind === kind ? [object as never] : []));
    return {
      objects: {
        configMaps: ofKind('ConfigMap'),
        daemonSets: ofKind('DaemonSet'),
        nodes: ofKind('Node'),
        services: ofKind('Service'),
      },
      unread,
    };
  }
  const client = clientOf(source, 'migrate');
  const signal = AbortSignal.timeout(answerMilliseconds);
  const unread: string[] = [];
  const wished = async <T extends KubeObject>(resource: Resource<T>, options: ListOptions = {}) => {
    try {
      return (await client.list(resource, { ...options, signal })).items;
    } catch (error) {
      if (isNotFound(error)) return [];
      unread.push(`${resource.plural}: ${sentenceOf(error)}`);
      return undefined;
    }
  };
  try {
    // One answer that has to come: without any, there is no cluster to speak of.
    await client.request('GET', '/version', { signal });
    const [configMaps, daemonSets, nodes, services] = await Promise.all([
      wished(CONFIG_MAPS, { namespace: 'kube-system' }),
      wished(DAEMON_SETS),
      wished(NODES),
      wished(SERVICES),
    ]);
    return {
      objects: {
        ...(configMaps === undefined ? {} : { configMaps }),
        ...(daemonSets === undefined ? {} : { daemonSets }),
        ...(nodes === undefined ? {} : { nodes }),
        ...(services === undefined ? {} : { services }),
      },
      unread,
    };
  } finally {
    client.close();
  }
}
