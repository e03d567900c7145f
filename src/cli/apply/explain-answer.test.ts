import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explainAnswer } from './explain-answer.ts';
import { parseManifests } from './parse-manifests.ts';

const text = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: shop
spec:
  replicas: two
  colour: red
`;
const [manifest] = parseManifests(text, 'web.yaml');

function explained(status: number, body: object) {
  assert.ok(manifest);
  return explainAnswer(
    { status, body: Buffer.from(JSON.stringify({ kind: 'Status', ...body })) },
    manifest,
    manifest.object,
  );
}

test('an unknown field is named with its line', () => {
  const error = explained(400, {
    reason: 'BadRequest',
    message:
      'Deployment in version "v1" cannot be handled as a Deployment: strict decoding error: unknown field "spec.colour"',
  });
  assert.equal(error.message, 'web.yaml:8: unknown field "spec.colour"');
  assert.equal(error.field, 'spec.colour');
  assert.equal(error.object, 'Deployment/shop/web');
});

test('a wrong type is said in words, with its line', () => {
  const error = explained(400, {
    reason: 'BadRequest',
    message: 'json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32',
  });
  assert.equal(error.message, 'web.yaml:7: spec.replicas: is of type string and has to be of type int32');
});

test('each of several causes has its line', () => {
  const error = explained(422, {
    reason: 'Invalid',
    message: 'invalid',
    details: {
      causes: [
        { field: 'spec.replicas', message: 'Invalid value: -1' },
        { field: 'spec.selector', message: 'Required value' },
      ],
    },
  });
  assert.equal(
    error.message,
    'web.yaml:7: line 7: spec.replicas: Invalid value: -1; line 6: spec.selector: Required value',
  );
});

test('a missing namespace comes with the command that makes it', () => {
  const error = explained(404, {
    reason: 'NotFound',
    message: 'namespaces "shop" not found',
    details: { kind: 'namespaces' },
  });
  assert.match(error.hint ?? '', /kubectl create namespace shop/);
});

test('an answer that is no Status is shown as it is', () => {
  assert.ok(manifest);
  const error = explainAnswer(
    { status: 502, body: Buffer.from('<html>bad gateway') },
    manifest,
    manifest.object,
  );
  assert.match(error.message, /^web\.yaml:1: the API server answered 502: <html>bad gateway/);
});
