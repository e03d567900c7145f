import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pod, PodSpec } from '../../../kube/types/core.ts';
import { hostnameOf, hostsFile, kernelHostname } from './hosts-file.ts';
import { resolvConf } from './resolv-conf.ts';

const podOf = (spec: Partial<PodSpec>, name = 'web'): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'shop' },
  spec: { containers: [], ...spec },
});

const resolve = (spec: Partial<PodSpec>) =>
  resolvConf({
    pod: podOf(spec),
    dnsAddresses: ['10.96.0.10', 'fd00:10:96::a'],
    clusterDomain: 'cluster.local',
    nodeConfiguration: '# comment\nnameserver 192.0.2.1\nsearch example.com\noptions edns0\n',
  });

const own =
  'search shop.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.96.0.10\nnameserver fd00:10:96::a\n';

const cases: readonly (readonly [string, Partial<PodSpec>, string])[] = [
  ['a pod asks the cluster', {}, `${own}options ndots:5\n`],
  [
    'a pod on the host network asks whom the node asks',
    { hostNetwork: true },
    'search example.com\nnameserver 192.0.2.1\noptions edns0\n',
  ],
  [
    'unless it says otherwise',
    { hostNetwork: true, dnsPolicy: 'ClusterFirstWithHostNet' },
    `${own}options ndots:5\n`,
  ],
  [
    'Default is the node',
    { dnsPolicy: 'Default' },
    'search example.com\nnameserver 192.0.2.1\noptions edns0\n',
  ],
  [
    'None is dnsConfig alone',
    {
      dnsPolicy: 'None',
      dnsConfig: {
        nameservers: ['192.0.2.9'],
        searches: ['a.test'],
        options: [{ name: 'ndots', value: '2' }, { name: 'rotate' }],
      },
    },
    'search a.test\nnameserver 192.0.2.9\noptions ndots:2 rotate\n',
  ],
  [
    'dnsConfig adds to the policy, and its options win',
    { dnsConfig: { nameservers: ['192.0.2.9', '192.0.2.10'], options: [{ name: 'ndots', value: '1' }] } },
    `${own}nameserver 192.0.2.9\noptions ndots:1\n`,
  ],
];

for (const [name, spec, expected] of cases) {
  test(`resolv.conf: ${name}`, () => assert.equal(resolve(spec), expected));
}

test('the hosts file names the pod at all its addresses, with its subdomain and aliases', () => {
  const pod = podOf({ subdomain: 'db', hostAliases: [{ ip: '192.0.2.1', hostnames: ['a', 'b'] }] });
  const text = hostsFile(pod, ['10.0.0.1', 'fd00::1'], 'cluster.local');
  assert.match(text, /^10\.0\.0\.1\tweb\.db\.shop\.svc\.cluster\.local\tweb\nfd00::1\tweb\.db\.shop/m);
  assert.match(text, /# Entries added by HostAliases\.\n192\.0\.2\.1\ta\tb\n$/);
});

test('a host name is a label: cut to 63 bytes, without a dash at the end', () => {
  assert.equal(hostnameOf(podOf({}, `${'a'.repeat(62)}-b`)), 'a'.repeat(62));
  assert.equal(hostnameOf(podOf({ hostname: 'mine' })), 'mine');
});

test('the kernel has the full name where the pod asks for it, and a subdomain makes one', () => {
  const nameOf = (spec: Partial<Pod['spec']>) => kernelHostname(podOf(spec), 'cluster.local');
  assert.equal(nameOf({ subdomain: 'db', setHostnameAsFQDN: true }), 'web.db.shop.svc.cluster.local');
  assert.equal(nameOf({ subdomain: 'db' }), 'web');
  assert.equal(nameOf({ setHostnameAsFQDN: true }), 'web');
  assert.throws(
    () => nameOf({ subdomain: 'd'.repeat(50), setHostnameAsFQDN: true }),
    /has 77 characters; a host name has at most 64/,
  );
});
