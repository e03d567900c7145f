import { contains } from '../../../../base/ip.ts';
import type { Prefix } from '../../../../base/ip.ts';
import { inTurn, fill, within, withinEach } from '../defaults.ts';
import type { Definition } from '../define.ts';
import { AGE, NAME, ageOf, column, nameOf, selectorText } from '../print/columns.ts';
import { portName } from '../text/names.ts';
import { checkPrefix } from '../validation/addresses.ts';
import type { Findings } from '../validation/findings.ts';
import { checkLabelSelector } from '../validation/labels.ts';
import type { Place } from '../validation/place.ts';

const POLICY_TYPES = ['Ingress', 'Egress'];
const PROTOCOLS = ['TCP', 'UDP', 'SCTP'];

export const NETWORK_POLICY: Definition = {
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'NetworkPolicy',
  plural: 'networkpolicies',
  schema: 'io.k8s.api.networking.v1.NetworkPolicy',
  namespaced: true,
  shortNames: ['netpol'],
  defaults: object =>
    within(
      fill(object, { spec: {} }),
      'spec',
      inTurn(
        spec => withinEach(spec, 'ingress', withProtocols),
        spec => withinEach(spec, 'egress', withProtocols),
        spec =>
          fill(spec, {
            podSelector: {},
            policyTypes:
              Array.isArray(spec['egress']) && spec['egress'].length > 0 ? POLICY_TYPES : ['Ingress'],
          }),
      ),
    ),
  validate: (found, object, before) => {
    const spec = object.child('spec');
    const known = before === undefined ? new Set<string>() : prefixesOf(before);
    checkLabelSelector(found, spec.child('podSelector'));
    for (const rule of spec.child('ingress').items()) checkRule(found, rule, 'from', known);
    for (const rule of spec.child('egress').items()) checkRule(found, rule, 'to', known);
    checkPolicyTypes(found, spec.child('policyTypes'));
  },
  strategy: { countsGenerations: true },
  table: {
    columns: [NAME, column('Pod-Selector', 'Which pods the policy isolates.'), AGE],
    cells: (object, now) => [
      nameOf(object),
      selectorText(object.child('spec').child('podSelector')),
      ageOf(object, now),
    ],
  },
};

const withProtocols = (rule: Readonly<Record<string, unknown>>) =>
  withinEach(rule, 'ports', port => fill(port, { protocol: 'TCP' }));

function checkPolicyTypes(found: Findings, types: Place): void {
  if (types.list.length > POLICY_TYPES.length) {
    found.invalid(types, 'may not specify more than two policyTypes');
    return;
  }
  for (const type of types.items())
    if (!POLICY_TYPES.includes(type.text)) found.notSupported(type, POLICY_TYPES);
}

function checkRule(found: Findings, rule: Place, peers: 'from' | 'to', known: ReadonlySet<string>): void {
  for (const port of rule.child('ports').items()) checkPort(found, port);
  for (const peer of rule.child(peers).items()) checkPeer(found, peer, known);
}

function checkPort(found: Findings, rule: Place): void {
  const [protocol, port, end] = [rule.child('protocol'), rule.child('port'), rule.child('endPort')];
  found.optionalOneOf(protocol, PROTOCOLS);
  if (!port.present) {
    if (end.present) found.invalid(end, 'may not be specified when `port` is not specified');
  } else if (typeof port.value === 'string') {
    if (end.present) found.invalid(end, 'may not be specified when `port` is non-numeric');
    found.complaints(port, portName);
  } else {
    found.port(port);
    if (!end.present) return;
    // Upstream shows the port here.
    if (end.number < port.number) found.invalid(end, 'must be greater than or equal to `port`', port.number);
    found.port(end);
  }
}

function checkPeer(found: Findings, peer: Place, known: ReadonlySet<string>): void {
  const [pods, namespaces, block] = [
    peer.child('podSelector'),
    peer.child('namespaceSelector'),
    peer.child('ipBlock'),
  ];
  if (pods.present) checkLabelSelector(found, pods);
  if (namespaces.present) checkLabelSelector(found, namespaces);
  if (block.present) checkBlock(found, block, known);
  const selects = pods.present || namespaces.present;
  if (!selects && !block.present) found.required(peer, 'must specify a peer');
  else if (selects && block.present) found.forbidden(peer, 'may not specify both ipBlock and another peer');
}

/** Prefixes that the stored policy already has (`known`) stay, however they are written. */
function checkBlock(found: Findings, block: Place, known: ReadonlySet<string>): void {
  const cidr = block.child('cidr');
  if (cidr.text === '') {
    found.required(cidr);
    return;
  }
  const outer = known.has(cidr.text) ? undefined : checkPrefix(found, cidr);
  for (const place of block.child('except').items()) {
    const inner = known.has(place.text) ? undefined : checkPrefix(found, place);
    if (outer !== undefined && inner !== undefined && !isStrictSubset(outer, inner)) {
      found.invalid(place, 'must be a strict subset of `cidr`');
    }
  }
}

const isStrictSubset = (outer: Prefix, inner: Prefix): boolean =>
  contains(outer, inner) && inner.length > outer.length;

function prefixesOf(policy: Place): ReadonlySet<string> {
  const spec = policy.child('spec');
  const peers = [
    ...spec
      .child('ingress')
      .items()
      .flatMap(rule => rule.child('from').items()),
    ...spec
      .child('egress')
      .items()
      .flatMap(rule => rule.child('to').items()),
  ];
  const blocks = peers.map(peer => peer.child('ipBlock'));
  return new Set(blocks.flatMap(block => [block.child('cidr').text, ...block.child('except').texts]));
}
