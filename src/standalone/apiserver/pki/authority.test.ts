import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createAuthority, issueKubeconfig, issueServing } from './index.ts';

function inDirectory(run: (directory: string) => void): () => void {
  return () => {
    const directory = mkdtempSync(join(tmpdir(), 'fairlead-pki-'));
    try {
      run(directory);
    } finally {
      rmSync(directory, { recursive: true });
    }
  };
}

test(
  'the authority is made once and read afterwards, its key readable by the owner alone',
  inDirectory(directory => {
    const first = createAuthority(directory);
    const second = createAuthority(directory);
    assert.equal(second.certificate, first.certificate);
    assert.equal(statSync(join(directory, 'ca.key')).mode & 0o777, 0o600);
  }),
);

test(
  'the serving certificate covers the names that clients dial, and is renewed only for a new name',
  inDirectory(directory => {
    const authority = createAuthority(directory);
    const first = issueServing(authority, { names: ['10.96.0.1', 'fd00:10:96::1'] });
    const certificate = new X509Certificate(first.certificate);
    for (const host of ['localhost', 'kubernetes.default.svc.cluster.local'])
      assert.ok(certificate.checkHost(host));
    for (const address of ['127.0.0.1', '::1', '10.96.0.1', 'fd00:10:96::1']) {
      assert.ok(certificate.checkIP(address), address);
    }
    assert.ok(certificate.verify(new X509Certificate(authority.certificate).publicKey));
    assert.deepEqual(issueServing(authority, { names: ['10.96.0.1'] }), first);
    assert.notDeepEqual(issueServing(authority, { names: ['172.30.0.9'] }), first);
  }),
);

test(
  'a kubeconfig carries user and groups, is private, and stays as it is when nothing changed',
  inDirectory(directory => {
    const authority = createAuthority(directory);
    const file = join(directory, 'admin.kubeconfig');
    const options = {
      user: 'system:node:node-1',
      groups: ['system:nodes'],
      server: 'https://127.0.0.1:6443',
      file,
    };
    issueKubeconfig(authority, options);
    const text = readFileSync(file, 'utf8');
    assert.equal(statSync(file).mode & 0o777, 0o600);
    const encoded = /"client-certificate-data": "([^"]+)"/.exec(text)?.[1] ?? '';
    const client = new X509Certificate(Buffer.from(encoded, 'base64'));
    assert.equal(client.subject, 'O=system:nodes\nCN=system:node:node-1');
    issueKubeconfig(authority, options);
    assert.equal(readFileSync(file, 'utf8'), text);
    issueKubeconfig(authority, { ...options, groups: [] });
    assert.notEqual(readFileSync(file, 'utf8'), text);
  }),
);
