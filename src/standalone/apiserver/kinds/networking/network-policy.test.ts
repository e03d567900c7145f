import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ApiObject, Fields } from '../../object.ts';
import { messagesOf, ofKind } from '../testing/of-kind.ts';

const policies = ofKind('networking.k8s.io', 'NetworkPolicy');

function policy(spec: Fields): ApiObject {
  return policies.withDefaults({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name: 'np' },
    spec,
  });
}

const wrong = (spec: Fields): readonly string[] => messagesOf(policies.validate(policy(spec), undefined));

test('policy types follow the rules that are there', () => {
  const typesOf = (spec: Fields) => (policy(spec)['spec'] as Fields)['policyTypes'];
  assert.deepEqual(typesOf({}), ['Ingress']);
  assert.deepEqual(typesOf({ egress: [{}] }), ['Ingress', 'Egress']);
  assert.deepEqual(typesOf({ policyTypes: ['Egress'] }), ['Egress']);
});

test('a port is TCP if it does not say otherwise', () => {
  const spec = policy({ ingress: [{ ports: [{ port: 80 }] }] })['spec'] as { ingress: Fields[] };
  assert.deepEqual(spec.ingress[0]?.['ports'], [{ port: 80, protocol: 'TCP' }]);
});

test('broken policies are refused in the words of a real server', () => {
  const from = (peer: Fields) => ({ ingress: [{ from: [peer] }] });
  const ports = (port: Fields) => ({ egress: [{ ports: [port] }] });
  const cases: readonly (readonly [Fields, readonly string[]])[] = [
    [from({}), ['spec.ingress[0].from[0]: Required must specify a peer']],
    [
      from({ podSelector: {}, ipBlock: { cidr: '10.0.0.0/8' } }),
      ['spec.ingress[0].from[0]: Forbidden may not specify both ipBlock and another peer'],
    ],
    [from({ ipBlock: { cidr: '' } }), ['spec.ingress[0].from[0].ipBlock.cidr: Required ']],
    [
      from({ ipBlock: { cidr: '10.0.0.0/33' } }),
      [
        'spec.ingress[0].from[0].ipBlock.cidr: Invalid "10.0.0.0/33" must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)',
      ],
    ],
    [
      from({ ipBlock: { cidr: '10.0.0.1/8' } }),
      [
        'spec.ingress[0].from[0].ipBlock.cidr: Invalid "10.0.0.1/8" must not have bits set beyond the prefix length',
      ],
    ],
    [
      from({ ipBlock: { cidr: '10.0.0.0/8', except: ['11.0.0.0/16', '10.0.0.0/8', '10.1.0.0/16'] } }),
      [
        'spec.ingress[0].from[0].ipBlock.except[0]: Invalid "11.0.0.0/16" must be a strict subset of `cidr`',
        'spec.ingress[0].from[0].ipBlock.except[1]: Invalid "10.0.0.0/8" must be a strict subset of `cidr`',
      ],
    ],
    [
      ports({ protocol: 'ICMP' }),
      ['spec.egress[0].ports[0].protocol: NotSupported "ICMP" supported values: "TCP", "UDP", "SCTP"'],
    ],
    [
      ports({ endPort: 90 }),
      ['spec.egress[0].ports[0].endPort: Invalid 90 may not be specified when `port` is not specified'],
    ],
    [
      ports({ port: 'http', endPort: 90 }),
      ['spec.egress[0].ports[0].endPort: Invalid 90 may not be specified when `port` is non-numeric'],
    ],
    [
      ports({ port: 100, endPort: 90 }),
      ['spec.egress[0].ports[0].endPort: Invalid 100 must be greater than or equal to `port`'],
    ],
    [
      { policyTypes: ['Foo'] },
      ['spec.policyTypes[0]: NotSupported "Foo" supported values: "Ingress", "Egress"'],
    ],
    [
      { podSelector: { matchExpressions: [{ key: 'a', operator: 'In' }] } },
      [
        "spec.podSelector.matchExpressions[0].values: Required must be specified when `operator` is 'In' or 'NotIn'",
      ],
    ],
  ];
  for (const [spec, expected] of cases) assert.deepEqual(wrong(spec), expected, JSON.stringify(spec));
});
