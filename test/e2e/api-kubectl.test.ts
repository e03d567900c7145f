import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { after, before, test } from 'node:test';
import { accessSync, constants } from 'node:fs';
import { startApiProcess } from './api-process.ts';
import type { ApiProcess } from './api-process.ts';

const skip = hasKubectl() ? false : 'kubectl is not on the PATH';
const directory = mkdtempSync(join(tmpdir(), 'fairlead-kubectl-'));
let server: ApiProcess;

before(async () => {
  server = await startApiProcess(directory);
});

after(async () => {
  await server[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true });
});

function hasKubectl(): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some(folder => {
    try {
      accessSync(join(folder, 'kubectl'), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly error: string;
}

/** No shell: the arguments are what kubectl gets. Its caches go into the test's own directory. */
function kubectl(line: string, input?: string): Promise<Outcome> {
  const environment = { PATH: process.env['PATH'], HOME: directory, KUBECONFIG: server.kubeconfig };
  return new Promise(resolve => {
    const child = execFile(
      'kubectl',
      line.split(' '),
      { env: environment, timeout: 30_000 },
      (failure, out, error) =>
        resolve({ code: failure === null ? 0 : Number(failure.code ?? 1), out, error }),
    );
    child.stdin?.end(input);
  });
}

async function succeeds(line: string, input?: string): Promise<string> {
  const { code, out, error } = await kubectl(line, input);
  assert.equal(code, 0, `kubectl ${line}: ${error}`);
  return out;
}

const MANIFEST = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - {name: main, image: echo, ports: [{containerPort: 80}], env: [{name: A, value: "1"}]}
      - {name: side, image: pause}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{name: http, port: 80}]}
`;

test('create sends what the server decodes, and get shows it in every form', { skip }, async () => {
  for (const line of [
    'create namespace one',
    'create configmap a --from-literal=x=y -n one',
    'create secret generic s --from-literal=password=geheim -n one',
    'create serviceaccount robot -n one',
    'create deployment d --image=echo --replicas=2 -n one',
    'create service clusterip svc --tcp=80:8080 -n one',
  ]) {
    assert.match(await succeeds(line), /created/, line);
  }
  assert.match(await succeeds('get namespaces'), /^NAME +STATUS +AGE\ndefault +Active/);
  assert.match(
    await succeeds('get deployments -n one -o wide'),
    /NAME +READY +UP-TO-DATE +AVAILABLE +AGE +CONTAINERS/,
  );
  assert.equal(await succeeds('get configmap a -n one -o jsonpath={.data.x}'), 'y');
  assert.equal(await succeeds('get all -n one -o name'), 'service/svc\ndeployment.apps/d\n');
  assert.match(await succeeds('get secret s -n one -o yaml'), /password: Z2VoZWlt/);
  const list = JSON.parse(await succeeds('get namespaces -o json')) as { items: unknown[] };
  assert.equal(list.items.length, 5);
  assert.match(await succeeds('describe deployment d -n one'), /Replicas: +2 desired/);
  assert.match(await succeeds('get service kubernetes'), /10\.96\.0\.1/);
});

test('apply creates, repeats without a change, changes and merges lists by key', { skip }, async () => {
  const apply = (text: string) => succeeds('apply -f -', text);
  assert.equal(await apply(MANIFEST), 'deployment.apps/web created\nservice/web created\n');
  assert.equal(await apply(MANIFEST), 'deployment.apps/web unchanged\nservice/web unchanged\n');
  assert.match(
    await apply(MANIFEST.replace('replicas: 2', 'replicas: 3')),
    /deployment\.apps\/web configured/,
  );
  await succeeds('set env deployment/web -c side B=2');
  const changed = MANIFEST.replace('value: "1"', 'value: "2"').replace('image: pause', 'image: pause:2');
  await apply(changed);
  const containers = JSON.parse(
    await succeeds('get deployment web -o jsonpath={.spec.template.spec.containers}'),
  ) as { name: string; image: string; env?: unknown }[];
  assert.deepEqual(
    containers.map(({ name, image, env }) => ({ name, image, env })),
    [
      { name: 'main', image: 'echo', env: [{ name: 'A', value: '2' }] },
      { name: 'side', image: 'pause:2', env: [{ name: 'B', value: '2' }] },
    ],
  );
  const withoutSide = changed.replace('      - {name: side, image: pause:2}\n', '');
  await apply(withoutSide);
  assert.equal(
    await succeeds('get deployment web -o jsonpath={.spec.template.spec.containers[*].name}'),
    'main',
  );
  assert.equal((await kubectl('diff -f -', withoutSide)).code, 0);
  assert.equal((await kubectl('diff -f -', changed)).code, 1);
});

test('label, annotate, patch, scale and replace change what they say', { skip }, async () => {
  await succeeds('apply -f -', MANIFEST);
  assert.match(await succeeds('label deployment web tier=front'), /labeled/);
  assert.match(await succeeds('annotate deployment web note=hello'), /annotated/);
  assert.match(await succeeds('scale deployment web --replicas=7'), /scaled/);
  assert.equal(await succeeds('get deployment web -o jsonpath={.spec.replicas}'), '7');
  assert.match(await succeeds('get deployments -l tier=front -o name'), /deployment\.apps\/web/);
  for (const [type, patch] of [
    ['merge', '{"metadata":{"labels":{"by":"merge"}}}'],
    ['json', '[{"op":"replace","path":"/metadata/labels/by","value":"json"}]'],
    ['strategic', '{"metadata":{"labels":{"by":"strategic"}}}'],
  ]) {
    await succeeds(`patch deployment web --type=${type} -p ${patch}`);
    const label = type === 'merge' ? 'merge' : type;
    assert.equal(await succeeds('get deployment web -o jsonpath={.metadata.labels.by}'), label);
  }
  const whole = await succeeds('get service web -o json');
  assert.match(await succeeds('replace -f -', whole), /replaced/);
});

test('a wrong manifest is refused with the field, and nothing of it is kept', { skip }, async () => {
  const unknown = await kubectl(
    'apply -f -',
    MANIFEST.replace('replicas', 'replicaz').replaceAll('name: web', 'name: wrong'),
  );
  assert.equal(unknown.code, 1);
  assert.match(unknown.error, /strict decoding error: unknown field "spec\.replicaz"/);
  const type = await kubectl(
    'create -f -',
    '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"t"},"data":{"a":true}}',
  );
  assert.match(type.error, /cannot be handled as a ConfigMap/);
  const name = await kubectl('create configmap Not_A_Name');
  assert.match(name.error, /metadata\.name: Invalid value/);
  const missing = await kubectl('get configmap nope');
  assert.equal(missing.error, 'Error from server (NotFound): configmaps "nope" not found\n');
  const kind = await kubectl('get nopes');
  assert.match(kind.error, /the server doesn't have a resource type "nopes"/);
  const again = await kubectl('create namespace default');
  assert.match(again.error, /\(AlreadyExists\)/);
});

test('a watch shows changes as they happen, and wait and delete see them', { skip }, async () => {
  const child = spawn('kubectl', ['get', 'configmaps', '-w', '--no-headers'], {
    env: { PATH: process.env['PATH'], HOME: directory, KUBECONFIG: server.kubeconfig },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let seen = '';
  const lines = Promise.withResolvers<void>();
  child.stdout.on('data', (chunk: Buffer) => {
    seen += chunk.toString();
    if (/^watched +2 /m.test(seen)) lines.resolve();
  });
  await succeeds('create configmap watched --from-literal=a=1');
  const deadline = setTimeout(() => lines.reject(new Error(`seen: ${seen}`)), 20_000);
  for (let round = 0; !/^watched /m.test(seen) && round < 200; round++)
    await succeeds('get configmap watched -o name');
  await succeeds('patch configmap watched --type=merge -p {"data":{"b":"2"}}');
  await lines.promise;
  clearTimeout(deadline);
  child.kill();
  await succeeds('wait --for=jsonpath={.data.b}=2 configmap/watched --timeout=10s');
  assert.match(await succeeds('delete configmap watched --wait'), /"watched" deleted/);
  assert.equal((await kubectl('get configmap watched')).code, 1);
});

test('explain, api-resources and version read what the server publishes', { skip }, async () => {
  assert.match(
    await succeeds('explain deployment.spec.template.spec.containers.ports'),
    /containerPort\s+<integer>/,
  );
  const resources = await succeeds('api-resources -o wide');
  assert.match(resources, /deployments +deploy +apps\/v1 +true +Deployment/);
  const version = await kubectl('version');
  assert.doesNotMatch(version.error, /skew/);
  assert.match(await succeeds('cluster-info'), /is running at/);
});

test('raw requests, dry runs and pages work', { skip }, async () => {
  assert.equal(await succeeds('get --raw /readyz'), 'ok');
  assert.match(
    await succeeds('create configmap dry --dry-run=server --from-literal=a=b'),
    /created \(server dry run\)/,
  );
  assert.equal((await kubectl('get configmap dry')).code, 1);
  const file = join(directory, 'many.json');
  const items = Array.from({ length: 12 }, (_, index) => {
    const metadata = { name: `page-${index}`, labels: { page: 'x' } };
    return { apiVersion: 'v1', kind: 'ConfigMap', metadata };
  });
  writeFileSync(file, JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
  await succeeds(`apply -f ${file}`);
  const pages = await succeeds('get configmaps -l page=x --chunk-size=5 -o name');
  assert.equal(pages.trim().split('\n').length, 12);
  assert.match(await succeeds('delete configmaps -l page=x'), /page-11/);
});
