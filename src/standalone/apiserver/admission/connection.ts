import type { Fields } from '../object.ts';
import { booleanParameter } from '../resource/target.ts';
import type { Target } from '../resource/target.ts';

const KINDS: Readonly<Record<string, string>> = {
  exec: 'PodExecOptions',
  attach: 'PodAttachOptions',
  portforward: 'PodPortForwardOptions',
};

/** Asks about a connection to a pod (operation CONNECT): its object is what the query says, as core/v1 PodExecOptions. */
export async function admitConnection(target: Target): Promise<void> {
  const concern = target.context.admission.concern(target, 'CONNECT');
  if (concern === undefined) return;
  const options = optionsOf(target);
  await concern.passUnchanged(options, undefined);
  await concern.validate(options, undefined);
}

function optionsOf({ request, subresource }: Target): Fields {
  const { query } = request;
  const name = subresource?.name ?? '';
  const head = { kind: KINDS[name] ?? '', apiVersion: 'v1' };
  if (name === 'portforward') {
    const ports = query.getAll('ports').map(Number);
    return ports.length === 0 ? head : { ...head, ports };
  }
  const flags = ['stdin', 'stdout', 'stderr', 'tty'].filter(flag => booleanParameter(query, flag) === true);
  const container = query.get('container') ?? '';
  const command = query.getAll('command');
  return {
    ...head,
    ...Object.fromEntries(flags.map(flag => [flag, true])),
    ...(container === '' ? {} : { container }),
    ...(command.length === 0 ? {} : { command }),
  };
}
