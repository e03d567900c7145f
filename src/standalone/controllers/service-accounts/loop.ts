import { isAlreadyExists } from '../../../kube/api-error.ts';
import { CONFIG_MAPS, SERVICE_ACCOUNTS } from '../../../kube/resources.ts';
import { controllerQueue } from '../context.ts';
import type { Controller, ControllerContext } from '../context.ts';
import { DEFAULT_SERVICE_ACCOUNT, ROOT_CERTIFICATE_CONFIG_MAP } from '../names.ts';
import { furnish } from './decide.ts';
import type { Write } from './decide.ts';

/** Gives every namespace its ServiceAccount and root certificate, and puts them back when they are deleted. */
export function startServiceAccounts(context: ControllerContext, certificate: string): Controller {
  const { client, informers } = context;
  const { namespaces, rootCertificates, serviceAccounts } = informers;
  const queue = controllerQueue(context, 'service-accounts', synchronize, 4);

  const stop = [
    namespaces.onChange(({ after }) => {
      if (after !== undefined) queue.add(after.metadata.name);
    }),
    serviceAccounts.onChange(({ before, after }) => {
      if (after === undefined) queue.add(before?.metadata.namespace ?? '');
    }),
    rootCertificates.onChange(({ before, after }) => {
      queue.add((after ?? before)?.metadata.namespace ?? '');
    }),
  ];

  async function synchronize(name: string): Promise<void> {
    const namespace = namespaces.cache.get(name);
    if (namespace === undefined) return;
    const writes = furnish({
      namespace,
      serviceAccount: serviceAccounts.cache.get(`${name}/${DEFAULT_SERVICE_ACCOUNT}`),
      rootCertificate: rootCertificates.cache.get(`${name}/${ROOT_CERTIFICATE_CONFIG_MAP}`),
      certificate,
    });
    for (const write of writes) await execute(write);
  }

  async function execute(write: Write): Promise<void> {
    try {
      switch (write.do) {
        case 'create-service-account':
          await client.create(SERVICE_ACCOUNTS, write.object);
          return;
        case 'create-config-map':
          await client.create(CONFIG_MAPS, write.object);
          return;
        case 'update-config-map':
          await client.update(CONFIG_MAPS, write.object);
          return;
      }
    } catch (error) {
      if (!isAlreadyExists(error)) throw error; // the cache was behind
    }
  }

  return {
    name: 'service-accounts',
    close: async () => {
      for (const each of stop) each();
      await queue.close();
    },
  };
}
