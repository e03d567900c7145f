import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { TestContext } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { FairleadError } from '../../src/base/errors.ts';
import { silentLog } from '../../src/base/log.ts';
import { ApiError, createClient, isAlreadyExists, isConflict, isNotFound } from '../../src/kube/client.ts';
import type { KubeClient, WatchEvent } from '../../src/kube/client.ts';
import { Informer, keyOf } from '../../src/kube/informer.ts';
import { loadKubeconfig } from '../../src/kube/kubeconfig.ts';
import { CONFIG_MAPS, NODES, PODS } from '../../src/kube/resources.ts';
import type { ConfigMap } from '../../src/kube/types/config.ts';
import type { Node } from '../../src/kube/types/node.ts';
import { startApiServer } from '../../src/standalone/apiserver/index.ts';
import type { ApiServer } from '../../src/standalone/apiserver/index.ts';
import { builtInSchemas } from '../../src/standalone/apiserver/kinds/index.ts';
import { createAuthority, issueKubeconfig, issueServing } from '../../src/standalone/apiserver/pki/index.ts';

/** Our client against our API server, over TLS on loopback. */
let directory: string;
let kubeconfigFile: string;
let server: ApiServer;
let client: KubeClient;
let port = 0;
let tls: ReturnType<typeof issueServing> & { readonly authority: string };

async function startServer(): Promise<void> {
  server = await startApiServer({
    stateDirectory: directory,
    listeners: [{ host: '127.0.0.1', port }],
    tls,
    schemas: builtInSchemas(),
    runtimeSocket: join(directory, 'runtime.sock'),
    servicePrefixes: ['10.96.0.0/16'],
    log: silentLog,
  });
  port = server.addresses[0]?.port ?? 0;
}

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fairlead-client-'));
  const authority = createAuthority(join(directory, 'pki'));
  tls = { ...issueServing(authority, { names: ['127.0.0.1'] }), authority: authority.certificate };
  await startServer();
  kubeconfigFile = join(directory, 'admin.kubeconfig');
  issueKubeconfig(authority, {
    user: 'kubernetes-admin',
    groups: ['system:masters'],
    server: `https://127.0.0.1:${port}`,
    file: kubeconfigFile,
    cluster: 'test',
  });
  client = createClient(loadKubeconfig(kubeconfigFile));
});

after(async () => {
  client.close();
  await server.close();
  await rm(directory, { recursive: true, force: true });
});

function configMap(
  name: string,
  data: Record<string, string> = {},
  labels: Record<string, string> = {},
): ConfigMap {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'default', labels }, data };
}

const key = (name: string) => ({ namespace: 'default', name });

/** A signal that ends what the test started, also when it fails. */
function signalOf(t: TestContext): AbortSignal {
  const stop = new AbortController();
  t.after(() => stop.abort(new Error('the test is over')));
  return stop.signal;
}

/** Waits for a condition with a deadline of 20 s. */
async function until(sentence: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!(await holds())) {
    if (Date.now() > deadline) assert.fail(`not within 20 s: ${sentence}`);
    await new Promise(resolve => setTimeout(resolve, 10));
  }
}

test('an object is created, read, replaced, patched and deleted', async () => {
  const created = await client.create(CONFIG_MAPS, configMap('one', { a: '1' }));
  assert.ok(created.metadata.uid);
  assert.deepEqual(await client.get(CONFIG_MAPS, key('one')), created);
  const replaced = await client.update(CONFIG_MAPS, { ...created, data: { a: '2' } });
  assert.notEqual(replaced.metadata.resourceVersion, created.metadata.resourceVersion);
  await assert.rejects(client.update(CONFIG_MAPS, { ...created, data: { a: '3' } }), isConflict);
  await assert.rejects(client.create(CONFIG_MAPS, configMap('one')), isAlreadyExists);
  const merged = await client.patch(
    CONFIG_MAPS,
    key('one'),
    { data: { a: null, b: '1' } },
    { type: 'merge' },
  );
  assert.deepEqual(merged.data, { b: '1' });
  const edited = [{ op: 'add', path: '/data/c', value: '2' }];
  assert.deepEqual((await client.patch(CONFIG_MAPS, key('one'), edited, { type: 'json' })).data, {
    b: '1',
    c: '2',
  });
  await client.delete(CONFIG_MAPS, key('one'));
  await assert.rejects(client.get(CONFIG_MAPS, key('one')), isNotFound);
});

test('a refusal names the object, the reason and the field', async () => {
  const nameless: ConfigMap = configMap('Not A Name');
  await assert.rejects(client.create(CONFIG_MAPS, nameless), (error: unknown) => {
    assert.ok(error instanceof ApiError);
    assert.deepEqual([error.status, error.reason, error.field], [422, 'Invalid', 'metadata.name']);
    assert.equal(error.code, 'kube/invalid');
    assert.equal(error.object, 'ConfigMap/default/Not A Name');
    return true;
  });
});

test('a name is made from generateName', async () => {
  const metadata = { name: '', generateName: 'made-', namespace: 'default' };
  const { metadata: made } = await client.create(CONFIG_MAPS, {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata,
  });
  assert.match(made.name, /^made-[a-z0-9]{5}$/);
  await client.delete(CONFIG_MAPS, key(made.name));
});

test('a status is written apart from the rest, and conditions merge by their type', async () => {
  const node: Node = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'node-a' } };
  await client.create(NODES, node);
  const condition = (type: string) => ({ type, status: 'True', reason: 'Test' });
  const options = { type: 'strategic', subresource: 'status' } as const;
  await client.patch(NODES, { name: 'node-a' }, { status: { conditions: [condition('Ready')] } }, options);
  const both = await client.patch(
    NODES,
    { name: 'node-a' },
    { status: { conditions: [condition('NetworkUnavailable')] }, spec: { podCIDR: '10.0.0.0/24' } },
    options,
  );
  assert.deepEqual(both.status?.conditions?.map(({ type }) => type).toSorted(), [
    'NetworkUnavailable',
    'Ready',
  ]);
  assert.equal(both.spec?.podCIDR, undefined);
  await client.delete(NODES, { name: 'node-a' });
});

test('a list is read in pages, by labels and by fields, and its items say what they are', async () => {
  const names = Array.from({ length: 7 }, (_, index) => `page-${index}`);
  for (const name of names) await client.create(CONFIG_MAPS, configMap(name, {}, { pages: 'yes' }));
  const found: string[] = [];
  let next: string | undefined;
  do {
    const page = await client.list(CONFIG_MAPS, {
      namespace: 'default',
      labelSelector: 'pages=yes',
      limit: 3,
      ...(next === undefined ? {} : { continue: next }),
    });
    for (const item of page.items) assert.deepEqual([item.apiVersion, item.kind], ['v1', 'ConfigMap']);
    found.push(...page.items.map(item => item.metadata.name));
    next = page.continue;
  } while (next !== undefined);
  assert.deepEqual(found, names);
  const one = await client.list(CONFIG_MAPS, { fieldSelector: 'metadata.name=page-3' });
  assert.equal(one.items.length, 1);
  await client.deleteCollection(CONFIG_MAPS, { namespace: 'default', labelSelector: 'pages=yes' });
  assert.equal((await client.list(CONFIG_MAPS, { labelSelector: 'pages' })).items.length, 0);
});

test('a watch tells each change, and a streaming list says when it is complete', async () => {
  const stop = new AbortController();
  await client.create(CONFIG_MAPS, configMap('streamed', {}, { stream: 'yes' }));
  const told: string[] = [];
  for await (const event of client.watch(CONFIG_MAPS, {
    labelSelector: 'stream',
    sendInitialEvents: true,
    signal: stop.signal,
  })) {
    told.push(nameOf(event));
    if (event.type === 'BOOKMARK' && event.initialEventsEnd) {
      await client.patch(
        CONFIG_MAPS,
        key('streamed'),
        { metadata: { labels: { stream: null } } },
        { type: 'merge' },
      );
    }
    if (event.type === 'DELETED') stop.abort(new Error('seen'));
  }
  assert.deepEqual(told, ['ADDED streamed', 'BOOKMARK end', 'DELETED streamed']);
  await client.delete(CONFIG_MAPS, key('streamed'));
});

function nameOf(event: WatchEvent<ConfigMap>): string {
  return event.type === 'BOOKMARK'
    ? `BOOKMARK ${event.initialEventsEnd ? 'end' : ''}`
    : `${event.type} ${event.object.metadata.name}`;
}

test('a version that the server no longer knows is answered with 410 Gone, or with all that there is', async () => {
  const stop = new AbortController();
  const first = async () => {
    for await (const event of client.watch(CONFIG_MAPS, { resourceVersion: '1', signal: stop.signal }))
      return event.type;
    return 'ended';
  };
  const outcome = await first().catch((error: unknown) => (error instanceof ApiError ? error.status : error));
  assert.ok(outcome === 410 || outcome === 'ADDED', String(outcome));
  stop.abort(new Error('seen'));
});

test('an informer follows the server through changes and restarts, and tells each change once', async t => {
  const informer = new Informer(client, CONFIG_MAPS, { namespace: 'default', labelSelector: 'follow=yes' });
  const replayed = new Map<string, ConfigMap>();
  informer.onChange(({ before: was, after: is }) => {
    const name = keyOf((is ?? was) as ConfigMap);
    assert.equal(replayed.get(name), was);
    if (is === undefined) replayed.delete(name);
    else replayed.set(name, is);
  });
  informer.start(signalOf(t));
  await informer.synced;
  for (let round = 0; round < 60; round++) {
    const name = `follow-${round % 7}`;
    const found = informer.cache.get(`default/${name}`);
    if (round % 5 === 4) await client.delete(CONFIG_MAPS, key(name)).catch(unlessNotFound);
    else if (found === undefined)
      await client.create(CONFIG_MAPS, configMap(name, {}, { follow: 'yes' })).catch(unlessExists);
    else
      await client
        .patch(CONFIG_MAPS, key(name), { data: { round: `${round}` } }, { type: 'merge' })
        .catch(unlessNotFound);
    if (round === 20 || round === 40) {
      await server.close();
      await startServer();
      await until('the server answers', async () => (await client.request('GET', '/version')).status === 200);
    }
  }
  const { items } = await client.list(CONFIG_MAPS, { labelSelector: 'follow=yes' });
  const expected = new Map(items.map(item => [keyOf(item), item.metadata.resourceVersion]));
  const versions = (objects: Iterable<ConfigMap>) =>
    new Map([...objects].toSorted(byName).map(one => [keyOf(one), one.metadata.resourceVersion]));
  await until('the cache is as the server', () =>
    isDeepStrictEqual(versions(informer.cache.list()), expected),
  );
  assert.deepEqual(versions(replayed.values()), expected);
  assert.ok(informer.staleness() < 30);
  const anObject = informer.cache.list()[0];
  assert.ok(anObject && Object.isFrozen(anObject.metadata.labels));
});

const byName = (a: ConfigMap, b: ConfigMap) => (a.metadata.name < b.metadata.name ? -1 : 1);

function unlessNotFound(error: unknown): void {
  if (!isNotFound(error)) throw error;
}

function unlessExists(error: unknown): void {
  if (!isAlreadyExists(error)) throw error;
}

test('informers that wait for a version see everything that was written before it', async t => {
  const informer = new Informer(client, CONFIG_MAPS, { namespace: 'default' });
  informer.start(signalOf(t));
  await informer.synced;
  const { metadata } = await client.create(CONFIG_MAPS, configMap('awaited'));
  await informer.reached(metadata.resourceVersion ?? '', AbortSignal.timeout(20_000));
  assert.ok(informer.cache.get('default/awaited'));
  await client.delete(CONFIG_MAPS, key('awaited'));
});

test('an object is written and seen by a watch in a few milliseconds', async t => {
  const informer = new Informer(client, CONFIG_MAPS, { labelSelector: 'quick=yes' });
  let seen = () => {};
  informer.onChange(() => seen());
  informer.start(signalOf(t));
  await informer.synced;
  const times: number[] = [];
  await client.create(CONFIG_MAPS, configMap('quick', {}, { quick: 'yes' }));
  for (let round = 0; round < 200; round++) {
    const arrived = new Promise<void>(resolve => (seen = resolve));
    const began = performance.now();
    await client.patch(CONFIG_MAPS, key('quick'), { data: { round: `${round}` } }, { type: 'merge' });
    await arrived;
    times.push(performance.now() - began);
  }
  const median = times.toSorted((a, b) => a - b)[100] ?? Number.NaN;
  assert.ok(median < 20, `p50 of write and watch is ${median.toFixed(2)} ms`);
  await client.delete(CONFIG_MAPS, key('quick'));
});

test('without a server, or with another authority, one sentence says what is wrong', async () => {
  const good = loadKubeconfig(kubeconfigFile);
  const nowhere = createClient({ ...good, cluster: { ...good.cluster, server: 'https://127.0.0.1:1' } });
  await assert.rejects(
    nowhere.list(PODS),
    (error: unknown) => error instanceof FairleadError && error.code === 'kube/unreachable',
  );
  const { certificateAuthority: _, ...untrusting } = good.cluster;
  const stranger = createClient({ ...good, cluster: untrusting });
  await assert.rejects(
    stranger.list(PODS),
    (error: unknown) => error instanceof FairleadError && error.code === 'kube/untrusted',
  );
  const named = createClient({ ...good, cluster: { ...good.cluster, tlsServerName: 'elsewhere.example' } });
  await assert.rejects(
    named.list(PODS),
    (error: unknown) => error instanceof FairleadError && error.code === 'kube/untrusted',
  );
  const anyone = createClient({ ...good, cluster: { ...untrusting, insecureSkipTlsVerify: true } });
  assert.equal((await anyone.request('GET', '/version')).status, 200);
  const nobody = createClient({ ...good, user: { bearer: { from: 'nothing' } } });
  await assert.rejects(
    nobody.list(PODS),
    (error: unknown) => error instanceof ApiError && [401, 403].includes(error.status),
  );
  await assert.rejects(
    client.connectUpgrade('/api/v1/namespaces/default/pods/none/exec?command=true', {
      headers: { Upgrade: 'websocket' },
    }),
    isNotFound,
  );
  await assert.rejects(client.logs(key('none')), isNotFound);
  for (const one of [nowhere, stranger, named, anyone, nobody]) one.close();
});
