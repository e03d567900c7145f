import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stringify } from 'yaml';
import { traceRequest } from '../../insight/trace/index.ts';
import type { Origin, Target } from '../../insight/trace/index.ts';
import { shop } from '../../insight/trace/testing/shop.ts';
import { traceText } from './trace-text.ts';

const web: Origin = { kind: 'pod', namespace: 'shop', name: 'web-1' };
const textOf = (from: Origin, to: Target): string =>
  traceText(traceRequest(shop(), from, to), { isColoured: false, yaml: value => stringify(value) });

test('a request that is dropped is told hop by hop, and ends with what would let it pass', () => {
  const text = textOf(web, { host: '10.244.2.13', port: 8080, protocol: 'TCP' });
  assert.equal(
    text,
    `request   pod/shop/web-1 → 10.244.2.13:8080

from      a process in shop/web-1 on node-1
          10.244.1.11  fd00:10:244:1::b

policy    out  dropped  shop/web-1 is isolated by allow-dns, default-deny, web, and they have no rule for TCP port 8080 to data/db-2
               nearest  NetworkPolicy/shop/web spec.egress[0]: data/db-2 is not in the namespace shop and label app is "db", not "api"
               nearest  NetworkPolicy/shop/allow-dns spec.egress[0]: namespace data: label kubernetes.io/metadata.name is "data", not "kube-system" and label k8s-app=kube-dns missing; TCP port 8080, allowed is UDP 53
          in   dropped  data/db-2 is isolated by db, default-deny, and they have no rule for TCP port 8080 from shop/web-1
               nearest  NetworkPolicy/data/db spec.ingress[0]: label app is "web", not "api"

route     node-1 → node-2, directly on link 1 by 172.30.0.2

arrival   dropped at the source: shop/web-1 is isolated by allow-dns, default-deny, web, and they have no rule for TCP port 8080 to data/db-2

verdict   dropped at the source: shop/web-1 is isolated by allow-dns, default-deny, web, and they have no rule for TCP port 8080 to data/db-2
          decided by  NetworkPolicy/shop/web spec.egress[0]
          next        If the request is to pass, add to spec.egress[0].to of NetworkPolicy/shop/web, and to spec.ingress[0].from of NetworkPolicy/data/db.
          NetworkPolicy/shop/web spec.egress[0].to:
            - namespaceSelector:
                matchLabels:
                  kubernetes.io/metadata.name: data
              podSelector:
                matchLabels:
                  app: db
          NetworkPolicy/data/db spec.ingress[0].from:
            - namespaceSelector:
                matchLabels:
                  kubernetes.io/metadata.name: shop
              podSelector:
                matchLabels:
                  app: web
`,
  );
});

test('a Gateway is told with listener, host, rule and backends', () => {
  const http = { scheme: 'http', method: 'GET', path: '/shop', headers: [] } as const;
  const text = textOf({ kind: 'world' }, { host: 'shop.example.com', port: 80, protocol: 'TCP', http });
  const block = text.slice(text.indexOf('gateway '), text.indexOf('verdict '));
  assert.match(block, /listener {2}http +Gateway\/shop\/shop spec\.listeners\[0\]/);
  assert.match(block, /host +shop\.example\.com/);
  assert.match(block, /rule +PathPrefix \/shop +HTTPRoute\/shop\/web spec\.rules\[0\]\.matches\[0\]/);
  assert.match(block, /shop\/web:80 +100 % +HTTPRoute\/shop\/web spec\.rules\[0\]\.backendRefs\[0\]/);
  assert.match(block, /10\.244\.2\.11:8080 +shop\/web-2 on node-2/);
});
