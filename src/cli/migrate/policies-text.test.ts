import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAllDocuments, stringify } from 'yaml';
import { policiesText } from './policies-text.ts';

test('the output is YAML, whatever objects are called', () => {
  const hostile = 'x\n---\nkind: Secret\u2028y';
  const text = policiesText(
    {
      policies: [
        {
          policy: {
            apiVersion: 'networking.k8s.io/v1',
            kind: 'NetworkPolicy',
            metadata: { name: 'a', namespace: 'b' },
            spec: { podSelector: {} },
          },
          because: [hostile],
        },
      ],
      edges: [],
      open: [hostile],
    },
    object => stringify(object),
  );
  const documents = parseAllDocuments(text).map(
    document => document.toJS() as { readonly kind?: string } | null,
  );
  assert.deepEqual(
    documents.map(document => document?.kind).filter(kind => kind !== undefined),
    ['NetworkPolicy'],
  );
});
