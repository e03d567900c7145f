/** Loopback doors and self-signed certificates: the controllers over a real API server, without a network of their own. */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import { EVENTS, GATEWAYS, SECRETS, SERVICES } from '../../src/kube/resources.ts';
import { eventually } from './cluster.ts';
import { type ControlPlane, startControlPlane } from './control-plane.ts';

const loopback = 'fairlead.dev/loopback';
let plane: ControlPlane;
let directory = '';
/** Where the stand-in for the world's network leads, whatever address is dialled; it says which. */
let world: Server;

before(async () => {
  directory = mkdtempSync(join(tmpdir(), 'fairlead-entrances-'));
  world = createServer(socket => void socket.end('here'));
  world.listen(0, '127.0.0.1');
  await once(world, 'listening');
  const { port } = world.address() as AddressInfo;
  const dialWorld = async (): Promise<Socket> => {
    const socket = connect({ host: '127.0.0.1', port });
    await once(socket, 'connect');
    return socket;
  };
  plane = await startControlPlane({ more: { dialWorld, selfSignedDirectory: join(directory, 'authority') } });
});
after(async () => {
  await plane[Symbol.asyncDispose]();
  world.close();
  rmSync(directory, { recursive: true });
});

/** A Service with a load-balancer address, as the controller of addresses leaves it. */
async function balance(name: string, port: number): Promise<void> {
  const service = await plane.client.create(SERVICES, {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { namespace: 'default', name },
    spec: { type: 'LoadBalancer', ports: [{ port }] },
  });
  const status = { loadBalancer: { ingress: [{ ip: '172.30.200.7', ipMode: 'VIP' as const }] } };
  await plane.client.update(SERVICES, { ...service, status }, { subresource: 'status' });
}

const doorOf = (name: string, port: number, isNew: (local: number) => boolean = () => true) =>
  eventually(`${name} has a door`, async () => {
    const service = await plane.client.get(SERVICES, { namespace: 'default', name });
    const found = new RegExp(`${port}=127\\.0\\.0\\.1:(\\d+)`).exec(
      service.metadata.annotations?.[loopback] ?? '',
    );
    const local = Number(found?.[1] ?? 0);
    return local > 0 && isNew(local) ? local : undefined;
  });

const come = (local: number): Promise<string> => text(connect({ host: '127.0.0.1', port: local }));

/** A port that nobody listens on now, and above those that the machine gives out by itself. */
async function quietPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise(resolve => server.close(resolve));
  return port;
}

test('a load balancer is reached at a loopback port, the same after a restart, until it is gone', async () => {
  const port = await quietPort();
  await balance('shop', port);
  const local = await doorOf('shop', port);
  assert.equal(local, port, 'a high port is itself');
  assert.equal(await come(local), 'here');
  await plane.restartControllers();
  assert.equal(await eventually('the door is open again', () => come(local)), 'here');
  assert.equal(await doorOf('shop', port), local);
  await plane.client.delete(SERVICES, { namespace: 'default', name: 'shop' });
  await eventually('the door is closed', async () => {
    const socket = connect({ host: '127.0.0.1', port: local });
    const [error] = (await once(socket, 'error').finally(() => socket.destroy())) as [NodeJS.ErrnoException];
    return error.code === 'ECONNREFUSED' ? true : undefined;
  });
});

test('where the port is taken the door is next to it, and an Event says so', async () => {
  const port = await quietPort();
  const other = createServer().listen(port, '127.0.0.1');
  await once(other, 'listening');
  try {
    await balance('beside', port);
    const local = await doorOf('beside', port);
    assert.ok(local > port, `${local} is above ${port}`);
    assert.equal(await come(local), 'here');
    await eventually('an Event', async () => {
      const { items } = await plane.client.list(EVENTS, { namespace: 'default' });
      return items.find(({ reason }) => reason === 'LoopbackPortTaken');
    });
  } finally {
    other.close();
  }
});

test('a port that a person writes down is the one that is opened, and the annotation goes with the door', async () => {
  const port = await quietPort();
  await balance('mine', port);
  const first = await doorOf('mine', port);
  const wish = await quietPort();
  const key = { namespace: 'default', name: 'mine' };
  const annotations = { [loopback]: `${port}=127.0.0.1:${wish}` };
  await plane.client.patch(SERVICES, key, { metadata: { annotations } }, { type: 'merge' });
  await eventually('the door moved', async () => ((await come(wish)) === 'here' ? true : undefined));
  await assert.rejects(come(first), { code: 'ECONNREFUSED' });
  await plane.client.patch(SERVICES, key, { spec: { type: 'ClusterIP' } }, { type: 'merge' });
  await eventually('the annotation is gone', async () => {
    const { metadata } = await plane.client.get(SERVICES, key);
    return metadata.annotations?.[loopback] === undefined ? true : undefined;
  });
  await assert.rejects(come(wish), { code: 'ECONNREFUSED' });
});

function makeGateway(name: string, hostname: string) {
  return plane.client.create(GATEWAYS, {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'Gateway',
    metadata: { namespace: 'default', name, annotations: { 'fairlead.dev/self-signed': 'true' } },
    spec: {
      gatewayClassName: 'fairlead',
      listeners: [
        {
          name: 'https',
          hostname,
          port: 443,
          protocol: 'HTTPS',
          tls: { certificateRefs: [{ name: `${name}-certificate` }] },
        },
      ],
    },
  });
}

const certificateOf = (name: string, host: string) =>
  eventually(`a certificate for ${host}`, async () => {
    const { data } = await plane.client.get(SECRETS, { namespace: 'default', name: `${name}-certificate` });
    const certificate = new X509Certificate(Buffer.from(data?.['tls.crt'] ?? '', 'base64'));
    return certificate.checkHost(host) === undefined ? undefined : { certificate, data };
  });

test('a Gateway that asks gets a certificate, and another one when its hostname changes', async () => {
  const { metadata } = await makeGateway('first', 'one.example.com');
  const { certificate, data } = await certificateOf('first', 'one.example.com');
  const authority = new X509Certificate(Buffer.from(data?.['ca.crt'] ?? '', 'base64'));
  assert.ok(certificate.verify(authority.publicKey));
  const patch = [{ op: 'replace', path: '/spec/listeners/0/hostname', value: 'two.example.com' }];
  await plane.client.patch(GATEWAYS, { namespace: 'default', name: 'first' }, patch, { type: 'json' });
  const second = await certificateOf('first', 'two.example.com');
  assert.equal(second.certificate.checkHost('one.example.com'), undefined);
  const secret = await plane.client.get(SECRETS, { namespace: 'default', name: 'first-certificate' });
  assert.equal(secret.metadata.ownerReferences?.[0]?.uid, metadata.uid);
});

test("somebody's own Secret of that name is left as it is", async () => {
  const own = await plane.client.create(SECRETS, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { namespace: 'default', name: 'second-certificate' },
    type: 'kubernetes.io/tls',
    data: { 'tls.crt': '', 'tls.key': '' },
  });
  await makeGateway('second', 'a.example.com');
  await makeGateway('third', 'b.example.com');
  await certificateOf('third', 'b.example.com'); // made after it: the second was looked at before
  const now = await plane.client.get(SECRETS, { namespace: 'default', name: 'second-certificate' });
  assert.equal(now.metadata.resourceVersion, own.metadata.resourceVersion);
});
