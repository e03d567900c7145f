import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { builtInKinds } from '../kinds/index.ts';
import { startTestServer } from '../testing/in-process.ts';

const FOLDER = new URL('../../../../../shared/data/gateway-api-v1.6.1/', import.meta.url);
const file = (name: string) => new URL(name, FOLDER);
const POLICY = file('standard/gateway.networking.k8s.io_vap_safeupgrades.yaml');
const skip = existsSync(POLICY) ? false : 'reference data is absent: the release of the Gateway API';

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly annotations: Record<string, string> };
}

const manifests = (path: URL): readonly Manifest[] =>
  parseAllDocuments(readFileSync(path, 'utf8')).map(document => document.toJS() as Manifest);

test(
  'the Gateway API’s own policy keeps experimental and old definitions off standard ones',
  { skip },
  async () => {
    await using server = await startTestServer({ kinds: builtInKinds() });
    const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
    const [standard] = manifests(file('standard/gateway.networking.k8s.io_tlsroutes.yaml'));
    const [experimental] = manifests(file('experimental/gateway.networking.k8s.io_tlsroutes.yaml'));
    assert.ok(standard !== undefined && experimental !== undefined);
    for (const manifest of manifests(POLICY)) {
      const plural = `${manifest.kind.toLowerCase().replace(/y$/, 'ie')}s`;
      const path = `/apis/admissionregistration.k8s.io/v1/${plural}`;
      const answer = await server.call('POST', path, { body: manifest });
      assert.equal(answer.status, 201, answer.text);
    }
    const old = {
      ...standard,
      metadata: {
        ...standard.metadata,
        annotations: {
          ...standard.metadata.annotations,
          'gateway.networking.k8s.io/bundle-version': 'v0.8.1',
        },
      },
    };
    const tooOld = await server.call('POST', definitions, { body: old });
    assert.equal(tooOld.status, 422, tooOld.text);
    assert.match(tooOld.text, /denied request: Installing CRDs with version before v1.5.0 is prohibited/);
    const first = await server.call('POST', definitions, { body: standard });
    assert.equal(first.status, 201, first.text);
    const replace = await server.call(
      'PATCH',
      `${definitions}/${standard.metadata.name}?fieldManager=me&force=true`,
      {
        body: experimental,
        type: 'application/apply-patch+yaml',
      },
    );
    assert.equal(replace.status, 422, replace.text);
    assert.match(
      replace.text,
      /denied request: Installing experimental CRDs on top of standard channel CRDs is prohibited/,
    );
    const same = await server.call(
      'PATCH',
      `${definitions}/${standard.metadata.name}?fieldManager=me&force=true`,
      {
        body: standard,
        type: 'application/apply-patch+yaml',
      },
    );
    assert.equal(same.status, 200, same.text);
  },
);
