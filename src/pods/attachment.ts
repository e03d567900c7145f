import { createHash } from 'node:crypto';
import { interfaces } from '../kernel/contract.ts';
import type { AttachmentKey } from './model.ts';

/** The name of the host's end of an attachment's veth: the contract's `podHost`, as the CNI plugin derives it too. */
export function hostInterfaceOf(key: AttachmentKey): string {
  const hash = createHash('sha256').update(`${key.containerId}/${key.interfaceName}`).digest('hex');
  return interfaces.podHost(hash.slice(0, 11));
}

/** The pod's end has a locally administered address made of the same digits, so a repeated wiring gives the same one. */
export function podMacOf(hostInterface: string): string {
  const digits = hostInterface.slice(interfaces.podHostPrefix.length, interfaces.podHostPrefix.length + 10);
  return `02:${digits.match(/../g)?.join(':') ?? ''}`;
}

/** Linux keeps at most 255 bytes of an alias (IFALIASZ). */
const aliasLimit = 255;

/** What `ip link` shows of a pod's veth, and what the store is rebuilt from. */
export function aliasOf(key: AttachmentKey, pod: { namespace: string; name: string; uid: string }): string {
  const text = `pod ${key.containerId}/${key.interfaceName} ${pod.uid || '-'} ${pod.namespace}/${pod.name}`;
  return text.slice(0, aliasLimit);
}

export interface AliasContent extends AttachmentKey {
  readonly pod: { readonly namespace: string; readonly name: string; readonly uid: string };
}

/** Undefined for an alias that is not ours. A long pod name may have lost its end. */
export function parseAlias(alias: string): AliasContent | undefined {
  const found = /^pod ([^ /]+)\/([^ /]+) ([^ ]+) ([^ /]+)\/([^ /]*)$/.exec(alias);
  if (found === null) return undefined;
  const [, containerId = '', interfaceName = '', uid = '', namespace = '', name = ''] = found;
  return { containerId, interfaceName, pod: { namespace, name, uid: uid === '-' ? '' : uid } };
}
