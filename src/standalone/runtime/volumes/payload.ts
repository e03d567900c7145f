import { FairleadError } from '../../../base/errors.ts';
import type {
  ConfigMap,
  DownwardAPIVolumeFile,
  KeyToPath,
  Pod,
  Secret,
  Volume,
} from '../../../kube/types/core.ts';
import type { Objects } from '../container/environment.ts';
import { fieldValue, resourceValue, type PodFacts } from '../container/field-reference.ts';

export interface PayloadFile {
  readonly data: Buffer;
  readonly mode: number;
}

/** The files of a volume by their relative path. */
export type Payload = ReadonlyMap<string, PayloadFile>;

export interface TokenRequest {
  readonly audience: string | undefined;
  readonly expirationSeconds: number | undefined;
}

export interface PayloadSources {
  readonly facts: PodFacts;
  readonly objects: Objects;
  /** Undefined where the API gives no tokens: the file is then left out. */
  token(request: TokenRequest): Promise<string | undefined>;
}

const DEFAULT_MODE = 0o644;

/** Volumes whose content comes from the API and follows it. */
export function hasPayload(volume: Volume): boolean {
  return (
    volume.configMap !== undefined ||
    volume.secret !== undefined ||
    volume.downwardAPI !== undefined ||
    volume.projected !== undefined
  );
}

/** What is in such a volume now. Throws the kubelet's sentence while something that is not optional is missing. */
export async function payloadOf(volume: Volume, sources: PayloadSources): Promise<Payload> {
  const { configMap, secret, downwardAPI, projected } = volume;
  if (configMap !== undefined) {
    return new Map(configMapFiles({ ...configMap }, configMap.defaultMode, sources));
  }
  if (secret !== undefined) {
    const { secretName, ...rest } = secret;
    return new Map(secretFiles({ ...rest, ...nameOf(secretName) }, secret.defaultMode, sources));
  }
  if (downwardAPI !== undefined) {
    return new Map(downwardFiles(downwardAPI.items ?? [], downwardAPI.defaultMode, sources.facts));
  }
  const files = new Map<string, PayloadFile>();
  for (const source of projected?.sources ?? []) {
    for (const [path, file] of await projectedFiles(source, projected?.defaultMode, sources))
      files.set(path, file);
  }
  return files;
}

type Files = readonly (readonly [string, PayloadFile])[];
type Projection = NonNullable<NonNullable<Volume['projected']>['sources']>[number];

async function projectedFiles(
  source: Projection,
  mode: number | undefined,
  sources: PayloadSources,
): Promise<Files> {
  if (source.configMap !== undefined) return configMapFiles(source.configMap, mode, sources);
  if (source.secret !== undefined) return secretFiles(source.secret, mode, sources);
  if (source.downwardAPI !== undefined)
    return downwardFiles(source.downwardAPI.items ?? [], mode, sources.facts);
  if (source.serviceAccountToken !== undefined) {
    const { audience, expirationSeconds, path } = source.serviceAccountToken;
    const token = await sources.token({ audience, expirationSeconds });
    if (token === undefined) return [];
    return [[checkPath(path), { data: Buffer.from(token), mode: mode ?? DEFAULT_MODE }]];
  }
  throw new FairleadError(
    'runtime/volume',
    'a source of the projected volume is not offered by this cluster',
    {
      hint: 'Use configMap, secret, downwardAPI and serviceAccountToken.',
    },
  );
}

interface Reference {
  readonly name?: string;
  readonly items?: readonly KeyToPath[];
  readonly optional?: boolean;
}

function configMapFiles(reference: Reference, mode: number | undefined, sources: PayloadSources): Files {
  const found = sources.objects.configMap(namespaceOf(sources.facts.pod), reference.name ?? '');
  if (found === undefined) return whenMissing('configmap', reference);
  return select(reference, mode, 'config', configMapData(found));
}

function configMapData(object: ConfigMap): ReadonlyMap<string, Buffer> {
  return new Map([
    ...Object.entries(object.data ?? {}).map(([key, text]) => [key, Buffer.from(text)] as const),
    ...Object.entries(object.binaryData ?? {}).map(
      ([key, text]) => [key, Buffer.from(text, 'base64')] as const,
    ),
  ]);
}

function secretFiles(reference: Reference, mode: number | undefined, sources: PayloadSources): Files {
  const found = sources.objects.secret(namespaceOf(sources.facts.pod), reference.name ?? '');
  if (found === undefined) return whenMissing('secret', reference);
  return select(reference, mode, 'secret', secretData(found));
}

function secretData(object: Secret): ReadonlyMap<string, Buffer> {
  return new Map(Object.entries(object.data ?? {}).map(([key, text]) => [key, Buffer.from(text, 'base64')]));
}

function whenMissing(kind: string, reference: Reference): Files {
  if (reference.optional === true) return [];
  throw new FairleadError('runtime/missing-object', `${kind} "${reference.name ?? ''}" not found`);
}

function select(
  reference: Reference,
  mode: number | undefined,
  kind: string,
  data: ReadonlyMap<string, Buffer>,
): Files {
  const otherwise = mode ?? DEFAULT_MODE;
  const { items } = reference;
  if (items === undefined || items.length === 0) {
    return [...data].map(([key, bytes]) => [checkPath(key), { data: bytes, mode: otherwise }]);
  }
  return items.flatMap(item => {
    const bytes = data.get(item.key);
    if (bytes !== undefined)
      return [[checkPath(item.path), { data: bytes, mode: item.mode ?? otherwise }] as const];
    if (reference.optional === true) return [];
    throw new FairleadError('runtime/missing-key', `references non-existent ${kind} key: ${item.key}`);
  });
}

function downwardFiles(
  items: readonly DownwardAPIVolumeFile[],
  mode: number | undefined,
  facts: PodFacts,
): Files {
  return items.map(item => [
    checkPath(item.path),
    { data: Buffer.from(downwardValue(item, facts)), mode: item.mode ?? mode ?? DEFAULT_MODE },
  ]);
}

function downwardValue(item: DownwardAPIVolumeFile, facts: PodFacts): string {
  if (item.fieldRef !== undefined) return fieldValue(facts, item.fieldRef.fieldPath);
  const reference = item.resourceFieldRef;
  const container = facts.pod.spec.containers.find(each => each.name === reference?.containerName);
  if (reference === undefined || container === undefined) {
    throw new FairleadError(
      'runtime/volume',
      `the file ${item.path} refers to no field and to no container's resource`,
    );
  }
  return resourceValue(facts, container, reference);
}

/** The API server checks this, too; a path that leads out of the volume would be written to the host. */
function checkPath(path: string): string {
  const parts = path.split('/');
  if (
    path === '' ||
    parts.some(part => part === '' || part === '.' || part === '..') ||
    path.startsWith('..')
  ) {
    throw new FairleadError('runtime/volume-path', `the path "${path}" is not one inside of a volume`);
  }
  return path;
}

function nameOf(name: string | undefined): { readonly name?: string } {
  return name === undefined ? {} : { name };
}

function namespaceOf(pod: Pod): string {
  return pod.metadata.namespace ?? '';
}
