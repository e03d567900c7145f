import { FairleadError } from '../../base/errors.ts';
import type { IngressModel } from '../../insight/migrate/index.ts';
import { liveLines, proveLive } from '../../insight/migrate/ingress/proof/index.ts';
import { namespaces } from '../../kernel/contract.ts';
import { namespacePath } from '../../kernel/ns/index.ts';
import { GATEWAYS } from '../../kube/resources.ts';
import type { KubeObject } from '../../kube/types/meta.ts';
import { clientOf } from '../object-source.ts';
import { askGateway } from './ask-gateway.ts';

/**
 * Asks the Gateways of a cluster of this machine, from outside of it, what the tables of converted objects say: whether they
 * agree. The objects have to be applied.
 */
export async function verifyLive(
  cluster: string,
  model: IngressModel,
  objects: readonly KubeObject[],
): Promise<boolean> {
  const addresses = await addressesOf(cluster, objects);
  const world = namespacePath(namespaces.world(cluster));
  const proof = await proveLive(model, objects, (gateway, request) =>
    askGateway({ namespacePath: world, address: addresses.get(gateway) ?? '' }, request),
  );
  process.stderr.write(`${liveLines(proof).join('\n')}\n`);
  return proof.different === 0 && proof.asked > 0;
}

async function addressesOf(
  cluster: string,
  objects: readonly KubeObject[],
): Promise<ReadonlyMap<string, string>> {
  const client = clientOf({ cluster, files: [] }, 'migrate');
  try {
    const { items } = await client.list(GATEWAYS);
    const addresses = new Map<string, string>();
    for (const { metadata, status } of items) {
      const [first] = status?.addresses ?? [];
      if (first !== undefined) addresses.set(`${metadata.namespace ?? ''}/${metadata.name}`, first.value);
    }
    for (const { kind, metadata } of objects) {
      const key = `${metadata.namespace ?? ''}/${metadata.name}`;
      if (kind === 'Gateway' && !addresses.has(key))
        throw new FairleadError(
          'migrate/no-gateway',
          `Gateway ${key} has no address in the cluster ${cluster}`,
          {
            object: `Gateway/${key}`,
            hint: 'Apply the converted objects, and wait until the Gateway is programmed.',
          },
        );
    }
    return addresses;
  } finally {
    client.close();
  }
}
