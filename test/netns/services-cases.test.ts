import { test } from 'node:test';
import { systemClock } from '../../src/base/clock.ts';
import { ServiceNetwork } from '../../src/services/index.ts';
import { checkDataPath } from '../cases/services/check.ts';
import { serviceCases } from '../cases/services/index.ts';
import {
  addressOf,
  addresses,
  families,
  nodeName,
  objectsOf,
  servicePrefixes,
  zone,
} from '../cases/services/objects.ts';
import { startCasesRig } from './services-cases-rig.ts';
import { Objects } from './services-node.ts';

test('nftables does with every packet what the API says', async context => {
  const { node, reach } = await startCasesRig(context);
  let objects = new Objects();
  const source = {
    keys: () => objects.keys(),
    service: (key: string) => objects.service(key),
    slices: (key: string) => objects.slices(key),
  };
  const own = families.map(family => addressOf(addresses[family].node));
  const place = { node: nodeName, zone, addresses: own, nodePortAddresses: own, servicePrefixes };
  const network = new ServiceNetwork({ kernel: node.kernel, place, clock: systemClock }, source);
  await network.load();
  for (const one of serviceCases) {
    await context.test(one.name, async () => {
      const before = [...objects.keys()];
      objects = new Objects();
      const { services, slices } = objectsOf(one);
      objects.put(...services, ...slices);
      for (const key of new Set([...before, ...objects.keys()])) await network.change(key);
      await checkDataPath(one, ask => reach(one, ask));
    });
  }
});
