import { FairleadError } from '../../../base/errors.ts';
import type {
  ConfigMap,
  Container,
  EnvVar,
  PersistentVolumeClaim,
  Pod,
  Secret,
  Service,
} from '../../../kube/types/core.ts';
import { expand } from './expand.ts';
import { fieldValue, resourceValue, type PodFacts } from './field-reference.ts';
import { serviceEnvironment } from './service-environment.ts';

/** The objects of the pod's own namespace, and Services, as they are known now. */
export interface Objects {
  configMap(namespace: string, name: string): ConfigMap | undefined;
  secret(namespace: string, name: string): Secret | undefined;
  services(): readonly Service[];
  claim(namespace: string, name: string): PersistentVolumeClaim | undefined;
}

export interface EnvironmentInput {
  readonly facts: PodFacts;
  readonly container: Container;
  readonly imageEnvironment: Readonly<Record<string, string>>;
  readonly hostname: string;
  readonly objects: Objects;
}

/**
 * A container's environment: image, host name, Services, `envFrom`, `env`; later ones win. Throws a FairleadError with
 * the kubelet's sentence (`configmap "x" not found`) while something that is not optional is missing:
 * CreateContainerConfigError, tried again later.
 */
export function containerEnvironment(input: EnvironmentInput): ReadonlyMap<string, string> {
  const { facts, container, objects } = input;
  const namespace = facts.pod.metadata.namespace ?? '';
  const links = facts.pod.spec.enableServiceLinks ?? true;
  const services = serviceEnvironment(objects.services(), namespace, links);
  const own = new Map<string, string>();
  addFrom(own, container, namespace, objects);
  for (const variable of container.env ?? []) {
    const value = valueOf(variable, input, name => own.get(name) ?? services.get(name));
    if (value !== undefined) own.set(variable.name, value);
  }
  const environment = new Map(Object.entries(input.imageEnvironment));
  environment.set('HOSTNAME', input.hostname);
  for (const part of [services, own]) for (const [name, value] of part) environment.set(name, value);
  return environment;
}

function addFrom(own: Map<string, string>, container: Container, namespace: string, objects: Objects): void {
  for (const source of container.envFrom ?? []) {
    const prefix = source.prefix ?? '';
    for (const [key, value] of Object.entries(entriesOf(source, namespace, objects))) {
      // Kubernetes 1.32 takes every printable name without '='; what the kernel cannot carry is left out.
      if (!/[=\0]/.test(key)) own.set(prefix + key, value);
    }
  }
}

function entriesOf(
  source: NonNullable<Container['envFrom']>[number],
  namespace: string,
  objects: Objects,
): Readonly<Record<string, string>> {
  if (source.configMapRef !== undefined) {
    const { name = '', optional } = source.configMapRef;
    const found = objects.configMap(namespace, name);
    if (found === undefined && optional !== true) throw missing('configmap', name);
    return found?.data ?? {};
  }
  if (source.secretRef !== undefined) {
    const { name = '', optional } = source.secretRef;
    const found = objects.secret(namespace, name);
    if (found === undefined && optional !== true) throw missing('secret', name);
    return Object.fromEntries(Object.entries(found?.data ?? {}).map(([key, value]) => [key, decode(value)]));
  }
  return {};
}

function valueOf(
  variable: EnvVar,
  input: EnvironmentInput,
  lookup: (name: string) => string | undefined,
): string | undefined {
  const from = variable.valueFrom;
  if (from === undefined) return expand(variable.value ?? '', lookup);
  const { facts, objects, container } = input;
  const namespace = facts.pod.metadata.namespace ?? '';
  if (from.fieldRef !== undefined) return fieldValue(facts, from.fieldRef.fieldPath);
  if (from.resourceFieldRef !== undefined) {
    const named = from.resourceFieldRef.containerName;
    return resourceValue(
      facts,
      named === undefined ? container : containerNamed(facts.pod, named),
      from.resourceFieldRef,
    );
  }
  if (from.configMapKeyRef !== undefined) {
    const { name = '', key, optional } = from.configMapKeyRef;
    const found = objects.configMap(namespace, name);
    if (found === undefined && optional !== true) throw missing('configmap', name);
    return keyOf('ConfigMap', name, namespace, key, found?.data?.[key], optional);
  }
  if (from.secretKeyRef !== undefined) {
    const { name = '', key, optional } = from.secretKeyRef;
    const found = objects.secret(namespace, name);
    if (found === undefined && optional !== true) throw missing('secret', name);
    const value = found?.data?.[key];
    return keyOf('Secret', name, namespace, key, value === undefined ? undefined : decode(value), optional);
  }
  throw new FairleadError(
    'runtime/environment',
    `the source of the variable ${variable.name} is not supported`,
  );
}

function keyOf(
  kind: string,
  name: string,
  namespace: string,
  key: string,
  value: string | undefined,
  optional: boolean | undefined,
): string | undefined {
  if (value !== undefined || optional === true) return value;
  throw new FairleadError('runtime/missing-key', `couldn't find key ${key} in ${kind} ${namespace}/${name}`);
}

function containerNamed(pod: Pod, name: string): Container {
  const all = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])];
  const found = all.find(container => container.name === name);
  if (found === undefined)
    throw new FairleadError('runtime/environment', `the pod has no container "${name}"`);
  return found;
}

function missing(kind: string, name: string): FairleadError {
  return new FairleadError('runtime/missing-object', `${kind} "${name}" not found`);
}

function decode(base64: string): string {
  return Buffer.from(base64, 'base64').toString('utf8');
}
