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

test('a document may begin on the line of its mark, and thousands are read beside a broken one', context => {
  const directory = mkdtempSync(join(tmpdir(), 'fairlead-migrate-'));
  context.after(() => rmSync(directory, { recursive: true }));
  const inline = (name: number) => `--- {apiVersion: v1, kind: Service, metadata: {name: s${name}}}\n`;
  const all = Array.from({ length: 3000 }, (_, index) => inline(index));
  writeFileSync(join(directory, 'all.yaml'), [...all, '---\na: [1\nb: }\n', inline(3000)].join(''));
  const { manifests, unread } = parseDocuments([directory]);
  assert.equal(manifests.length, 3001);
  assert.equal(manifests.at(-1)?.line, 3004);
  assert.match(unread.join(), /all\.yaml:300[1-4]/);
});
