import { parseQuantity } from '../text/quantity.ts';
import {
  configKey,
  dnsLabel,
  dnsSubdomain,
  environmentName,
  portName,
  qualifiedName,
} from '../text/names.ts';
import type { Findings } from '../validation/findings.ts';
import type { Place } from '../validation/place.ts';
import { checkLifecycle, checkProbe } from './probe-validation.ts';

const PROTOCOLS = ['SCTP', 'TCP', 'UDP'];
const PULL_POLICIES = ['Always', 'IfNotPresent', 'Never'];
const MESSAGE_POLICIES = ['FallbackToLogsOnError', 'File'];

/** The containers of a pod; `volumes` are the names that their mounts may use. */
export function checkContainers(found: Findings, spec: Place, volumes: ReadonlySet<string>): void {
  const names = new Set<string>();
  const hostPorts = new Set<string>();
  const hostNetwork = spec.child('hostNetwork').flag;
  const grace = spec.child('terminationGracePeriodSeconds').number;
  if (spec.child('containers').list.length === 0) found.required(spec.child('containers'));
  for (const list of ['containers', 'initContainers', 'ephemeralContainers']) {
    for (const container of spec.child(list).items()) {
      checkContainer(found, container, volumes, hostNetwork);
      checkName(found, container.child('name'), names);
      // Init containers end before the others start: only those that run side by side compete for the node's ports.
      if (list === 'containers') checkHostPorts(found, container.child('ports'), hostPorts);
      if (list === 'initContainers') checkInitContainer(found, container, grace);
      else if (list === 'containers') checkProbes(found, container, grace);
    }
  }
}

function checkName(found: Findings, name: Place, names: Set<string>): void {
  if (name.text === '') found.required(name);
  else found.complaints(name, dnsLabel);
  if (names.has(name.text) && name.text !== '') found.duplicate(name);
  names.add(name.text);
}

function checkContainer(
  found: Findings,
  container: Place,
  volumes: ReadonlySet<string>,
  hostNetwork: boolean,
): void {
  const image = container.child('image');
  if (image.text === '') found.required(image);
  else if (image.text.trim() !== image.text)
    found.invalid(image, 'must not have leading or trailing whitespace');
  checkPorts(found, container.child('ports'), hostNetwork);
  checkEnvironment(found, container);
  checkMounts(found, container.child('volumeMounts'), volumes);
  checkResources(found, container.child('resources'));
  found.oneOf(container.child('imagePullPolicy'), PULL_POLICIES);
  const messages = container.child('terminationMessagePolicy');
  if (messages.present) found.oneOf(messages, MESSAGE_POLICIES);
  checkSecurity(found, container.child('securityContext'));
}

function checkProbes(found: Findings, container: Place, grace: number): void {
  checkLifecycle(found, container.child('lifecycle'), grace);
  for (const name of ['livenessProbe', 'readinessProbe', 'startupProbe'])
    checkProbe(found, container.child(name));
  const readiness = container.child('readinessProbe').child('terminationGracePeriodSeconds');
  if (readiness.present) found.invalid(readiness, 'must not be set for readinessProbes');
  for (const name of ['livenessProbe', 'startupProbe']) {
    const threshold = container.child(name).child('successThreshold');
    if (threshold.present && threshold.number !== 1) found.invalid(threshold, 'must be 1');
  }
}

/** Only those that keep running (`restartPolicy: Always`) are probed. */
function checkInitContainer(found: Findings, container: Place, grace: number): void {
  const restart = container.child('restartPolicy');
  if (restart.text === 'Always') {
    checkProbes(found, container, grace);
    return;
  }
  if (restart.present) found.optionalOneOf(restart, ['Always', 'Never', 'OnFailure']);
  for (const name of ['lifecycle', 'livenessProbe', 'readinessProbe', 'startupProbe']) {
    if (container.child(name).present) {
      found.forbidden(
        container.child(name),
        'may not be set for init containers without restartPolicy=Always',
      );
    }
  }
}

function checkPorts(found: Findings, ports: Place, hostNetwork: boolean): void {
  const names = new Set<string>();
  for (const port of ports.items()) {
    const name = port.child('name');
    if (name.text !== '') {
      found.complaints(name, portName);
      if (names.has(name.text)) found.duplicate(name);
      names.add(name.text);
    }
    const number = port.child('containerPort');
    if (number.number === 0) found.required(number);
    else found.port(number);
    const host = port.child('hostPort');
    if (host.number !== 0) {
      found.port(host);
      if (hostNetwork && host.number !== number.number)
        found.invalid(host, 'must match `containerPort` when `hostNetwork` is true');
    }
    if (port.child('protocol').text === '') found.required(port.child('protocol'));
    else found.optionalOneOf(port.child('protocol'), PROTOCOLS);
  }
}

function checkHostPorts(found: Findings, ports: Place, taken: Set<string>): void {
  for (const port of ports.items()) {
    const host = port.child('hostPort').number;
    if (host === 0) continue;
    const key = `${port.child('protocol').text}/${port.child('hostIP').text}/${host}`;
    if (taken.has(key)) found.duplicate(port.child('hostPort'), key);
    taken.add(key);
  }
}

function checkEnvironment(found: Findings, container: Place): void {
  for (const variable of container.child('env').items()) {
    const name = variable.child('name');
    if (name.text === '') found.required(name);
    else found.complaints(name, environmentName);
    checkValueFrom(found, variable);
  }
  for (const source of container.child('envFrom').items()) {
    const prefix = source.child('prefix');
    if (prefix.text !== '') found.complaints(prefix, environmentName);
    const given = ['configMapRef', 'secretRef']
      .map(name => source.child(name))
      .filter(place => place.present);
    if (given.length === 0) found.invalid(source, 'must specify one of: `configMapRef` or `secretRef`', '');
    if (given.length > 1) found.invalid(source, 'may not have more than one field specified at a time', '');
    for (const place of given) if (place.child('name').text === '') found.required(place.child('name'));
  }
}

const VALUE_SOURCES = ['fieldRef', 'resourceFieldRef', 'configMapKeyRef', 'secretKeyRef', 'fileKeyRef'];
const POD_FIELDS =
  /^(metadata\.(name|namespace|uid)|metadata\.(labels|annotations)\['[^']+'\]|spec\.(nodeName|serviceAccountName)|status\.(hostIP|hostIPs|podIP|podIPs))$/;

const RESOURCE_FIELDS = ['limits', 'requests'].flatMap(list =>
  ['cpu', 'ephemeral-storage', 'memory'].map(name => `${list}.${name}`),
);

function checkValueFrom(found: Findings, variable: Place): void {
  const from = variable.child('valueFrom');
  if (!from.present) return;
  const given = VALUE_SOURCES.map(name => from.child(name)).filter(place => place.present);
  const one =
    'must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`';
  if (given.length === 0) found.invalid(from, one, '');
  else if (variable.child('value').text !== '')
    found.invalid(from, 'may not be specified when `value` is not empty', '');
  if (given.length > 1) found.invalid(from, 'may not have more than one field specified at a time', '');
  const path = from.child('fieldRef').child('fieldPath');
  if (from.child('fieldRef').present) {
    if (path.text === '') found.required(path);
    else if (!POD_FIELDS.test(path.text))
      found.invalid(path, `error converting fieldPath: field label not supported: ${path.text}`);
  }
  const resource = from.child('resourceFieldRef').child('resource');
  if (from.child('resourceFieldRef').present) {
    if (resource.text === '') found.required(resource);
    else if (
      !RESOURCE_FIELDS.includes(resource.text) &&
      !/^(limits|requests)\.hugepages-/.test(resource.text)
    )
      found.notSupported(resource, RESOURCE_FIELDS);
  }
  for (const name of ['configMapKeyRef', 'secretKeyRef']) {
    const reference = from.child(name);
    if (!reference.present) continue;
    found.complaints(reference.child('name'), dnsSubdomain);
    if (reference.child('key').text === '') found.required(reference.child('key'));
    else found.complaints(reference.child('key'), configKey);
  }
}

function checkMounts(found: Findings, mounts: Place, volumes: ReadonlySet<string>): void {
  const paths = new Set<string>();
  for (const mount of mounts.items()) {
    const [name, path, subPath] = [mount.child('name'), mount.child('mountPath'), mount.child('subPath')];
    if (name.text === '') found.required(name);
    if (!volumes.has(name.text))
      found.add({ type: 'NotFound', field: name.path, value: name.text, detail: '' });
    if (path.text === '') found.required(path);
    else if (paths.has(path.text)) found.invalid(path, 'must be unique');
    paths.add(path.text);
    if (subPath.text.startsWith('/')) found.invalid(subPath, 'must be a relative path');
    if (subPath.text.split('/').includes('..')) found.invalid(subPath, "must not contain '..'");
    if (subPath.text !== '' && mount.child('subPathExpr').text !== '') {
      found.invalid(mount.child('subPathExpr'), 'subPathExpr and subPath are mutually exclusive');
    }
  }
}

function checkResources(found: Findings, resources: Place): void {
  for (const name of ['limits', 'requests']) {
    for (const [resource, amount] of resources.child(name).entries()) {
      for (const complaint of qualifiedName(resource)) found.invalid(amount, complaint, resource);
      if (!resource.includes('/') && !isStandardResource(resource)) {
        found.invalid(amount, 'must be a standard resource for containers', resource);
      }
      const quantity = parseQuantity(amount.text);
      if (quantity !== undefined && quantity.nano < 0n) {
        found.invalid(amount, 'must be greater than or equal to 0');
      }
    }
  }
  for (const [resource, amount] of resources.child('requests').entries()) {
    const limit = parseQuantity(resources.child('limits').key(resource).text);
    const request = parseQuantity(amount.text);
    if (limit !== undefined && request !== undefined && request.nano > limit.nano) {
      // Upstream names the list here, not the resource within it.
      found.invalid(
        resources.child('requests'),
        `must be less than or equal to ${resource} limit of ${resources.child('limits').key(resource).text}`,
        amount.value,
      );
    }
  }
}

const isStandardResource = (name: string): boolean =>
  ['cpu', 'memory', 'ephemeral-storage'].includes(name) || name.startsWith('hugepages-');

function checkSecurity(found: Findings, context: Place): void {
  for (const name of ['runAsUser', 'runAsGroup']) {
    if (context.child(name).present) found.range(context.child(name), 0, 2 ** 31 - 1);
  }
  if (context.child('privileged').flag && context.child('allowPrivilegeEscalation').value === false) {
    found.invalid(
      context,
      'cannot set `allowPrivilegeEscalation` to false and `privileged` to true',
      context.value,
    );
  }
}
