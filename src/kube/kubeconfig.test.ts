import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { inClusterConfig, isInCluster } from './in-cluster.ts';
import { kubeconfigPaths, loadKubeconfig } from './kubeconfig.ts';
import type { Kubeconfig } from './kubeconfig.ts';
import { ManualClock } from './manual-clock.ts';
import { userCredentials } from './user-credentials.ts';

function directoryOf(t: TestContext, files: Readonly<Record<string, string>>): string {
  const directory = mkdtempSync(join(tmpdir(), 'fairlead-kubeconfig-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(directory, name, '..'), { recursive: true });
    writeFileSync(join(directory, name), text);
  }
  return directory;
}

const base64 = (text: string) => Buffer.from(text).toString('base64');

/** Looks like PEM; TLS itself reads it later. */
const pem = (text: string) => `-----BEGIN ${text}-----`;

const YAML = `
apiVersion: v1
kind: Config
current-context: dev
contexts:
- {name: dev, context: {cluster: local, user: me, namespace: web}}
- {name: other, context: {cluster: far, user: robot}}
clusters:
- name: local
  cluster: {server: 'https://127.0.0.1:6443', certificate-authority: pki/ca.crt, tls-server-name: api.local}
- name: far
  cluster: {server: 'https://far.example/k8s', insecure-skip-tls-verify: true, proxy-url: 'http://proxy:3128'}
users:
- name: me
  user: {client-certificate-data: ${base64(pem('CERT'))}, client-key: me.key}
- name: robot
  user: {token: secret, as: eve, as-groups: [a, b]}
`;

test('a context is resolved with inline data and files beside the kubeconfig', t => {
  const directory = directoryOf(t, { config: YAML, 'pki/ca.crt': pem('CA'), 'me.key': pem('KEY') });
  assert.deepEqual(loadKubeconfig(join(directory, 'config')), {
    context: 'dev',
    namespace: 'web',
    cluster: {
      server: 'https://127.0.0.1:6443',
      certificateAuthority: pem('CA'),
      tlsServerName: 'api.local',
      insecureSkipTlsVerify: false,
      disableCompression: false,
    },
    user: { certificate: { certificate: pem('CERT'), key: pem('KEY') }, bearer: { from: 'nothing' } },
  } satisfies Kubeconfig);
  const other = loadKubeconfig(join(directory, 'config'), 'other');
  assert.equal(other.namespace, 'default');
  assert.equal(other.cluster.proxyUrl, 'http://proxy:3128');
  assert.deepEqual(other.user, {
    bearer: { from: 'token', token: 'secret' },
    impersonation: { user: 'eve', groups: ['a', 'b'] },
  });
});

test('of several files the first to say something counts, and absent ones are passed over', t => {
  const directory = directoryOf(t, {
    first: JSON.stringify({
      'current-context': 'mine',
      contexts: [{ name: 'mine', context: { cluster: 'local', user: 'me' } }],
      users: [{ name: 'me', user: { token: 'mine' } }],
    }),
    second: YAML,
    'pki/ca.crt': pem('CA'),
  });
  const paths = kubeconfigPaths({ KUBECONFIG: `${directory}/none::${directory}/first:${directory}/second` });
  const config = loadKubeconfig(paths);
  assert.equal(config.context, 'mine');
  assert.equal(config.cluster.server, 'https://127.0.0.1:6443', 'the cluster comes from the second file');
  assert.deepEqual(config.user.bearer, { from: 'token', token: 'mine' });
  assert.deepEqual(kubeconfigPaths({ HOME: '/home/me' }), ['/home/me/.kube/config']);
});

test('a mistake in a kubeconfig is told with its file, line or field', t => {
  const entry = (user: object) =>
    JSON.stringify({
      'current-context': 'x',
      contexts: [{ name: 'x', context: { cluster: 'x', user: 'x' } }],
      clusters: [{ name: 'x', cluster: { server: 'https://x' } }],
      users: [{ name: 'x', user }],
    });
  const cases: readonly (readonly [string, object])[] = [
    ['a: [1\nb: 2\n', { code: 'kube/bad-kubeconfig', message: /file:2 is not YAML/ }],
    ['just text', { code: 'kube/bad-kubeconfig' }],
    ['{}', { code: 'kube/no-context' }],
    ['current-context: gone', { code: 'kube/no-entry', field: 'contexts' }],
    [
      entry({ 'auth-provider': { name: 'oidc' } }),
      {
        code: 'kube/bad-kubeconfig',
        field: 'users[0].user.auth-provider',
        message: /"oidc" is not supported/,
      },
    ],
    [entry({ 'client-certificate-data': base64(pem('C')) }), { field: 'users[0].user.client-certificate' }],
    [
      entry({ 'client-certificate': 'gone.crt', 'client-key': 'gone.key' }),
      { field: 'users[0].user.client-certificate', message: /gone\.crt cannot be read/ },
    ],
    [
      entry({ 'client-certificate-data': base64('C') }),
      { field: 'users[0].user.client-certificate-data', message: /PEM/ },
    ],
    ['users: *nobody', { code: 'kube/bad-kubeconfig', message: /cannot be resolved/ }],
    [entry({ token: 7 }), { field: 'users[0].user.token' }],
    [
      entry({ exec: { apiVersion: 'client.authentication.k8s.io/v1alpha1', command: 'x' } }),
      { field: 'users[0].user.exec.apiVersion' },
    ],
    [entry({}).replace('https://x', 'x:6443'), { field: 'clusters[0].cluster.server' }],
    [
      entry({}).replace('"server"', '"proxy-url":"socks5://x","server"'),
      { field: 'clusters[0].cluster.proxy-url' },
    ],
    ['{"current-context":"x","contexts":{}}', { field: 'contexts' }],
  ];
  for (const [text, expected] of cases) {
    const directory = directoryOf(t, { file: text });
    assert.throws(() => loadKubeconfig(join(directory, 'file')), expected, text);
  }
  assert.throws(() => loadKubeconfig('/nowhere/config'), { code: 'kube/no-kubeconfig' });
});

test('a token file is read again after a minute, or when the server refuses the token', async t => {
  const directory = directoryOf(t, { token: 'one\n' });
  const path = join(directory, 'token');
  const clock = new ManualClock();
  const cluster = { server: 'https://x', insecureSkipTlsVerify: false, disableCompression: false };
  const credentials = userCredentials(
    { context: '', namespace: '', cluster, user: { bearer: { from: 'file', path } } },
    clock,
  );
  const token = async () => (await credentials.current()).headers['Authorization'];
  assert.equal(await token(), 'Bearer one');
  writeFileSync(path, 'two');
  assert.equal(await token(), 'Bearer one');
  clock.advance(60_000);
  assert.equal(await token(), 'Bearer two');
  writeFileSync(path, 'three');
  clock.advance(1000);
  assert.ok(credentials.invalidate(await credentials.current()));
  assert.equal(await token(), 'Bearer three');
  assert.ok(!credentials.invalidate(await credentials.current()), 'what was just read is not read again');
  rmSync(path);
  clock.advance(60_000);
  assert.equal(await token(), 'Bearer three', 'a file that is being replaced does not lock us out');
});

test('a pod finds its API server and its token', t => {
  const directory = directoryOf(t, { token: 't', 'ca.crt': 'CA', namespace: 'kube-system\n' });
  const environment = { KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '443' };
  assert.ok(isInCluster(environment, directory));
  const config = inClusterConfig(environment, directory);
  assert.equal(config.cluster.server, 'https://[fd00::1]:443');
  assert.equal(config.namespace, 'kube-system');
  assert.deepEqual(config.user.bearer, { from: 'file', path: join(directory, 'token') });
  assert.throws(() => inClusterConfig({}, directory), { code: 'kube/not-in-cluster' });
  assert.throws(() => inClusterConfig(environment, '/nowhere'), { code: 'kube/not-in-cluster' });
});

/** Credentials of a user whose plugin is the given shell script. */
function pluginOf(t: TestContext, script: string, more: object = {}) {
  const directory = directoryOf(t, { 'bin/plugin': `#!/bin/sh\n${script}\n` });
  chmodSync(join(directory, 'bin/plugin'), 0o755);
  const exec = {
    apiVersion: 'client.authentication.k8s.io/v1',
    command: './bin/plugin',
    args: ['an argument'],
    env: [{ name: 'CALLS', value: join(directory, 'calls') }],
    interactiveMode: 'Never',
    ...more,
  };
  const config = {
    'current-context': 'x',
    contexts: [{ name: 'x', context: { cluster: 'x', user: 'x' } }],
    clusters: [{ name: 'x', cluster: { server: 'https://x.example' } }],
    users: [{ name: 'x', user: { exec } }],
  };
  writeFileSync(join(directory, 'config'), JSON.stringify(config));
  const clock = new ManualClock();
  return { clock, credentials: userCredentials(loadKubeconfig(join(directory, 'config')), clock) };
}

const credential = (status: object, apiVersion = 'client.authentication.k8s.io/v1') =>
  JSON.stringify({ apiVersion, kind: 'ExecCredential', status });

test('a credential plugin is asked once until its credential expires or is refused', async t => {
  const expirationTimestamp = new Date(1_000_000 + 3_600_000).toISOString();
  const { clock, credentials } = pluginOf(
    t,
    `echo call >> "$CALLS"; n=$(wc -l < "$CALLS"); echo '${credential({ token: 'token-N', expirationTimestamp })}' | sed "s/token-N/$1-$n/"`,
  );
  const token = async () => (await credentials.current()).headers['Authorization'];
  assert.deepEqual(await Promise.all([token(), token()]), ['Bearer an argument-1', 'Bearer an argument-1']);
  const refused = await credentials.current();
  assert.ok(credentials.invalidate(refused));
  assert.equal(await token(), 'Bearer an argument-2');
  assert.ok(credentials.invalidate(refused), 'another request was refused with the same credential');
  assert.equal(await token(), 'Bearer an argument-2', 'the new one is kept');
  clock.advance(3_599_000);
  assert.equal(await token(), 'Bearer an argument-2');
  clock.advance(2000);
  assert.equal(await token(), 'Bearer an argument-3');
});

test('a credential plugin learns about the cluster, and may give a certificate', async t => {
  const { credentials } = pluginOf(
    t,
    `server=$(echo "$KUBERNETES_EXEC_INFO" | grep -o 'https://[a-z.]*'); echo '${credential({ clientCertificateData: 'SERVER', clientKeyData: 'K' })}' | sed "s#SERVER#$server#"`,
    { provideClusterInfo: true },
  );
  const proof = await credentials.current();
  assert.deepEqual(proof, { headers: {}, certificate: { certificate: 'https://x.example', key: 'K' } });
});

test('a credential plugin that fails is named, with what it said and how to install it', async t => {
  const cases: readonly (readonly [string, RegExp, object?])[] = [
    ['echo not today >&2; exit 3', /ended with status 3/],
    ['echo no json', /printed no JSON/],
    [`echo '{}'`, /printed no ExecCredential/],
    [
      `echo '${credential({ token: 'x' }, 'client.authentication.k8s.io/v1beta1')}'`,
      /printed client.authentication.k8s.io\/v1beta1/,
    ],
    [`echo '${credential({})}'`, /neither a token nor/],
    ['true', /there is no terminal/, { interactiveMode: 'Always' }],
    ['true', /cannot be started/, { command: 'no-such-plugin-anywhere' }],
  ];
  for (const [script, expected, more] of cases) {
    const { credentials } = pluginOf(t, script, { installHint: 'Install it.', ...more });
    await assert.rejects(
      credentials.current(),
      { code: 'kube/credential-plugin', message: expected, hint: 'Install it.' },
      script,
    );
  }
});
