import { FairleadError } from '../base/errors.ts';
import { BEYOND, compareTables, convertIngresses, targetOf } from '../insight/migrate/index.ts';
import type { Conversion, IngressModel, Target } from '../insight/migrate/index.ts';
import { SUPPORTED_FEATURES } from '../gateway/index.ts';
import type { GatewayClass } from '../kube/types/gateway.ts';
import { isUrgent, reportText, summaryText } from './migrate/conversion-text.ts';
import type { ConversionWords } from './migrate/conversion-text.ts';
import { readIngress } from './migrate/read-ingress.ts';
import { writeYaml } from './migrate/write-yaml.ts';
import type { ObjectSource } from './object-source.ts';

export interface IngressOptions {
  /** Of the Ingresses; absent: every class of the controller. */
  readonly ingressClass?: string;
  /** The GatewayClass that will serve. */
  readonly className: string;
  /** A file with the class, or with its features. */
  readonly targetFile?: string;
  /** `namespace/name` */
  readonly gateway?: string;
  readonly flags: readonly string[];
  readonly form: 'yaml' | 'json' | 'report' | 'diff' | 'plan';
  /** A directory for the manifests and the report; absent: standard output. */
  readonly directory?: string;
  readonly verify: boolean;
  /** Asks the Gateways of the cluster as well, where the objects are applied. */
  readonly live: boolean;
  /** Files with lines of the controller's access log: their requests are asked as well. */
  readonly accessLogs: readonly string[];
}

/**
 * Prints what takes the place of the Ingresses; what a person has to know goes to standard error. The exit code is 1 where
 * something that keeps people out or answers requests is refused, where something could not be read, or where the proof
 * that was asked for finds what was not announced.
 */
export async function migrateIngress(source: ObjectSource, options: IngressOptions): Promise<number> {
  const read = await readIngress({
    source,
    flags: options.flags,
    ...(options.ingressClass === undefined ? {} : { ingressClass: options.ingressClass }),
  });
  const target = await findTarget(options, read.gatewayClasses);
  const [gatewayNamespace, gatewayName] = gatewayOf(options.gateway);
  const conversion = convertIngresses(read.model, {
    target,
    configMaps: read.configMaps,
    ...(gatewayNamespace === undefined ? {} : { gatewayNamespace }),
    ...(gatewayName === undefined ? {} : { gatewayName }),
  });
  const words: ConversionWords = {
    model: read.model,
    conversion,
    unread: read.unread,
    notes: target.known
      ? []
      : [
          `What the GatewayClass ${target.className} supports is not known: only what every class has to support is used. Name its features with --target.`,
        ],
  };
  await print(words, options, target);
  if (options.form !== 'report') process.stderr.write(`${summaryText(words).join('\n')}\n`);
  if (options.live) {
    const { verifyLive } = await import('./migrate/verify-live.ts');
    const objects = conversion.objects.map(({ object }) => object);
    if (!(await verifyLive(source.cluster, read.model, objects))) return 1;
    if (!options.verify) return 0;
  }
  if (options.verify) return (await verify(words, options.accessLogs)) ? 0 : 1;
  return conversion.announcements.some(isUrgent) || read.unread.length > 0 ? 1 : 0;
}

/** Asks both route tables the same requests; whether they differ only where it was announced. */
async function verify(
  { conversion, model }: ConversionWords,
  accessLogs: readonly string[],
): Promise<boolean> {
  const { proofLines, prove, readAccessLog } = await import('../insight/migrate/ingress/proof/index.ts');
  const { readLogLines } = await import('./migrate/read-log-lines.ts');
  const logged = accessLogs.length === 0 ? undefined : readAccessLog(readLogLines(accessLogs), model);
  const proof = prove(
    model,
    conversion.objects.map(({ object }) => object),
    conversion.announcements,
    logged === undefined ? {} : { logged: logged.requests },
  );
  const unread =
    logged === undefined || logged.unread === 0 ? [] : [`${logged.unread} lines of logs are no requests.`];
  process.stderr.write(`${[...proofLines(proof), ...unread].join('\n')}\n`);
  return !proof.failed;
}

async function print(words: ConversionWords, options: IngressOptions, target: Target): Promise<void> {
  const { conversion, model } = words;
  const { directory, form } = options;
  if (directory !== undefined) {
    const { writeDirectory } = await import('./migrate/write-directory.ts');
    writeDirectory(directory, filesOf(words));
    return;
  }
  process.stdout.write(await textOf(form, words, model, conversion, target));
}

async function textOf(
  form: IngressOptions['form'],
  words: ConversionWords,
  model: IngressModel,
  conversion: Conversion,
  target: Target,
): Promise<string> {
  switch (form) {
    case 'yaml':
      return manifestText(conversion);
    case 'json':
      return `${JSON.stringify(jsonOf(words, target), null, 2)}\n`;
    case 'report':
      return `${reportText(words).join('\n')}\n`;
    case 'diff': {
      const { diffText } = await import('./migrate/diff-text.ts');
      return `${diffText(compareTables(model, conversion)).join('\n')}\n`;
    }
    case 'plan': {
      const { ingressPlan } = await import('../insight/migrate/index.ts');
      const { planText } = await import('./migrate/plan-text.ts');
      return `${planText(ingressPlan(model, conversion, target)).join('\n')}\n`;
    }
  }
}

const manifestText = ({ objects }: Conversion): string =>
  objects.map(({ comments, object }) => writeYaml(object, comments)).join('---\n');

function filesOf(words: ConversionWords): ReadonlyMap<string, string> {
  const { objects } = words.conversion;
  const shared = objects.filter(({ object }) => !object.kind.endsWith('Route'));
  const routes = Map.groupBy(
    objects.filter(({ object }) => object.kind.endsWith('Route')),
    ({ object }) => object.metadata.namespace ?? 'default',
  );
  const text = (some: Conversion['objects']) => manifestText({ ...words.conversion, objects: some });
  return new Map([
    ['gateways.yaml', text(shared)],
    ...[...routes].map(([namespace, own]) => [`routes-${namespace}.yaml`, text(own)] as const),
    ['report.txt', `${reportText(words).join('\n')}\n`],
  ]);
}

function jsonOf({ conversion, model, unread }: ConversionWords, target: Target) {
  return {
    target: { class: target.className, known: target.known, features: [...target.features] },
    counts: conversion.counts,
    objects: conversion.objects.map(({ object }) => object),
    announcements: conversion.announcements,
    unserved: conversion.unserved,
    left: model.left,
    unread,
  };
}

/** The class as the cluster or the files have it; Fairlead's own is known anyway. */
async function findTarget(options: IngressOptions, classes: readonly GatewayClass[]): Promise<Target> {
  if (options.targetFile !== undefined) {
    const { readTarget } = await import('./migrate/read-target.ts');
    return await readTarget(options.targetFile, options.className);
  }
  const found = classes.find(({ metadata }) => metadata.name === options.className);
  const said = found?.status?.supportedFeatures?.map(({ name }) => name) ?? [];
  const isOwn =
    found === undefined ? options.className === 'fairlead' : found.spec.controllerName === ownController;
  const features = said.length > 0 ? said : isOwn ? SUPPORTED_FEATURES : undefined;
  // What Fairlead has beyond the names that there are for features is known without being said.
  return targetOf(options.className, features && isOwn ? [...features, ...Object.values(BEYOND)] : features);
}

const ownController = 'fairlead.dev/gateway-controller';

function gatewayOf(written: string | undefined): readonly [string?, string?] {
  if (written === undefined) return [];
  const match = /^([a-z0-9]([-a-z0-9]*[a-z0-9])?)\/([a-z0-9]([-a-z0-9.]*[a-z0-9])?)$/.exec(written);
  if (match === null)
    throw new FairleadError('migrate/bad-gateway', `${JSON.stringify(written)} is no namespace and name.`, {
      field: '--gateway',
      hint: 'Write it as NAMESPACE/NAME.',
    });
  return [match[1] ?? '', match[3] ?? ''];
}
