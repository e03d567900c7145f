import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Fields } from '../../object.ts';
import { rootOf } from '../validation/place.ts';
import { POD_TABLE } from './pod-table.ts';

const NOW = Date.parse('2026-01-01T00:10:00Z');

/** READY, STATUS and RESTARTS of a pod with the given parts. */
function line(pod: { spec?: Fields; status?: Fields; metadata?: Fields }): string {
  const [, ready, status, restarts] = POD_TABLE.cells(
    rootOf({
      metadata: { name: 'p', creationTimestamp: '2026-01-01T00:00:00Z', ...pod.metadata },
      spec: { containers: [{ name: 'a' }], ...pod.spec },
      status: { phase: 'Running', ...pod.status },
    }),
    NOW,
  );
  return [ready, status, restarts].join(' | ');
}

const running = (name: string, more: Fields = {}): Fields => ({
  name,
  ready: true,
  restartCount: 0,
  state: { running: { startedAt: '2026-01-01T00:00:00Z' } },
  ...more,
});
const ended = (name: string, terminated: Fields, more: Fields = {}): Fields => ({
  name,
  ready: false,
  restartCount: 0,
  state: { terminated },
  ...more,
});
const waiting = (name: string, reason: string, more: Fields = {}): Fields => ({
  name,
  ready: false,
  restartCount: 0,
  state: { waiting: { reason } },
  ...more,
});

test('a pod shows what it does', () => {
  assert.equal(line({ status: { phase: 'Pending' } }), '0/1 | Pending | 0');
  assert.equal(line({ status: { containerStatuses: [running('a')] } }), '1/1 | Running | 0');
  assert.equal(
    line({ status: { phase: 'Pending', containerStatuses: [waiting('a', 'ErrImagePull')] } }),
    '0/1 | ErrImagePull | 0',
  );
  assert.equal(
    line({
      status: { phase: 'Succeeded', containerStatuses: [ended('a', { exitCode: 0, reason: 'Completed' })] },
    }),
    '0/1 | Completed | 0',
  );
  assert.equal(
    line({ status: { containerStatuses: [ended('a', { exitCode: 3 })] } }),
    '0/1 | ExitCode:3 | 0',
  );
  assert.equal(
    line({ status: { containerStatuses: [ended('a', { exitCode: 137, signal: 9 })] } }),
    '0/1 | Signal:9 | 0',
  );
  assert.equal(line({ status: { phase: 'Failed', reason: 'Evicted' } }), '0/1 | Evicted | 0');
});

test('restarts say when the last one was', () => {
  const lastState = { terminated: { exitCode: 1, finishedAt: '2026-01-01T00:09:55Z' } };
  assert.equal(
    line({ status: { containerStatuses: [running('a', { restartCount: 2, lastState })] } }),
    '1/1 | Running | 2 (5s ago)',
  );
  assert.equal(
    line({
      status: { containerStatuses: [waiting('a', 'CrashLoopBackOff', { restartCount: 4, lastState })] },
    }),
    '0/1 | CrashLoopBackOff | 4 (5s ago)',
  );
});

test('init containers show how far they are', () => {
  const spec = { initContainers: [{ name: 'i' }, { name: 'j' }] };
  const done = ended('i', { exitCode: 0, reason: 'Completed' });
  const status = (...initContainerStatuses: Fields[]) => ({ phase: 'Pending', initContainerStatuses });
  assert.equal(
    line({ spec, status: status(running('i'), waiting('j', 'PodInitializing')) }),
    '0/1 | Init:0/2 | 0',
  );
  assert.equal(line({ spec, status: status(done, running('j')) }), '0/1 | Init:1/2 | 0');
  assert.equal(
    line({
      spec,
      status: status(ended('i', { exitCode: 1, reason: 'Error' }), waiting('j', 'PodInitializing')),
    }),
    '0/1 | Init:Error | 0',
  );
  assert.equal(
    line({
      spec,
      status: status(waiting('i', 'CrashLoopBackOff', { restartCount: 3 }), waiting('j', 'PodInitializing')),
    }),
    '0/1 | Init:CrashLoopBackOff | 3',
  );
  const conditions = [{ type: 'Initialized', status: 'True' }];
  assert.equal(
    line({
      spec,
      status: {
        conditions,
        initContainerStatuses: [done, ended('j', { exitCode: 0 })],
        containerStatuses: [running('a')],
      },
    }),
    '1/1 | Running | 0',
  );
});

test('sidecars count as containers', () => {
  const spec = { initContainers: [{ name: 's', restartPolicy: 'Always' }] };
  const initContainerStatuses = [running('s', { started: true })];
  assert.equal(
    line({ spec, status: { initContainerStatuses, containerStatuses: [running('a')] } }),
    '2/2 | Running | 0',
  );
});

test('a pod that goes is terminating, unless it has ended or its node is lost', () => {
  const metadata = { deletionTimestamp: '2026-01-01T00:09:00Z' };
  const containerStatuses = [running('a')];
  assert.equal(line({ metadata, status: { containerStatuses } }), '1/1 | Terminating | 0');
  assert.equal(line({ metadata, status: { phase: 'Succeeded' } }), '0/1 | Succeeded | 0');
  assert.equal(line({ metadata, status: { reason: 'NodeLost', containerStatuses } }), '1/1 | Unknown | 0');
});
