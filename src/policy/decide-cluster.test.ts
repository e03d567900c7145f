import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseAddress } from '../base/ip.ts';
import type { Address } from '../base/ip.ts';
import type {
  ClusterNetworkPolicyRule,
  ClusterNetworkPolicySpec,
} from '../kube/types/cluster-network-policy.ts';
import type { NetworkPolicySpec } from '../kube/types/networking.ts';
import { readClusterPolicy } from './compile-cluster-policy.ts';
import { compileModel } from './compile-model.ts';
import { readPolicy } from './compile-policy.ts';
import { decide } from './decide.ts';
import type { DirectionVerdict } from './decide.ts';
import type { Policy, PolicyPod } from './model.ts';

/** policy.networking.k8s.io/v1alpha2, as its API documents it. */
const at = (text: string): Address => parseAddress(text) ?? assert.fail(text);

const places: Readonly<Record<string, { readonly namespace: string; readonly address: string }>> = {
  web: { namespace: 'shop', address: '10.244.0.1' },
  api: { namespace: 'shop', address: '10.244.0.2' },
  spy: { namespace: 'other', address: '10.244.0.3' },
};

const pods = Object.entries(places).map(([name, { namespace, address }]): PolicyPod => ({
  key: `${namespace}/${name}`,
  uid: name,
  namespace,
  labels: { app: name },
  namespaceLabels: { 'kubernetes.io/metadata.name': namespace },
  addresses: [at(address)],
  node: 'node-1',
  hostNetwork: false,
  ports: name === 'api' ? [{ name: 'http', protocol: 'TCP', port: 8080 }] : [],
  created: '',
}));

const namespace = (name: string) => ({ matchLabels: { 'kubernetes.io/metadata.name': name } });
const everywhere = { namespaces: {} };
const shop = { namespaces: namespace('shop') };

function cluster(spec: Partial<ClusterNetworkPolicySpec>, name = 'c'): Policy {
  return readClusterPolicy({
    apiVersion: 'policy.networking.k8s.io/v1alpha2',
    kind: 'ClusterNetworkPolicy',
    metadata: { name, uid: name, generation: 1 },
    spec: { tier: 'Admin', priority: 10, subject: shop, ...spec },
  });
}

const admin = (...ingress: readonly ClusterNetworkPolicyRule[]) => cluster({ ingress });
const baseline = (...ingress: readonly ClusterNetworkPolicyRule[]) =>
  cluster({ tier: 'Baseline', ingress }, 'b');
const networkPolicy = (spec: NetworkPolicySpec): Policy =>
  readPolicy({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { namespace: 'shop', name: 'np', uid: 'np', generation: 1 },
    spec,
  });

interface Ask {
  readonly from?: string;
  readonly to?: string;
  readonly port?: number;
  readonly protocol?: 'TCP' | 'UDP' | 'SCTP' | 'ICMP';
  /** Addresses that were told for names. */
  readonly resolved?: Readonly<Record<string, readonly string[]>>;
  readonly hairpin?: boolean;
}

function ask(policies: readonly Policy[], how: Ask = {}) {
  const { from = 'spy', to = 'api', port = 80, protocol = 'TCP', resolved = {} } = how;
  const model = compileModel({
    pods,
    policies,
    nodes: [{ name: 'node-9', labels: { role: 'edge' }, addresses: [at('172.30.0.9')] }],
  });
  for (const [name, addresses] of Object.entries(resolved))
    for (const address of addresses) model.setName(name, address, true);
  const addressOf = (who: string) => at(places[who]?.address ?? who);
  return decide(model, {
    source: addressOf(from),
    destination: addressOf(to),
    protocol,
    ...(protocol === 'ICMP' ? {} : { port }),
    ...(how.hairpin === undefined ? {} : { hairpin: how.hairpin }),
  });
}

const ingress = (policies: readonly Policy[], how?: Ask): DirectionVerdict => ask(policies, how).ingress;
const letsIn = (policies: readonly Policy[], how?: Ask): boolean => ingress(policies, how).allowed;
const letsOut = (policies: readonly Policy[], how?: Ask): boolean => ask(policies, how).egress.allowed;

const deny = { action: 'Deny' as const, from: [everywhere] };
const accept = { action: 'Accept' as const, from: [everywhere] };
const pass = { action: 'Pass' as const, from: [everywhere] };
const defaultDeny = networkPolicy({ podSelector: {} });
const allowAll = networkPolicy({ podSelector: {}, ingress: [{}] });

describe('tiers', () => {
  test('Admin comes before NetworkPolicy, whatever it says, and NetworkPolicy before Baseline', () => {
    assert.equal(letsIn([admin(deny), allowAll]), false);
    assert.equal(letsIn([admin(accept), defaultDeny]), true);
    assert.equal(letsIn([baseline(accept), defaultDeny]), false);
    assert.equal(letsIn([baseline(deny), allowAll]), true);
    assert.equal(letsIn([baseline(deny)]), false);
  });

  test('Pass skips the rest of its tier, in both tiers', () => {
    assert.equal(letsIn([admin(pass, deny), allowAll]), true);
    assert.equal(letsIn([admin(pass, accept), defaultDeny]), false);
    assert.equal(letsIn([admin(pass, accept), baseline(deny)]), false);
    assert.equal(letsIn([baseline(pass, deny)]), true);
  });

  test('a policy for the cluster isolates nobody by itself', () => {
    assert.equal(letsIn([admin({ ...accept, from: [shop] })]), true);
    assert.equal(ingress([admin({ ...deny, from: [shop] })]).reason, 'not-isolated');
  });

  test('of two policies the smaller priority is asked first, of two rules the upper', () => {
    const first = cluster({ priority: 1, ingress: [deny] }, 'z');
    const second = cluster({ priority: 2, ingress: [accept] }, 'a');
    assert.equal(letsIn([second, first]), false);
    assert.equal(letsIn([admin(accept, deny)]), true);
    assert.equal(letsIn([admin(deny, accept)]), false);
  });

  test('an Accept at the source does not skip the destination, and rules count for their direction alone', () => {
    const out = cluster({ subject: everywhere, egress: [{ action: 'Accept', to: [everywhere] }] });
    assert.equal(ask([out, defaultDeny]).allowed, false);
    assert.equal(letsOut([admin(deny)], { from: 'web', to: 'spy' }), true);
  });
});

describe('subjects and peers', () => {
  test('a subject is all pods of some namespaces, or some pods of some namespaces', () => {
    assert.equal(letsIn([admin(deny)], { from: 'api', to: 'spy' }), true, 'another namespace');
    const subject = { pods: { namespaceSelector: {}, podSelector: { matchLabels: { app: 'web' } } } };
    const policy = cluster({ subject, ingress: [deny] });
    assert.equal(letsIn([policy], { to: 'web' }), false);
    assert.equal(letsIn([policy], { to: 'api' }), true);
  });

  test('peers of namespaces and of pods match pods alone, never the outside', () => {
    assert.equal(letsIn([admin({ ...deny, from: [{ namespaces: namespace('other') }] })]), false);
    assert.equal(letsIn([admin({ ...deny, from: [shop] })]), true);
    const peer = {
      pods: { namespaceSelector: namespace('other'), podSelector: { matchLabels: { app: 'web' } } },
    };
    assert.equal(letsIn([admin({ ...deny, from: [peer] })]), true);
    assert.equal(letsIn([admin(deny)], { from: '8.8.8.8' }), true);
  });

  test('networks of egress match addresses outside and in the cluster, with ICMP', () => {
    const policy = cluster({
      egress: [{ action: 'Deny', to: [{ networks: ['8.8.0.0/16', '10.244.0.3/32'] }] }],
    });
    assert.equal(letsOut([policy], { from: 'web', to: '8.8.8.8' }), false);
    assert.equal(letsOut([policy], { from: 'web', to: '8.8.8.8', protocol: 'ICMP' }), false);
    assert.equal(letsOut([policy], { from: 'web', to: 'spy' }), false);
    assert.equal(letsOut([policy], { from: 'web', to: 'api' }), true);
  });

  test('nodes of egress are chosen by their labels', () => {
    const to = (role: string) => [{ nodes: { matchLabels: { role } } }];
    const denied = (role: string) =>
      !letsOut([cluster({ egress: [{ action: 'Deny', to: to(role) }] })], { from: 'web', to: '172.30.0.9' });
    assert.equal(denied('edge'), true);
    assert.equal(denied('core'), false);
  });
});

describe('protocols', () => {
  const denies = (protocols: ClusterNetworkPolicyRule['protocols'], how: Ask) =>
    !letsIn([admin({ ...deny, ...(protocols === undefined ? {} : { protocols }) })], how);

  test('a number, a range, a protocol alone, and none: everything', () => {
    assert.equal(denies([{ tcp: { destinationPort: { number: 80 } } }], { port: 80 }), true);
    assert.equal(denies([{ tcp: { destinationPort: { number: 80 } } }], { port: 81 }), false);
    const range = [{ udp: { destinationPort: { range: { start: 80, end: 90 } } } }];
    assert.equal(denies(range, { port: 90, protocol: 'UDP' }), true);
    assert.equal(denies(range, { port: 91, protocol: 'UDP' }), false);
    assert.equal(denies(range, { port: 90 }), false);
    assert.equal(denies([{ sctp: {} }], { protocol: 'SCTP' }), true);
    assert.equal(denies([{ sctp: {} }], {}), false);
    assert.equal(denies(undefined, { protocol: 'ICMP' }), true);
  });

  test('a named port is the number that the destination has under this name', () => {
    assert.equal(denies([{ destinationNamedPort: 'http' }], { port: 8080 }), true);
    assert.equal(denies([{ destinationNamedPort: 'http' }], { port: 80 }), false);
    assert.equal(denies([{ destinationNamedPort: 'http' }], { port: 8080, protocol: 'UDP' }), false);
  });
});

describe('domain names of egress peers', () => {
  const shut = cluster({ egress: [{ action: 'Deny', to: [{ networks: ['0.0.0.0/0', '::/0'] }] }] }, 'z');
  const to = (...domainNames: readonly string[]) =>
    cluster({ egress: [{ action: 'Accept', to: [{ domainNames }] }] }, 'a');
  const reaches = (names: readonly string[], resolved: Readonly<Record<string, readonly string[]>>) =>
    letsOut([to(...names), shut], { from: 'web', to: '203.0.113.7', resolved });

  test('a name allows the addresses that were told for it, and no others', () => {
    assert.equal(reaches(['example.com'], { 'example.com': ['203.0.113.7'] }), true);
    assert.equal(reaches(['example.com'], { 'example.com': ['203.0.113.8'] }), false);
    assert.equal(reaches(['example.com'], { 'example.org': ['203.0.113.7'] }), false);
    assert.equal(reaches(['example.com'], {}), false, 'before anybody asked for it');
  });

  test('a wildcard is for one or more labels before the name, not for the name itself', () => {
    const wildcard = ['*.example.com'];
    assert.equal(reaches(wildcard, { 'www.example.com': ['203.0.113.7'] }), true);
    assert.equal(reaches(wildcard, { 'a.b.example.com': ['203.0.113.7'] }), true);
    assert.equal(reaches(wildcard, { 'example.com': ['203.0.113.7'] }), false);
    assert.equal(reaches(wildcard, { 'wwwexample.com': ['203.0.113.7'] }), false);
  });

  test('names have no case and may end in a dot', () => {
    assert.equal(reaches(['Example.COM.'], { 'example.com': ['203.0.113.7'] }), true);
  });

  test('they go with Accept alone: a Deny or Pass of names denies everybody', () => {
    const resolved = { 'example.com': ['203.0.113.7'] };
    for (const action of ['Deny', 'Pass'] as const) {
      const policy = cluster({ egress: [{ action, to: [{ domainNames: ['example.com'] }] }] });
      assert.equal(letsOut([policy], { from: 'web', to: '9.9.9.9', resolved }), false);
      assert.match(policy.problems[0]?.sentence ?? '', /Accept in egress alone/);
    }
  });

  test('named ports never go with them, nor with networks and nodes', () => {
    const protocols = [{ destinationNamedPort: 'http' }];
    for (const peer of [{ domainNames: ['example.com'] }, { networks: ['10.244.0.2/32'] }, { nodes: {} }]) {
      const policy = cluster({ egress: [{ action: 'Accept', to: [peer], protocols }] }, 'a');
      const how = { from: 'web', port: 8080, resolved: { 'example.com': ['10.244.0.2'] } };
      assert.equal(letsOut([policy, shut], how), false, JSON.stringify(peer));
    }
  });

  test('the source’s name is nobody’s destination', () => {
    const resolved = { 'example.com': ['10.244.0.3'] };
    assert.equal(letsIn([to('example.com'), defaultDeny], { resolved }), false);
  });
});

test('a pod’s own address is not subject to policies for the cluster, its own Service is', () => {
  const isolated = admin(deny);
  assert.equal(letsIn([isolated], { from: 'api' }), true);
  assert.equal(letsIn([isolated], { from: 'api', hairpin: true }), false);
});

test('an Accept of egress does not let in, and is for what comes back alone', () => {
  const out = cluster({ egress: [{ action: 'Accept', to: [everywhere] }] }, 'out');
  assert.equal(letsIn([out, defaultDeny], { from: 'web' }), false);
});

test('policies of one tier and priority are asked in the order of their names', () => {
  const [first, second] = [cluster({ ingress: [accept] }, 'a'), cluster({ ingress: [deny] }, 'b')];
  assert.equal(letsIn([second, first]), true);
  assert.equal(letsIn([cluster({ ingress: [deny] }, 'a'), cluster({ ingress: [accept] }, 'b')]), false);
});

describe('what cannot be read', () => {
  const unknown = { from: [{}] };
  const out = (action: 'Accept' | 'Deny' | 'Pass') =>
    cluster({ egress: [{ action, to: [{ domainNames: ['not a name'] }] }] });

  test('an Accept matches nobody by it, a Deny and a Pass deny everybody, and it is reported', () => {
    assert.equal(letsIn([admin({ action: 'Accept', ...unknown }), defaultDeny]), false);
    assert.equal(letsIn([admin({ action: 'Deny', ...unknown })]), false);
    assert.equal(letsIn([admin({ action: 'Pass', ...unknown }), allowAll]), false);
    assert.equal(letsOut([out('Pass')], { from: 'web', to: '8.8.8.8' }), false);
    assert.equal(letsOut([out('Accept')], { from: 'web', to: '8.8.8.8' }), true, 'nothing denies it');
    const [problem] = out('Accept').problems;
    assert.equal(problem?.provenance.field, 'spec.egress[0].to[0].domainNames[0]');
    assert.equal(problem?.sentence, '"not a name" is no domain name');
  });

  test('bad ports, selectors, networks, actions and subjects never open anything', () => {
    const bad = { matchExpressions: [{ key: 'a', operator: 'Like' as 'In', values: ['b'] }] };
    const range = { range: { start: 90, end: 80 } };
    for (const rule of [
      { ...deny, from: [{ namespaces: bad }] },
      { ...deny, protocols: [{ tcp: { destinationPort: range } }] },
      { ...deny, action: 'Allow' as 'Accept' },
    ])
      assert.equal(letsIn([admin(rule)]), false, JSON.stringify(rule));
    const accepts = admin({ ...accept, protocols: [{ tcp: { destinationPort: range } }] });
    assert.equal(letsIn([accepts, defaultDeny]), false);
    const network = cluster({ egress: [{ action: 'Deny', to: [{ networks: ['nowhere'] }] }] });
    assert.equal(letsOut([network], { from: 'web', to: '8.8.8.8' }), false);
    assert.equal(cluster({ subject: {} }).problems.length, 1);
    assert.equal(cluster({ tier: 'Late' as 'Admin' }).problems[0]?.sentence, '"Late" is no tier');
  });
});

test('a deny names the rule, and an allow too', () => {
  const named = { ...deny, name: 'no strangers' };
  const denied = ingress([admin(named)]);
  assert.equal(denied.reason, 'denied');
  assert.equal(denied.deniedBy?.rule.name, 'no strangers');
  assert.equal(denied.deniedBy?.rule.provenance.field, 'spec.ingress[0]');
  assert.deepEqual(denied.isolatedBy, []);
  assert.equal(ingress([admin(accept), defaultDeny]).allowedBy?.rule.provenance.kind, 'ClusterNetworkPolicy');
});
