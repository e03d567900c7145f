import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ConfigMap } from '../../../kube/types/config.ts';
import type { Node } from '../../../kube/types/node.ts';
import type { Service } from '../../../kube/types/service.ts';
import { compareServiceModes } from './changes.ts';
import type { ServiceModeChange, ServiceModeObjects, ServiceModeTarget } from './changes.ts';
import { serviceModePlan } from './plan.ts';

const configMap = (lines: readonly string[]): ConfigMap => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'kube-proxy', namespace: 'kube-system' },
  data: { 'config.conf': ['kind: KubeProxyConfiguration', ...lines].join('\n') },
});

const node = (kernelVersion: string, kubeletVersion = 'v1.34.1'): Node =>
  ({
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: `node-${kernelVersion}` },
    status: { nodeInfo: { kernelVersion, kubeletVersion, operatingSystem: 'linux' } },
  }) as Node;

const service = (name: string, spec: Service['spec']): Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace: 'shop' },
  spec,
});

const nodePort = service('front', { type: 'NodePort', ports: [{ port: 80, nodePort: 30080 }] });

function codes(
  lines: readonly string[],
  objects: Partial<ServiceModeObjects> = {},
  to: ServiceModeTarget = 'nftables',
): readonly string[] {
  const report = compareServiceModes(
    {
      configMaps: [configMap(lines)],
      daemonSets: [],
      nodes: [node('6.8.0')],
      services: [nodePort],
      ...objects,
    },
    to,
  );
  return report.changes.map(({ code, weight }: ServiceModeChange) => `${weight} ${code}`);
}

test('from iptables node ports leave localhost and other addresses of the node', () => {
  assert.deepEqual(codes(['mode: ""']), [
    'changes node-ports-on-localhost',
    'changes node-port-addresses',
    'check firewall',
    'leftover iptables-leftovers',
  ]);
});

test('what is set already is not said to change', () => {
  const lines = [
    'mode: iptables',
    'iptables:',
    '  localhostNodePorts: false',
    'nodePortAddresses: ["primary"]',
  ];
  assert.deepEqual(codes(lines), ['check firewall', 'leftover iptables-leftovers']);
});

test('from IPVS schedulers that hash lose clients, and addresses leave the nodes', () => {
  const lines = [
    'mode: "ipvs"  # since 2019',
    'ipvs:',
    '  scheduler: sh',
    '  strictARP: true',
    '  tcpTimeout: 0s',
  ];
  assert.deepEqual(codes(lines, { services: [service('db', { sessionAffinity: 'ClientIP' })] }), [
    'changes scheduler',
    'changes addresses-on-nodes',
    'check ipvs-settings',
    'changes affinity',
    'leftover ipvs-leftovers',
  ]);
  assert.equal(codes(['mode: ipvs'])[1], 'check scheduler');
});

test('kernels and versions that are too old stand in the way', () => {
  const nodes = [node('5.4.0-150', 'v1.28.3'), node('5.15.0')];
  const found = codes(['mode: iptables'], { nodes });
  assert.deepEqual(found.slice(0, 2), ['blocks kernel', 'blocks version']);
  assert.ok(found.includes('check invalid-packets'));
});

test('nothing changes where it is that mode already', () => {
  assert.deepEqual(codes(['mode: nftables']), []);
});

test('what could not be read is said, and is no “nothing changes”', () => {
  const report = compareServiceModes({ configMaps: [] }, 'nftables');
  assert.equal(report.from, 'unknown');
  assert.deepEqual(report.unchecked, [
    'daemonSets could not be read',
    'nodes could not be read',
    'services could not be read',
    'there is no ConfigMap of kube-proxy: what runs now is not known',
  ]);
});

test('every step of the plan that changes something says the way back', () => {
  for (const to of ['nftables', 'fairlead'] as const) {
    const { steps } = serviceModePlan(
      compareServiceModes({ configMaps: [configMap(['mode: ipvs'])], services: [nodePort], nodes: [] }, to),
    );
    for (const { back, check, commands, title } of steps) {
      assert.notEqual(check.sentence, '', title);
      const changes = commands.some(command => /\b(edit|delete|drain|patch|rollout)\b/.test(command));
      assert.equal(back.length > 0, changes, title);
    }
  }
});
