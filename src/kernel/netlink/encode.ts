import { encodeAddressAdd, encodeAddressDelete } from './address.ts';
import { encodeLinkAdd, encodeLinkDelete, encodeLinkSet, encodeLinksDelete } from './link.ts';
import {
  encodeForwardingDelete,
  encodeForwardingReplace,
  encodeNeighbourDelete,
  encodeNeighbourReplace,
  encodeProxy,
} from './neighbour.ts';
import type { RouteOperation } from './operation.ts';
import type { Request, Resolver } from './request.ts';
import { encodeRouteDelete, encodeRouteReplace } from './route.ts';
import { encodeRuleAdd, encodeRuleDelete } from './rule.ts';

/** The messages of one operation, in order. Pure but for what `resolve` is asked. */
export function encodeOperation(operation: RouteOperation, resolve: Resolver): readonly Request[] {
  switch (operation.do) {
    case 'link-add':
      return encodeLinkAdd(operation, resolve);
    case 'link-set':
      return encodeLinkSet(operation, resolve);
    case 'link-delete':
      return [encodeLinkDelete(operation.dev)];
    case 'links-delete':
      return encodeLinksDelete(operation.devs);
    case 'address-add':
      return [encodeAddressAdd(operation, resolve)];
    case 'address-delete':
      return [encodeAddressDelete(operation.dev, operation.address, resolve)];
    case 'route-replace':
      return [encodeRouteReplace(operation, resolve)];
    case 'route-delete':
      return [encodeRouteDelete(operation, resolve)];
    case 'rule-add':
      return [encodeRuleAdd(operation)];
    case 'rule-delete':
      return [encodeRuleDelete(operation)];
    case 'neighbour-replace':
      return [encodeNeighbourReplace(operation, resolve)];
    case 'neighbour-delete':
      return [encodeNeighbourDelete(operation.dev, operation.address, resolve)];
    case 'proxy-replace':
    case 'proxy-delete':
      return [encodeProxy(operation, resolve)];
    case 'fdb-replace':
      return [encodeForwardingReplace(operation, resolve)];
    case 'fdb-delete':
      return [encodeForwardingDelete(operation, resolve)];
  }
}

/** Names and numbers of links change with these: what was resolved before has to be asked again. */
export function changesLinks(operation: RouteOperation): boolean {
  return operation.do.startsWith('link');
}

/** What the kernel answers when the thing to delete is not there. */
const absent: ReadonlySet<string> = new Set(['ENODEV', 'ENOENT', 'ESRCH', 'EADDRNOTAVAIL', 'ENXIO']);

/** The operation has reached its end although the kernel refused it: nothing to delete, or the same rule again. */
export function isDone(operation: RouteOperation, errno: string): boolean {
  if (operation.do.endsWith('-delete')) return absent.has(errno);
  return operation.do === 'rule-add' && errno === 'EEXIST';
}
