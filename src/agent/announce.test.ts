import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAddress } from '../base/ip.ts';
import { ManualClock } from '../kube/manual-clock.ts';
import { silentLog } from '../base/log.ts';
import { createClientOver } from '../kube/client.ts';
import { FakeApi } from '../kube/fake-api.ts';
import { Informer } from '../kube/informer.ts';
import { NODES } from '../kube/resources.ts';
import type { Node } from '../kube/types/node.ts';
import type { AnnouncingKernel, Frontend } from '../services/index.ts';
import { followAnnouncements } from './announce.ts';

const names = ['node-1', 'node-2'] as const;

/** A Service's front end at an address that another Service has too, with an endpoint on one node. */
function frontend(name: string, port: number, nodeName: string): Frontend {
  const [address, place] = [parseAddress('172.30.200.1'), parseAddress('10.244.0.2')];
  assert.ok(address !== undefined && place !== undefined);
  const provenance = { kind: 'Service', namespace: 'shop', name, uid: name, generation: 1, field: 'spec' };
  const endpoint = { address: place, port: 8080, ready: true, serving: true, terminating: false };
  return {
    address,
    protocol: 'TCP',
    port,
    portName: '',
    service: provenance,
    exposure: { of: 'load-balancer', externalPolicy: 'Local', sourceRanges: undefined },
    endpoints: [{ ...endpoint, nodeName, pod: undefined, provenance }],
  };
}

function kernelOf(index: number): AnnouncingKernel {
  const address = { index: 2, family: 4, address: `172.30.0.${index + 1}/16`, scope: 'global' } as const;
  return {
    links: () => Promise.resolve([{ index: 2, name: 'eth0' } as never]), // nothing else is read
    addresses: () => Promise.resolve([address as never]),
    routes: () => Promise.resolve([]),
    proxies: () => Promise.resolve([]),
    netlink: () => Promise.resolve(),
    sysctls: () => Promise.resolve(),
    announce: () => Promise.resolve(),
  };
}

test('an address that two Services have is announced by one node, whatever each of them would choose', async context => {
  const clock = new ManualClock();
  const api = new FakeApi([NODES]);
  for (const [index, name] of names.entries()) {
    const known: Node = {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name },
      status: {
        addresses: [{ type: 'InternalIP', address: `172.30.0.${index + 1}` }],
        conditions: [{ type: 'Ready', status: 'True' }],
      },
    };
    api.store.put(NODES, known);
  }
  const stop = new AbortController();
  context.after(() => stop.abort(new Error('the test has ended')));
  const announced: (readonly string[])[] = [];
  for (const [index, node] of names.entries()) {
    const nodes = new Informer(createClientOver(api, { clock }), NODES, { clock });
    nodes.start(stop.signal);
    await nodes.synced;
    const kernel = kernelOf(index);
    const announcer = followAnnouncements({
      node,
      kernel,
      nodes,
      clock,
      log: silentLog,
      signal: stop.signal,
    });
    announcer.change('shop/a', [frontend('a', 80, 'node-1')]);
    announcer.change('shop/b', [frontend('b', 81, 'node-2')]);
    announcer.begin();
    for (let turn = 0; turn < 50; turn++) await new Promise(resolve => setImmediate(resolve));
    announced.push(announcer.announced());
    await announcer.close();
  }
  assert.deepEqual(announced.flat(), ['172.30.200.1']);
});
