import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pod, PodSpec } from '../../../kube/types/core.ts';
import { notEnforced, refuseWhatIsNotOffered } from './stand-in-limits.ts';

const podWith = (spec: Partial<PodSpec>): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'p', namespace: 'default' },
  spec: { containers: [{ name: 'c', image: 'pause' }], ...spec },
});

const refused: readonly (readonly [string, Partial<PodSpec>])[] = [
  ['spec.hostPID', { hostPID: true }],
  ['spec.hostIPC', { hostIPC: true }],
  ['spec.shareProcessNamespace', { shareProcessNamespace: true }],
  ['spec.hostUsers', { hostUsers: false }],
  ['spec.runtimeClassName', { runtimeClassName: 'gvisor' }],
  [
    'spec.securityContext.seccompProfile',
    { securityContext: { seccompProfile: { type: 'Localhost', localhostProfile: 'x.json' } } },
  ],
  [
    'spec.containers[0].securityContext.appArmorProfile',
    {
      containers: [
        { name: 'c', image: 'pause', securityContext: { appArmorProfile: { type: 'Localhost' } } },
      ],
    },
  ],
];
for (const [field, spec] of refused) {
  test(`a pod with ${field} that cannot be honoured is refused by the field's name`, () => {
    assert.throws(() => refuseWhatIsNotOffered(podWith(spec)), { code: 'runtime/not-offered', field });
  });
}

test('a pod that only says what is so anyway is taken, and nothing has to be told', () => {
  const pod = podWith({
    hostPID: false,
    hostIPC: false,
    shareProcessNamespace: false,
    hostUsers: true,
    securityContext: { seccompProfile: { type: 'Unconfined' } },
    volumes: [{ name: 'v', emptyDir: {} }],
  });
  refuseWhatIsNotOffered(pod);
  assert.deepEqual(notEnforced(pod), []);
});

test('limits, sizes and profiles that the pod runs without are told', () => {
  const pod = podWith({
    containers: [
      { name: 'c', image: 'pause', resources: { limits: { memory: '64Mi' } } },
      {
        name: 'd',
        image: 'pause',
        resources: { limits: { cpu: '1' } },
        securityContext: { seccompProfile: { type: 'RuntimeDefault' } },
      },
    ],
    volumes: [
      { name: 'shm', emptyDir: { medium: 'Memory', sizeLimit: '1Gi' } },
      { name: 'scratch', emptyDir: { sizeLimit: '1Gi' } },
      { name: 'log', hostPath: { path: '/var/log' } },
    ],
  });
  refuseWhatIsNotOffered(pod);
  assert.deepEqual(notEnforced(pod), [
    'limits of cpu and memory are not enforced',
    'sizeLimit of the volume scratch is not enforced',
    "the hostPath of the volume log is the node's own, not that of this machine",
    'spec.containers[1].securityContext.seccompProfile is not applied',
  ]);
});
