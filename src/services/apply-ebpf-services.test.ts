import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SocketTranslation } from './apply-ebpf.ts';
import { SocketServices } from './apply-ebpf-services.ts';
import type { ServicePart } from './model.ts';

const part = (key: string): ServicePart => {
  const [namespace = '', name = ''] = key.split('/');
  const service = { kind: 'Service', namespace, name, uid: '', generation: 1, field: 'spec' };
  return { key, age: '', service, addresses: [], frontends: [], isAnnounced: false, problems: [] };
};

test('front ends without room are told of their Service in one sentence, and of none that is gone', () => {
  const withoutRoom = ['10.96.0.1 TCP 80', '10.96.0.1 TCP 81', '10.96.0.2 TCP 80', '10.96.0.3 TCP 80'];
  const owners = new Map([
    ['10.96.0.1 TCP 80', part('shop/web')],
    ['10.96.0.1 TCP 81', part('shop/web')],
    ['10.96.0.2 TCP 80', part('shop/api')],
  ]);
  const translation = { withoutRoom } as unknown as SocketTranslation; // the rest of it is not asked
  const services = new SocketServices(translation, new Set(), () => undefined);
  const problems = services.problems({ ownerOf: key => owners.get(key) });
  assert.deepEqual(
    [...problems].map(([key, { provenance, sentence }]) => [
      key,
      provenance.name,
      /for (\d+) of/.exec(sentence)?.[1],
    ]),
    [
      ['shop/web', 'web', '2'],
      ['shop/api', 'api', '1'],
    ],
  );
});
