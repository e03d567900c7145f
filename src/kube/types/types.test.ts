import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';

/** Fields of upstream's messages; developers have them beside the repository. */
const REFERENCE = new URL('../../../../shared/data/kubernetes-v1.36/protobuf-fields.json', import.meta.url);
const skip = existsSync(REFERENCE) ? false : 'reference data is absent: protobuf fields of Kubernetes 1.36';

type Messages = Readonly<Record<string, Readonly<Record<string, readonly [number, string]>>>>;

/** Of each file's types the upstream package; the Gateway API has none, and is checked against its CRDs elsewhere. */
const PACKAGES: Readonly<Record<string, string>> = {
  'apps.ts': 'k8s.io.api.apps.v1',
  'batch.ts': 'k8s.io.api.batch.v1',
  'coordination.ts': 'k8s.io.api.coordination.v1',
  'discovery.ts': 'k8s.io.api.discovery.v1',
  'disruption.ts': 'k8s.io.api.policy.v1',
  'meta.ts': 'k8s.io.apimachinery.pkg.apis.meta.v1',
  'networking.ts': 'k8s.io.api.networking.v1',
};

/** Messages whose fields JSON shows among those of the message that holds them. */
const EMBEDDED: readonly string[] = [
  'ephemeralContainerCommon',
  'handler',
  'ingressRuleValue',
  'localObjectReference',
  'volumeSource',
];

/** The JSON names of a message's fields, in lower case: protobuf writes `aPIGroup` for `apiGroup`. */
function fieldsOf(messages: Messages, ours: string, message: Messages[string]): readonly string[] {
  return Object.entries(message).flatMap(([field, [, type]]) => {
    const embedded = EMBEDDED.includes(field) ? messages[`${ours}.${type}`] : undefined;
    return embedded === undefined ? [field.toLowerCase()] : fieldsOf(messages, ours, embedded);
  });
}

/** The interfaces of a file with the names of their own fields. */
function interfacesOf(text: string): readonly (readonly [name: string, fields: readonly string[]])[] {
  return [...text.matchAll(/^export interface (\w+)[^{]*\{\n(.*?)^\}/gms)].map(([, name = '', body = '']) => [
    name,
    [...body.matchAll(/^ {2}readonly (\w+)\??:/gm)].map(([, field = '']) => field),
  ]);
}

test('every field of our types is a field upstream', { skip }, () => {
  const messages = JSON.parse(readFileSync(REFERENCE, 'utf8')) as Messages;
  const unknown: string[] = [];
  let compared = 0;
  for (const file of readdirSync(new URL('.', import.meta.url))) {
    if (!file.endsWith('.ts') || file.endsWith('.test.ts') || file.startsWith('gateway')) continue;
    const text = readFileSync(new URL(file, import.meta.url), 'utf8');
    for (const [name, fields] of interfacesOf(text)) {
      const ours = PACKAGES[file] ?? 'k8s.io.api.core.v1';
      const message = messages[`${ours}.${name}`];
      if (message === undefined) continue;
      compared++;
      const known = new Set([...fieldsOf(messages, ours, message), 'apiversion', 'kind']);
      for (const field of fields)
        if (!known.has(field.toLowerCase())) unknown.push(`${file}: ${name}.${field}`);
    }
  }
  assert.ok(compared > 100, `only ${compared} types were found upstream`);
  assert.deepEqual(unknown, []);
});
