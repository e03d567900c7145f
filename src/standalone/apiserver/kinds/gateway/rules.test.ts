import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ApiObject, Fields } from '../../object.ts';
import { messagesOf, ofKind } from '../testing/of-kind.ts';

const GROUP = 'gateway.networking.k8s.io';
const gateways = ofKind(GROUP, 'Gateway');
const routes = ofKind(GROUP, 'HTTPRoute');
const classes = ofKind(GROUP, 'GatewayClass');

const object = (kind: string, spec: Fields): ApiObject => ({
  apiVersion: `${GROUP}/v1`,
  kind,
  metadata: { name: 'x' },
  spec,
});
const gateway = (spec: Fields): ApiObject => gateways.withDefaults(object('Gateway', spec));
const wrongGateway = (spec: Fields) =>
  messagesOf(gateways.validate(gateway({ gatewayClassName: 'fairlead', ...spec }), undefined));
const wrongRoute = (spec: Fields) =>
  messagesOf(routes.validate(routes.withDefaults(object('HTTPRoute', spec)), undefined));
const wrongRule = (rule: Fields) => wrongRoute({ rules: [rule] });

const HTTP = { name: 'http', port: 80, protocol: 'HTTP' };

test('a gateway gets the defaults of its schema, and conditions that wait for a controller', () => {
  const made = gateway({
    gatewayClassName: 'fairlead',
    listeners: [{ name: 'tls', port: 443, protocol: 'HTTPS', tls: { certificateRefs: [{ name: 'c' }] } }],
  });
  assert.deepEqual((made['spec'] as Fields)['listeners'], [
    {
      name: 'tls',
      port: 443,
      protocol: 'HTTPS',
      tls: { certificateRefs: [{ name: 'c', group: '', kind: 'Secret' }], mode: 'Terminate' },
      allowedRoutes: { namespaces: { from: 'Same' } },
    },
  ]);
  const status = gateways.strategy.onCreate?.(made)['status'] as { conditions: readonly Fields[] };
  assert.deepEqual(
    status.conditions.map(condition => [condition['type'], condition['reason']]),
    [
      ['Accepted', 'Pending'],
      ['Programmed', 'Pending'],
    ],
  );
});

test('a route without rules matches every path', () => {
  const route = routes.withDefaults(object('HTTPRoute', {}));
  assert.deepEqual((route['spec'] as Fields)['rules'], [
    { matches: [{ path: { type: 'PathPrefix', value: '/' } }] },
  ]);
});

test('what the schema forbids is refused field by field', () => {
  assert.deepEqual(wrongGateway({ listeners: [] }), [
    'spec.listeners: Invalid 0 spec.listeners in body should have at least 1 items',
  ]);
  assert.deepEqual(wrongGateway({ listeners: 'x' }), [
    'spec.listeners: TypeInvalid "string" spec.listeners in body must be of type array: "string"',
  ]);
  assert.deepEqual(wrongGateway({ listeners: [HTTP, { ...HTTP, port: 0 }] }), [
    'spec.listeners[1].port: Invalid 0 spec.listeners[1].port in body should be greater than or equal to 1',
    'spec.listeners[1]: Duplicate {"name":"http"} ',
  ]);
  assert.deepEqual(wrongGateway({ listeners: [{ name: 'a' }] }), [
    'spec.listeners[0].port: Required ',
    'spec.listeners[0].protocol: Required ',
  ]);
  assert.deepEqual(wrongRule({ matches: [{ method: 'FETCH' }] }), [
    'spec.rules[0].matches[0].method: NotSupported "FETCH" supported values: "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"',
  ]);
  assert.deepEqual(wrongRoute({ rules: Array.from({ length: 17 }, () => ({})) }), [
    'spec.rules: TooMany 17 must have at most 16 items',
  ]);
});

test('listeners must fit each other and their protocols', () => {
  const listener = (more: Fields) => ({ ...HTTP, ...more });
  const cases: readonly (readonly [readonly Fields[], string])[] = [
    [
      [listener({ tls: { mode: 'Passthrough' } })],
      "spec.listeners: Invalid \"array\" tls must not be specified for protocols ['HTTP', 'TCP', 'UDP']",
    ],
    [
      [listener({ protocol: 'HTTPS', tls: { mode: 'Passthrough' } })],
      'spec.listeners: Invalid "array" tls mode must be Terminate for protocol HTTPS',
    ],
    [
      [listener({ protocol: 'TLS' })],
      'spec.listeners: Invalid "array" tls mode must be set for protocol TLS',
    ],
    [
      [listener({ protocol: 'TCP', hostname: 'a.example' })],
      "spec.listeners: Invalid \"array\" hostname must not be specified for protocols ['TCP', 'UDP']",
    ],
    [
      [HTTP, listener({ name: 'other' })],
      'spec.listeners: Invalid "array" Combination of port, protocol and hostname must be unique for each listener',
    ],
    [
      [listener({ protocol: 'HTTPS', tls: {} })],
      'spec.listeners[0].tls: Invalid "object" certificateRefs or options must be specified when mode is Terminate',
    ],
  ];
  for (const [listeners, expected] of cases) assert.deepEqual(wrongGateway({ listeners }), [expected]);
  assert.deepEqual(wrongGateway({ listeners: [HTTP, listener({ name: 'b', hostname: 'b.example' })] }), []);
});

test('rules of a route must make sense together', () => {
  const redirect = { type: 'RequestRedirect', requestRedirect: {} };
  const rewrite = {
    type: 'URLRewrite',
    urlRewrite: { path: { type: 'ReplacePrefixMatch', replacePrefixMatch: '/b' } },
  };
  const backend = { name: 'web', port: 80 };
  const cases: readonly (readonly [Fields, readonly string[]])[] = [
    [{ backendRefs: [backend], filters: [rewrite] }, []],
    [
      { backendRefs: [backend], filters: [redirect] },
      ['spec.rules[0]: Invalid "object" RequestRedirect filter must not be used together with backendRefs'],
    ],
    [
      { filters: [rewrite], matches: [{ path: { type: 'Exact', value: '/a' } }] },
      [
        'spec.rules[0]: Invalid "object" When using URLRewrite filter with path.replacePrefixMatch, exactly one PathPrefix match must be specified',
      ],
    ],
    [
      { filters: [redirect, redirect] },
      ['spec.rules[0].filters: Invalid "array" RequestRedirect filter cannot be repeated'],
    ],
    [
      { filters: [{ type: 'RequestMirror' }] },
      [
        'spec.rules[0].filters[0]: Invalid "object" filter.requestMirror must be specified for RequestMirror filter.type',
      ],
    ],
    [
      { backendRefs: [{ name: 'web' }] },
      ['spec.rules[0].backendRefs[0]: Invalid "object" Must have port for Service reference'],
    ],
    [
      { matches: [{ path: { value: '/a//b' } }] },
      [
        "spec.rules[0].matches[0].path: Invalid \"object\" must not contain '//' when type one of ['Exact', 'PathPrefix']",
      ],
    ],
    [
      { timeouts: { request: '1s', backendRequest: '1001ms' } },
      [
        'spec.rules[0].timeouts: Invalid "object" backendRequest timeout cannot be longer than request timeout',
      ],
    ],
    [{ timeouts: { request: '0s', backendRequest: '1h' } }, []],
  ];
  for (const [rule, expected] of cases) assert.deepEqual(wrongRule(rule), expected, JSON.stringify(rule));
});

test('a route names the section where it attaches twice to one parent', () => {
  assert.deepEqual(wrongRoute({ parentRefs: [{ name: 'g' }, { name: 'g', sectionName: 'a' }] }), [
    'spec.parentRefs: Invalid "array" sectionName must be specified when parentRefs includes 2 or more references to the same parent',
  ]);
  assert.deepEqual(wrongRoute({ parentRefs: [{ name: 'g' }, { name: 'g', namespace: 'other' }] }), []);
});

test('the controller of a class never changes', () => {
  const of = (controllerName: string) => object('GatewayClass', { controllerName });
  assert.deepEqual(messagesOf(classes.validate(of('a.io/b'), of('a.io/c'))), [
    'spec.controllerName: Invalid "string" Value is immutable',
  ]);
});
