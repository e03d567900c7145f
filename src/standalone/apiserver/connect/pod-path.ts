import { valueAt, isFields } from '../object.ts';
import type { ApiObject } from '../object.ts';
import { numberParameter, booleanParameter, keyOfTarget, objectsOf } from '../resource/target.ts';
import type { Target } from '../resource/target.ts';
import { badRequest, invalid, notFound } from '../status.ts';
import type { FieldError } from '../kind.ts';

/** The runtime's path for a request to `pods/NAME/log|exec|attach|portforward`; throws what is wrong with the request. */
export function runtimePath(target: Target): string {
  const entry = objectsOf(target).get(keyOfTarget(target));
  if (entry === undefined) throw notFound(target.kind, target.name);
  const pod = entry.object;
  if ((valueAt(pod, ['spec', 'nodeName']) ?? '') === '') {
    throw badRequest(`pod ${target.name} does not have a host assigned`);
  }
  const base = [target.namespace, target.name].map(encodeURIComponent).join('/');
  switch (target.subresource?.name ?? '') {
    case 'log':
      return `/containerLogs/${base}/${containerOf(target, pod)}?${logQuery(target).toString()}`;
    case 'exec':
      return `/exec/${base}/${containerOf(target, pod)}?${streamQuery(target, true).toString()}`;
    case 'attach':
      return `/attach/${base}/${containerOf(target, pod)}?${streamQuery(target, false).toString()}`;
    default:
      return `/portForward/${base}?${portQuery(target).toString()}`;
  }
}

function containerOf(target: Target, pod: ApiObject): string {
  const main = containerNames(pod, 'containers');
  const init = containerNames(pod, 'initContainers');
  const ephemeral = containerNames(pod, 'ephemeralContainers');
  const asked = target.request.query.get('container') ?? '';
  const only = main.length === 1 && init.length === 0 && ephemeral.length === 0 ? main[0] : undefined;
  const named =
    asked === '' ? (only ?? pod.metadata.annotations?.['kubectl.kubernetes.io/default-container']) : asked;
  if (named === undefined || named === '') {
    const others = init.length === 0 ? '' : ` or one of the init containers: [${init.join(' ')}]`;
    throw badRequest(
      `a container name must be specified for pod ${target.name}, choose one of: [${main.join(' ')}]${others}`,
    );
  }
  if (![...main, ...init, ...ephemeral].includes(named)) {
    throw badRequest(`container ${named} is not valid for pod ${target.name}`);
  }
  return encodeURIComponent(named);
}

function containerNames(pod: ApiObject, field: string): readonly string[] {
  const containers = valueAt(pod, ['spec', field]);
  return (Array.isArray(containers) ? containers : [])
    .filter(isFields)
    .map(container => container['name'])
    .filter(name => typeof name === 'string');
}

/** PodLogOptions of core/v1, checked. */
function logQuery(target: Target): URLSearchParams {
  const { query } = target.request;
  const out = new URLSearchParams();
  const errors: FieldError[] = [];
  for (const field of ['tailLines', 'sinceSeconds', 'limitBytes']) {
    const value = numberParameter(query, field);
    if (value === undefined) continue;
    const least = field === 'tailLines' ? 0 : 1;
    if (value < least) {
      errors.push({
        type: 'Invalid',
        field,
        value,
        detail: `must be greater than ${least === 0 ? 'or equal to ' : ''}0`,
      });
    }
    out.set(field, String(value));
  }
  const sinceTime = query.get('sinceTime') ?? '';
  if (sinceTime !== '' && out.has('sinceSeconds')) {
    errors.push({
      type: 'Forbidden',
      field: '',
      detail: 'at most one of `sinceTime` or `sinceSeconds` may be specified',
    });
  }
  if (sinceTime !== '') {
    if (Number.isNaN(Date.parse(sinceTime)))
      throw badRequest(`invalid sinceTime ${JSON.stringify(sinceTime)}`);
    out.set('sinceTime', sinceTime);
  }
  for (const field of ['follow', 'previous', 'timestamps']) {
    if (booleanParameter(query, field) === true) out.set(field, 'true');
  }
  if (errors.length > 0) throw invalid({ group: '', kind: 'PodLogOptions' }, target.name, errors);
  return out;
}

/** PodExecOptions and PodAttachOptions of core/v1; both begin without any stream. */
function streamQuery(target: Target, isExec: boolean): URLSearchParams {
  const { query } = target.request;
  const out = new URLSearchParams();
  const command = query.getAll('command');
  if (isExec && command.length === 0)
    throw badRequest('you must specify at least one command for the container');
  for (const part of isExec ? command : []) out.append('command', part);
  const streams = ['stdin', 'stdout', 'stderr'].filter(field => booleanParameter(query, field) === true);
  const tty = booleanParameter(query, 'tty') === true;
  if (streams.length === 0) throw badRequest('you must specify at least 1 of stdin, stdout, stderr');
  if (tty && streams.includes('stderr')) throw badRequest('tty and stderr cannot both be true');
  for (const field of [...streams, ...(tty ? ['tty'] : [])]) out.set(field, 'true');
  return out;
}

/** Ports in the query are the older form of port-forward; the newer one names them per stream. */
function portQuery(target: Target): URLSearchParams {
  const out = new URLSearchParams();
  for (const list of target.request.query.getAll('ports')) {
    for (const port of list.split(',')) {
      if (!/^[1-9]\d{0,4}$/.test(port) || Number(port) > 65_535)
        throw badRequest(`invalid port ${JSON.stringify(port)}`);
      out.append('ports', port);
    }
  }
  return out;
}
