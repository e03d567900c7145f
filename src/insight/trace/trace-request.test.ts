import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Service } from '../../kube/types/service.ts';
import type { Hop, Trace } from './hops.ts';
import type { Origin, Target } from './request.ts';
import type { TraceObjects } from './cluster.ts';
import { gatewayAddress, pod, policy, shop } from './testing/shop.ts';
import { traceRequest } from './trace-request.ts';

const from = (key: string): Origin => {
  if (key === 'world') return { kind: 'world' };
  const [kind = '', first = '', name = ''] = key.split('/');
  return kind === 'node' ? { kind: 'node', name: first } : { kind: 'pod', namespace: first, name };
};

function url(text: string, headers: Readonly<Record<string, string>> = {}): Target {
  const { hostname, pathname, port, protocol, search } = new URL(text);
  const scheme = protocol === 'https:' ? 'https' : 'http';
  return {
    host: hostname.replace(/^\[|\]$/g, ''),
    port: port === '' ? (scheme === 'https' ? 443 : 80) : Number(port),
    protocol: 'TCP',
    http: {
      scheme,
      method: 'GET',
      path: `${pathname}${search}`,
      headers: Object.entries(headers).map(([name, value]) => ({ name, value })),
    },
  };
}

const trace = (origin: string, target: string, change: Partial<TraceObjects> = {}): Trace =>
  traceRequest({ ...shop(), ...change }, from(origin), url(target));

function hopOf<Name extends Hop['hop']>(found: Trace, name: Name): Extract<Hop, { hop: Name }> {
  const hop = found.hops.find(one => one.hop === name);
  assert.ok(hop, `${name} among ${found.hops.map(one => one.hop).join(', ')}: ${found.verdict.sentence}`);
  return hop as Extract<Hop, { hop: Name }>; // found by that name
}

describe('between pods', () => {
  test('an allowed request reaches one of the endpoints, with the rules of both ends', () => {
    const found = trace('pod/shop/web-1', 'http://api/');
    assert.equal(found.verdict.outcome, 'reaches');
    assert.deepEqual(
      found.hops.map(({ hop }) => hop),
      ['origin', 'name', 'service', 'policy', 'route', 'arrival'],
    );
    const name = hopOf(found, 'name');
    assert.deepEqual(name.addresses, ['10.96.0.2', 'fd00:10:96::2']);
    assert.deepEqual(
      name.asked.map(asked => [asked.name, asked.outcome]),
      [['api.shop.svc.cluster.local', 'found']],
    );
    assert.deepEqual(
      name.asked[0]?.records.map(({ field, object, value }) => [object, field, value]),
      [
        ['Service/shop/api', 'spec.clusterIPs[0]', '10.96.0.2'],
        ['Service/shop/api', 'spec.clusterIPs[1]', 'fd00:10:96::2'],
      ],
    );
    assert.ok(name.access.every(({ allowed }) => allowed));
    const { choices } = hopOf(found, 'policy');
    assert.equal(choices.length, 4, 'two endpoints in two families');
    for (const { egress, ingress } of choices) {
      assert.equal(egress.allowedBy?.object, 'NetworkPolicy/shop/web');
      assert.equal(egress.allowedBy?.field, 'spec.egress[0]');
      assert.equal(ingress.allowedBy?.object, 'NetworkPolicy/shop/api');
      assert.deepEqual(
        egress.isolatedBy.map(({ object }) => object),
        ['NetworkPolicy/shop/allow-dns', 'NetworkPolicy/shop/default-deny', 'NetworkPolicy/shop/web'],
      );
    }
    assert.deepEqual(
      hopOf(found, 'route').choices.map(({ to, way }) => [to.pod, way]),
      [
        ['shop/api-1', 'same-node'],
        ['shop/api-2', 'direct'],
        ['shop/api-1', 'same-node'],
        ['shop/api-2', 'direct'],
      ],
    );
  });

  test('a name in another namespace is found by the search list', () => {
    const { asked } = hopOf(trace('pod/shop/api-1', 'http://db.data/'), 'name');
    assert.deepEqual(
      asked.map(({ name, outcome }) => [name, outcome]),
      [
        ['db.data.shop.svc.cluster.local', 'no-name'],
        ['db.data.svc.cluster.local', 'found'],
      ],
    );
  });

  test('a forbidden request is dropped, with the nearest rules and the change at both ends', () => {
    const { verdict } = trace('pod/shop/web-1', 'http://db.data/');
    assert.equal(verdict.outcome, 'dropped');
    assert.deepEqual(
      verdict.changes?.map(({ field, object }) => [object, field]),
      [
        ['NetworkPolicy/shop/web', 'spec.egress[0].to'],
        ['NetworkPolicy/data/db', 'spec.ingress[0].from'],
      ],
    );
  });

  test('what the trace proposes lets the request pass', () => {
    const objects = shop();
    const before = traceRequest(objects, from('pod/shop/web-1'), url('http://db.data/'));
    const changed = objects.networkPolicies.map(one => {
      const own = before.verdict.changes?.filter(
        ({ object }) => object === `NetworkPolicy/${one.metadata.namespace}/${one.metadata.name}`,
      );
      const spec = structuredClone(one.spec) as {
        egress: { to: unknown[] }[];
        ingress: { from: unknown[] }[];
      };
      for (const { add, field } of own ?? [])
        if (field === 'spec.egress[0].to') spec.egress[0]?.to.push(add);
        else spec.ingress[0]?.from.push(add);
      return { ...one, spec: spec as typeof one.spec & object };
    });
    const after = traceRequest(
      { ...objects, networkPolicies: changed },
      from('pod/shop/web-1'),
      url('http://db.data/'),
    );
    assert.equal(after.verdict.outcome, 'reaches', after.verdict.sentence);
  });

  test('endpoints that differ are told one by one', () => {
    const odd = pod('shop/api-2', 12);
    const objects = shop();
    const pods = objects.pods.map(one =>
      one.metadata.name === 'api-2'
        ? { ...odd, metadata: { ...odd.metadata, labels: { app: 'other' } } }
        : one,
    );
    const { verdict } = trace('pod/shop/web-1', 'http://api/', { pods });
    assert.equal(verdict.outcome, 'mixed');
    assert.deepEqual(
      verdict.parts.map(({ outcome, places }) => [outcome, [...new Set(places.map(place => place.pod))]]),
      [
        ['reaches', ['shop/api-1']],
        ['dropped', ['shop/api-2']],
      ],
    );
  });

  test('without a policy for DNS the name is what fails', () => {
    const networkPolicies = shop().networkPolicies.filter(({ metadata }) => metadata.name !== 'allow-dns');
    const found = trace('pod/shop/web-1', 'http://api/', { networkPolicies });
    assert.equal(hopOf(found, 'name').outcome, 'dns-dropped');
    assert.equal(found.verdict.outcome, 'dropped');
    assert.match(found.verdict.sentence, /the name api is not resolved/);
    assert.equal(found.verdict.changes?.length, 1);
  });

  test('a name that is almost right is answered with the one that is meant', () => {
    const { verdict } = trace('pod/shop/web-1', 'http://apo.shop.svc.cluster.local/');
    assert.equal(verdict.outcome, 'no-such-name');
    assert.match(verdict.next ?? '', /api/);
  });

  test('a Service of another namespace is found by its name', () => {
    assert.match(trace('pod/shop/web-1', 'http://db/').verdict.next ?? '', /db\.data/);
  });

  test('a Service without endpoints refuses, with what its selector finds', () => {
    const { verdict } = trace('pod/shop/web-1', 'http://idle/');
    assert.equal(verdict.outcome, 'refused');
    assert.match(verdict.next ?? '', /app=nobody/);
  });

  test('a port that a Service does not have is refused, with those that it has', () => {
    const { verdict } = trace('pod/shop/web-1', 'http://api:8080/');
    assert.equal(verdict.outcome, 'refused');
    assert.match(verdict.next ?? '', /80\/TCP/);
  });

  test('a cluster address that no Service has is dropped', () => {
    const { verdict } = trace('pod/shop/web-1', 'http://10.96.0.99/');
    assert.equal(verdict.outcome, 'dropped');
    assert.match(verdict.sentence, /no Service has the address 10\.96\.0\.99/);
  });

  test('an address of a pod is reached without a Service', () => {
    const found = trace('pod/shop/web-1', 'http://10.244.2.12:8080/');
    assert.deepEqual(
      found.hops.map(({ hop }) => hop),
      ['origin', 'policy', 'route', 'arrival'],
    );
    assert.equal(found.verdict.outcome, 'reaches');
  });

  test('an address that no pod has leads nowhere', () => {
    const networkPolicies = shop().networkPolicies.filter(({ metadata }) => metadata.namespace !== 'shop');
    const { verdict } = trace('pod/shop/web-1', 'http://10.244.2.99:8080/', { networkPolicies });
    assert.equal(verdict.outcome, 'no-route');
    assert.match(verdict.sentence, /node-2/);
  });

  test('an alias of the pod itself goes before DNS', () => {
    const aliased = pod('shop/web-1', 11, {
      hostAliases: [{ ip: '10.96.0.2', hostnames: ['legacy.example.com'] }],
    });
    const pods = shop().pods.map(one => (one.metadata.name === 'web-1' ? aliased : one));
    const found = trace('pod/shop/web-1', 'http://legacy.example.com/', { pods });
    assert.equal(hopOf(found, 'name').by, 'hosts');
    assert.equal(found.verdict.outcome, 'reaches');
  });

  test('without known links the way to another node is not pretended to be known', () => {
    const objects = shop();
    const facts = { ...objects.facts, links: [] };
    const ways = hopOf(trace('pod/shop/web-1', 'http://api/', { facts }), 'route').choices.map(
      ({ way }) => way,
    );
    assert.deepEqual([...new Set(ways)], ['same-node', 'other-node']);
  });
});

describe('from a node', () => {
  test('a node reaches its own pods, whatever their policies say, and not those of others', () => {
    const { verdict } = trace('node/node-1', 'http://10.96.0.2/');
    assert.equal(verdict.outcome, 'mixed');
    assert.deepEqual(
      verdict.parts.map(({ outcome }) => outcome),
      ['reaches', 'dropped'],
    );
  });

  test('a name is left to the node', () => {
    const { verdict } = trace('node/node-1', 'http://api.shop.svc.cluster.local/');
    assert.equal(verdict.outcome, 'unknown');
    assert.match(verdict.next ?? '', /10\.96\.0\.2/);
  });
});

describe('from outside', () => {
  test('a request goes through the Gateway that serves its name, to the pods behind the rule', () => {
    const found = trace('world', 'http://shop.example.com/shop/1');
    assert.equal(found.verdict.outcome, 'reaches', found.verdict.sentence);
    assert.deepEqual(
      found.hops.map(({ hop }) => hop),
      ['origin', 'name', 'service', 'policy', 'route', 'arrival', 'gateway', 'policy', 'route', 'arrival'],
    );
    assert.deepEqual(hopOf(found, 'name').addresses, [gatewayAddress]);
    const [frontend] = hopOf(found, 'service').frontends;
    assert.equal(frontend?.node, 'node-1', 'the only node with a proxy announces the address');
    assert.equal(frontend?.source, 'kept');
    const hop = hopOf(found, 'gateway');
    assert.equal(hop.rule?.object, 'HTTPRoute/shop/web');
    assert.equal(hop.rule?.field, 'spec.rules[0].matches[0]');
    assert.deepEqual(
      hop.backends.map(({ endpoints, service, share }) => [service, share, endpoints.map(one => one.pod)]),
      [['shop/web:80', 1, ['shop/web-1', 'shop/web-2']]],
    );
  });

  test('a path without a rule is answered by the Gateway', () => {
    const { verdict } = trace('world', 'http://shop.example.com/nothing');
    assert.equal(verdict.outcome, 'answered');
    assert.match(verdict.sentence, /404/);
  });

  test('a route that is refused is named where it is missed', () => {
    const httpRoutes = shop().httpRoutes.map(route => ({
      ...route,
      spec: { ...route.spec, parentRefs: [{ name: 'shop', sectionName: 'https' }] },
    }));
    const found = trace('world', `http://${gatewayAddress}/shop`, { httpRoutes });
    assert.match(hopOf(found, 'gateway').problems.join(), /HTTPRoute shop\/web .*NoMatchingParent/);
    assert.match(found.verdict.next ?? '', /NoMatchingParent/);
  });

  test('a redirect ends at the Gateway', () => {
    const found = trace('world', 'http://shop.example.com/old');
    assert.equal(found.verdict.outcome, 'answered');
    assert.equal(hopOf(found, 'gateway').status, 301);
  });

  test('a backend that the proxies may not reach is an error of the Gateway', () => {
    const networkPolicies = shop().networkPolicies.map(one =>
      one.metadata.name === 'gateway'
        ? policy('shop/gateway', {
            podSelector: { matchLabels: { app: 'proxy' } },
            policyTypes: ['Ingress'],
            ingress: [{}],
          })
        : one,
    );
    const { verdict } = trace('world', 'http://shop.example.com/shop', { networkPolicies });
    assert.equal(verdict.outcome, 'gateway-error');
    assert.match(verdict.sentence, /the Gateway does not reach the backend: dropped at the source/);
  });

  test('a name that no Gateway serves is no name', () => {
    const { verdict } = trace('world', 'http://shops.example.com/');
    assert.equal(verdict.outcome, 'no-such-name');
    assert.match(verdict.next ?? '', /shop\.example\.com/);
  });

  test('cluster addresses and pods are not reached', () => {
    assert.equal(trace('world', 'http://10.96.0.2/').verdict.outcome, 'no-route');
    assert.equal(trace('world', 'http://10.244.1.11:8080/').verdict.outcome, 'no-route');
  });
});

describe('what is not there', () => {
  test('a pod that does not exist, has ended or has no address sends nothing', () => {
    const ended = { ...pod('shop/ended-1', 20), status: { phase: 'Succeeded' as const } };
    const waiting = { ...pod('shop/waiting-1', 21), status: { phase: 'Pending' as const } };
    const pods = [...shop().pods, ended, waiting];
    for (const name of ['nobody', 'ended-1', 'waiting-1'])
      assert.equal(trace(`pod/shop/${name}`, 'http://api/', { pods }).verdict.outcome, 'no-source', name);
  });

  test('an object that cannot be read is named, and the rest is traced', () => {
    const broken = { kind: 'Pod', metadata: { name: 'broken', namespace: 'shop' } } as never;
    const found = trace('pod/shop/web-1', 'http://api/', { pods: [...shop().pods, broken] });
    assert.equal(found.verdict.outcome, 'reaches');
    assert.match(found.problems.join(), /Pod\/shop\/broken/);
  });
});

describe('addresses for clients outside', () => {
  /** `api` at a load balancer's address and at a node port, for everybody. */
  const services = shop().services.map((service): Service =>
    service.metadata.name === 'api'
      ? {
          ...service,
          spec: {
            ...service.spec,
            type: 'LoadBalancer',
            ports: [{ name: 'http', port: 80, nodePort: 30_080 }],
          },
          status: { loadBalancer: { ingress: [{ ip: '172.30.200.9', ipMode: 'VIP' }] } },
        }
      : service,
  );
  const networkPolicies = [
    policy('shop/api', {
      podSelector: { matchLabels: { app: 'api' } },
      policyTypes: ['Ingress'],
      ingress: [{ from: [{ ipBlock: { cidr: '172.30.250.1/32' } }] }],
    }),
  ];
  const outcomes = (found: Trace) =>
    hopOf(found, 'arrival').choices.map(({ outcome, to }) => [to?.pod, outcome]);

  test('an endpoint on another node sees the node that lets the client in, and so do its policies', () => {
    for (const target of ['http://172.30.200.9/', 'http://172.30.0.2:30080/']) {
      const found = trace('world', target, { services, networkPolicies });
      const [frontend] = hopOf(found, 'service').frontends;
      const [own, other] = frontend?.node === 'node-1' ? ['api-1', 'api-2'] : ['api-2', 'api-1'];
      assert.deepEqual(
        Object.fromEntries(outcomes(found)),
        { [`shop/${own}`]: 'reaches', [`shop/${other}`]: 'dropped' },
        target,
      );
      assert.equal(found.verdict.outcome, 'mixed');
      const remote = hopOf(found, 'policy').choices.find(({ to }) => to.pod === `shop/${other}`);
      assert.equal(remote?.from.address, '172.30.250.1');
      assert.equal(remote.seenAs?.node, frontend?.node);
    }
  });

  test('a node port is translated by the node that has the address', () => {
    const found = trace('pod/shop/web-1', 'http://172.30.0.2:30080/', { services, networkPolicies: [] });
    assert.equal(hopOf(found, 'service').frontends[0]?.node, 'node-2');
    assert.match(hopOf(found, 'route').choices[0]?.sentence ?? '', /by way of node-2/);
  });
});

test('a rule of a ClusterNetworkPolicy that denies goes before what others allow', () => {
  const clusterNetworkPolicies: TraceObjects['clusterNetworkPolicies'] = [
    {
      apiVersion: 'policy.networking.k8s.io/v1alpha2',
      kind: 'ClusterNetworkPolicy',
      metadata: { name: 'no-api' },
      spec: {
        tier: 'Admin',
        priority: 1,
        subject: { namespaces: {} },
        egress: [
          {
            action: 'Deny',
            to: [{ pods: { namespaceSelector: {}, podSelector: { matchLabels: { app: 'api' } } } }],
          },
        ],
      },
    },
  ];
  const { verdict } = trace('pod/shop/web-1', 'http://api/', { clusterNetworkPolicies });
  assert.equal(verdict.outcome, 'dropped');
  assert.deepEqual(verdict.decidedBy, { object: 'ClusterNetworkPolicy/no-api', field: 'spec.egress[0]' });
});

test('a port of a node that is a pod’s leads to the pod, whose policies see the client', () => {
  const ports = [{ containerPort: 8080, hostPort: 9080 }];
  const door = pod('open/door-1', 60, { containers: [{ name: 'main', image: 'echo', ports }] });
  const pods = [...shop().pods, door];
  for (const origin of ['world', 'node/node-2', 'node/node-1']) {
    const { verdict } = trace(origin, 'http://172.30.0.1:9080/', { pods });
    assert.equal(verdict.outcome, 'reaches', `${origin}: ${verdict.sentence}`);
    assert.match(verdict.sentence, /open\/door-1.*8080/);
  }
  assert.match(
    hopOf(trace('world', 'http://172.30.0.1:9080/', { pods }), 'route').choices[0]?.sentence ?? '',
    /by way of node-1/,
  );
  assert.doesNotMatch(trace('world', 'http://172.30.0.2:9080/', { pods }).verdict.sentence, /door/);
  const networkPolicies = [policy('open/closed', { podSelector: {}, policyTypes: ['Ingress'] })];
  const closed = trace('world', 'http://172.30.0.1:9080/', { pods, networkPolicies });
  assert.equal(closed.verdict.outcome, 'dropped', closed.verdict.sentence);
});

test('a pod that speaks to itself on its loopback is asked nothing', () => {
  const found = trace('pod/shop/web-1', 'http://localhost:8080/');
  assert.equal(found.verdict.outcome, 'reaches');
  assert.ok(!found.hops.some(({ hop }) => hop === 'policy'));
});

test('a name that a Gateway serves and the cluster does not know is told with its address', () => {
  const { verdict } = trace('pod/shop/web-1', 'http://shop.example.com/shop');
  assert.equal(verdict.outcome, 'unknown');
  assert.match(verdict.next ?? '', /172\.30\.200\.1/);
});

test('one family alone is followed where that is asked for', () => {
  const to: Target = { ...url('http://api/'), family: 6 };
  const { frontends } = hopOf(traceRequest(shop(), from('pod/shop/web-1'), to), 'service');
  assert.deepEqual(
    frontends.map(({ address }) => address),
    ['fd00:10:96::2'],
  );
});
