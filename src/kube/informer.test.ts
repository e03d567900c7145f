import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLog } from '../base/log.ts';
import { createClientOver } from './client.ts';
import { FakeApi } from './fake-api.ts';
import { Informer } from './informer.ts';
import type { InformerOptions } from './informer.ts';
import { ManualClock } from './manual-clock.ts';
import { CONFIG_MAPS } from './resources.ts';
import type { ConfigMap } from './types/config.ts';

const configMap = (name: string, more: Partial<ConfigMap> = {}): ConfigMap => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'default' },
  ...more,
});

function following(options: InformerOptions<ConfigMap> = {}) {
  const api = new FakeApi([CONFIG_MAPS]);
  const clock = new ManualClock();
  const stop = new AbortController();
  const random = () => 0.5;
  const informer = new Informer(createClientOver(api, { clock }), CONFIG_MAPS, { clock, random, ...options });
  const pass = async (seconds: number) => {
    for (let second = 0; second < seconds; second++) {
      for (let turn = 0; turn < 4; turn++) await new Promise(setImmediate);
      clock.advance(1000);
    }
    for (let turn = 0; turn < 4; turn++) await new Promise(setImmediate);
  };
  return { api, informer, pass, stop, signal: stop.signal };
}

const notFound = (count: number) => Array.from({ length: count }, () => ({ status: 404 }));

test('a resource that the server does not know is empty where that is wanted, and followed once it is there', async () => {
  const { api, informer, pass, stop, signal } = following({ absent: 'empty' });
  api.store.put(CONFIG_MAPS, configMap('one'));
  api.faults.refusals.push(...notFound(6));
  informer.start(signal);
  await informer.synced;
  assert.equal(informer.cache.size, 0);
  await pass(40);
  assert.equal(informer.cache.size, 1);
  assert.ok(api.requests.length < 12, `asked ${api.requests.length} times`);
  api.faults.refusals.push(...notFound(4));
  api.endWatches('break');
  await pass(1);
  assert.equal(informer.cache.size, 0, 'the kind was taken away');
  await pass(40);
  assert.equal(informer.cache.size, 1);
  stop.abort(new Error('done'));
});

test('a resource that the server refuses from the start is empty where that is wanted; what was seen stays', async () => {
  const { api, informer, pass, stop, signal } = following({ absent: 'empty-or-forbidden' });
  const refused = () => api.faults.refusals.push(...Array.from({ length: 4 }, () => ({ status: 403 })));
  api.store.put(CONFIG_MAPS, configMap('one'));
  refused();
  informer.start(signal);
  await informer.synced;
  assert.equal(informer.cache.size, 0);
  await pass(40);
  assert.equal(informer.cache.size, 1, 'it is followed once it may be');
  refused();
  api.endWatches('break');
  await pass(1);
  assert.equal(informer.cache.size, 1, 'a refusal says nothing about what is there');
  stop.abort(new Error('done'));
});

test('a resource that the server does not know is waited for otherwise', async () => {
  const { api, informer, pass, stop, signal } = following();
  api.faults.refusals.push(...notFound(3));
  let synced = false;
  void informer.synced.then(() => (synced = true));
  informer.start(signal);
  await new Promise(setImmediate);
  assert.equal(synced, false);
  await pass(20);
  assert.equal(synced, true);
  stop.abort(new Error('done'));
});

test('a server that forgets every version at once is not asked in a tight loop', async () => {
  const { api, informer, pass, stop, signal } = following();
  api.faults.streams = 'refused';
  api.faults.goneAs = 'status';
  informer.start(signal);
  await informer.synced;
  for (let second = 0; second < 60; second++) {
    api.faults.refusals.push({ status: 410 }, { status: 410 });
    api.endWatches('end');
    await pass(1);
  }
  assert.ok(api.requests.length < 90, `asked ${api.requests.length} times in a minute`);
  stop.abort(new Error('done'));
});

test('one object that an index cannot read does not keep the others away', async () => {
  const mistakes: string[] = [];
  const log = { ...silentLog, error: (_: object, sentence: string) => mistakes.push(sentence) };
  const { api, informer, pass, stop, signal } = following({
    log,
    indexes: { first: one => [(one.data as Record<string, string>)['first']?.trim() ?? ''] },
  });
  api.store.put(CONFIG_MAPS, configMap('good', { data: { first: 'x' } }));
  api.store.put(CONFIG_MAPS, configMap('odd'));
  informer.start(signal);
  await informer.synced;
  assert.equal(informer.cache.size, 2);
  assert.equal(informer.cache.by('first', 'x').length, 1);
  assert.equal(mistakes.length, 1);
  api.store.put(CONFIG_MAPS, configMap('odd', { data: { first: 'x' } }));
  await pass(1);
  assert.equal(informer.cache.by('first', 'x').length, 2);
  stop.abort(new Error('done'));
});

test('who waits for an informer that is stopped is told so', async () => {
  const { informer, stop, signal } = following();
  informer.start(signal);
  await informer.synced;
  const waiting = informer.reached('999');
  const reason = new Error('done');
  stop.abort(reason);
  await assert.rejects(waiting, error => error === reason);
  await assert.rejects(informer.reached('999'), error => error === reason);
  const late = following();
  late.informer.start(signal);
  await assert.rejects(late.informer.synced, error => error === reason);
});
