import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseDocuments } from './parse-documents.ts';

test('one broken document does not hide the others, and is named by its line', context => {
  const directory = mkdtempSync(join(tmpdir(), 'fairlead-migrate-'));
  context.after(() => rmSync(directory, { recursive: true }));
  const good = (name: string) => `apiVersion: v1\nkind: Service\nmetadata:\n  name: ${name}\n`;
  const file = join(directory, 'all.yaml');
  const templated = 'apiVersion: v1\nkind: {{ .Values.kind }}\nmetadata:\n  name: x\n';
  writeFileSync(file, [good('a'), templated, good('b')].join('---\n'));
  writeFileSync(join(directory, 'none.yaml'), 'just text\n');
  const { manifests, unread } = parseDocuments([directory]);
  assert.deepEqual(
    manifests.map(({ line, object }) => [object.metadata.name, line]),
    [
      ['a', 1],
      ['b', 11],
    ],
  );
  assert.equal(unread.length, 2);
  assert.match(unread[0] ?? '', /all\.yaml:[67].*templating in/);
  assert.match(unread[1] ?? '', /none\.yaml/);
});
