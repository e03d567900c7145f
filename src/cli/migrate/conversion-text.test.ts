import assert from 'node:assert/strict';
import { test } from 'node:test';
import { convertIngresses, readIngresses, targetOf } from '../../insight/migrate/index.ts';
import type { Ingress } from '../../kube/types/networking.ts';
import { curlOf, reportText, summaryText } from './conversion-text.ts';

const hostile: Ingress = {
  apiVersion: 'networking.k8s.io/v1',
  kind: 'Ingress',
  metadata: {
    name: 'one',
    namespace: 'shop',
    annotations: {
      'nginx.ingress.kubernetes.io/whitelist-source-range': '10.0.0.0/8\n\u001b[2Jgone\u2028',
      'nginx.ingress.kubernetes.io/whitelst-source-range': 'x',
    },
  },
  spec: { ingressClassName: 'nginx', rules: [{ host: 'a.example' }] },
};

test('what people read has one line for each thing, whatever objects say', () => {
  const model = readIngresses({ ingresses: [hostile], ingressClasses: [], flags: [] }, { source: 'files' });
  const conversion = convertIngresses(model, { target: targetOf('class', []) });
  const words = { model, conversion, unread: ['a.yaml:3: broken'], notes: [] };
  const text = [...summaryText(words), ...reportText(words)];
  for (const line of text) assert.doesNotMatch(line, /[\p{Cc}\p{Zl}\p{Zp}]/u);
  assert.ok(text.some(line => line.startsWith('SECURITY: shop/one allowlist-source-range: 10.0.0.0/8')));
  assert.ok(
    text.some(
      line =>
        line.includes('allowlist-source-range is the closest') || line.includes('no whitelst-source-range'),
    ),
  );
  assert.ok(text.includes('NOT READ: a.yaml:3: broken'));
});

test('a request is shown as a command that a shell takes as one', () => {
  assert.equal(
    curlOf({ scheme: 'https', host: 'a.example', path: "/it's", method: 'POST', headers: { Origin: 'x' } }),
    String.raw`curl -i --path-as-is -k -X POST -H 'Origin: x' 'https://a.example/it'\''s'`,
  );
});
