import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:https';
import type { RequestOptions } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { connect } from 'node:tls';
import { gunzipSync } from 'node:zlib';
import { createAuthority, issueKubeconfig } from '../../src/standalone/apiserver/pki/index.ts';
import { startApiProcess } from './api-process.ts';
import type { ApiProcess } from './api-process.ts';

const directory = mkdtempSync(join(tmpdir(), 'fairlead-https-'));
let server: ApiProcess;

before(async () => {
  server = await startApiProcess(directory);
});

after(async () => {
  await server[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true });
});

interface Credentials {
  readonly cert?: Buffer;
  readonly key?: Buffer;
}

function credentials(file: string): Credentials {
  const text = readFileSync(file, 'utf8');
  const decoded = (field: string) =>
    Buffer.from(new RegExp(`"${field}": "([^"]+)"`).exec(text)?.[1] ?? '', 'base64');
  return { cert: decoded('client-certificate-data'), key: decoded('client-key-data') };
}

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

function call(path: string, options: RequestOptions = {}, body?: string | Buffer): Promise<Answer> {
  const ca = readFileSync(join(directory, 'pki', 'ca.crt'));
  return new Promise((resolve, reject) => {
    const sent = request(
      { host: '127.0.0.1', port: server.port, path, ca, agent: false, ...options },
      message => {
        const chunks: Buffer[] = [];
        message.on('data', (chunk: Buffer) => chunks.push(chunk));
        message.once('end', () =>
          resolve({ status: message.statusCode ?? 0, headers: message.headers, body: Buffer.concat(chunks) }),
        );
      },
    );
    sent.once('error', reject);
    sent.end(body);
  });
}

const json = (answer: Answer) => JSON.parse(answer.body.toString()) as { reason?: string; message?: string };
const admin = () => credentials(server.kubeconfig);

test('without a certificate only health and version are answered', async () => {
  for (const path of ['/healthz', '/livez', '/readyz', '/readyz?verbose', '/healthz/ping', '/version']) {
    assert.equal((await call(path)).status, 200, path);
  }
  assert.equal(
    (await call('/readyz?verbose')).body.toString(),
    '[+]ping ok\n[+]store ok\nreadyz check passed\n',
  );
  for (const path of ['/api', '/api/v1/namespaces', '/openapi/v3', '/nope']) {
    const refused = await call(path);
    assert.deepEqual([refused.status, json(refused).reason], [403, 'Forbidden'], path);
  }
});

test('a certificate of another authority opens nothing', async () => {
  const elsewhere = mkdtempSync(join(tmpdir(), 'fairlead-https-'));
  try {
    const file = join(elsewhere, 'kubeconfig');
    const stranger = createAuthority(elsewhere);
    issueKubeconfig(stranger, {
      user: 'admin',
      groups: ['system:masters'],
      server: 'https://127.0.0.1',
      file,
    });
    const refused = await call('/api', credentials(file));
    assert.equal(refused.status, 401);
    assert.equal((await call('/api', admin())).status, 200);
  } finally {
    rmSync(elsewhere, { recursive: true });
  }
});

test('the server shows a certificate for the names that clients dial', async () => {
  const certificate = new X509Certificate(readFileSync(join(directory, 'pki', 'apiserver.crt')));
  assert.ok(certificate.checkHost('kubernetes.default.svc'));
  assert.ok(certificate.checkIP('127.0.0.1'));
});

test('a body beyond the limit is refused, declared or not, and the server goes on', async () => {
  const path = '/api/v1/namespaces/default/configmaps';
  const huge = Buffer.alloc(4 * 1024 * 1024, ' ');
  const headers = { 'content-type': 'application/json' };
  const declared = await call(
    path,
    { ...admin(), method: 'POST', headers: { ...headers, 'content-length': huge.length } },
    huge,
  );
  assert.deepEqual([declared.status, json(declared).reason], [413, 'RequestEntityTooLarge']);
  const chunked = await call(
    path,
    { ...admin(), method: 'POST', headers: { ...headers, 'transfer-encoding': 'chunked' } },
    huge,
  );
  assert.equal(chunked.status, 413);
  assert.equal((await call('/api', admin())).status, 200);
});

test('a request that is too long or no HTTP at all is told so', async () => {
  assert.equal((await call(`/version?${'a'.repeat(70_000)}`)).status, 431);
  const garbage = await new Promise<string>((resolve, reject) => {
    const ca = readFileSync(join(directory, 'pki', 'ca.crt'));
    const socket = connect({ host: '127.0.0.1', port: server.port, ca }, () => socket.write('hello\r\n\r\n'));
    let seen = '';
    socket.on('data', (chunk: Buffer) => (seen += chunk.toString()));
    socket.once('end', () => resolve(seen));
    socket.once('error', reject);
  });
  assert.match(garbage, /^HTTP\/1\.1 400 Bad Request\r\n/);
});

test('large answers are compressed for those who ask', async () => {
  const value = 'x'.repeat(300_000);
  const body = JSON.stringify({ metadata: { name: 'large' }, data: { value } });
  const method = 'POST';
  assert.equal(
    (await call('/api/v1/namespaces/default/configmaps', { ...admin(), method }, body)).status,
    201,
  );
  const headers = { 'accept-encoding': 'gzip' };
  const compressed = await call('/api/v1/namespaces/default/configmaps/large', { ...admin(), headers });
  assert.equal(compressed.headers['content-encoding'], 'gzip');
  const object = JSON.parse(gunzipSync(compressed.body).toString()) as { data: { value: string } };
  assert.equal(object.data.value, value);
  const plain = await call('/api/v1/namespaces/default/configmaps/large', admin());
  assert.equal(plain.headers['content-encoding'], undefined);
});

test('what is not there, not allowed or not readable gets the Status that clients branch on', async () => {
  const cases: readonly (readonly [string, string, number, string])[] = [
    ['GET', '/api/v1/nopes', 404, 'NotFound'],
    ['GET', '/api/v2', 404, 'NotFound'],
    ['GET', '/api/v1/namespaces/default/pods/x/nope', 404, 'NotFound'],
    ['GET', '/apis/apps/v1/deployments/x', 404, 'NotFound'],
    ['POST', '/version', 405, 'MethodNotAllowed'],
    ['POST', '/api/v1/pods', 405, 'MethodNotAllowed'],
    ['PUT', '/api/v1/namespaces/default/pods', 405, 'MethodNotAllowed'],
    ['GET', '/api/v1/namespaces/%ff/pods', 400, 'BadRequest'],
  ];
  for (const [method, path, status, reason] of cases) {
    const answer = await call(path, { ...admin(), method });
    assert.deepEqual([answer.status, json(answer).reason], [status, reason], `${method} ${path}`);
  }
  for (const path of ['/nope', '/apis/nope.example.com/v1', '/apis/nope.example.com/v1/things']) {
    const page = await call(path, admin());
    assert.deepEqual([page.status, page.body.toString()], [404, '404 page not found\n'], path);
  }
});

test('the OpenAPI index leads to documents that need not be read twice', async () => {
  const index = await call('/openapi/v3', admin());
  const { paths } = JSON.parse(index.body.toString()) as {
    paths: Record<string, { serverRelativeURL: string }>;
  };
  const url = paths['apis/apps/v1']?.serverRelativeURL ?? '';
  assert.match(url, /^\/openapi\/v3\/apis\/apps\/v1\?hash=[0-9A-F]+$/);
  const document = await call(url, admin());
  assert.equal(document.status, 200);
  assert.match(String(document.headers['cache-control']), /immutable/);
  const again = await call(url, {
    ...admin(),
    headers: { 'if-none-match': String(document.headers['etag']) },
  });
  assert.deepEqual([again.status, again.body.length], [304, 0]);
  const old = await call('/openapi/v3/apis/apps/v1?hash=0', admin());
  assert.deepEqual([old.status, old.headers['location']], [301, url]);
  assert.equal((await call('/openapi/v3/apis/nope/v1', admin())).status, 404);
  const second = await call('/openapi/v2', admin());
  assert.match(second.body.toString(), /^{"swagger":"2.0"/);
});
