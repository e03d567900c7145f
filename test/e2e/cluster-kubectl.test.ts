import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { after, before, test } from 'node:test';
import { clusterFiles } from '../../src/standalone/cluster.ts';
import { eventually, fairlead, startCluster, type TestCluster, withoutKubectl } from './cluster.ts';
import { manifestOf } from './manifests.ts';
import { webhookManifests } from './webhook-objects.ts';

/** An unmodified kubectl, used as people use it. */
const skip = withoutKubectl;
let cluster: TestCluster;

before(async () => {
  cluster = await startCluster('e2e-kubectl', '--nodes', '2');
});
after(() => cluster[Symbol.asyncDispose]());

const kubectl = (words: string, input?: string) =>
  cluster.kubectl(words.split(' '), input === undefined ? {} : { input });

test('get shows nodes and pods as a real cluster does', { skip }, async () => {
  const nodes = await kubectl('get nodes -o wide');
  assert.match(nodes, /^NAME +STATUS +ROLES +AGE +VERSION +INTERNAL-IP/);
  assert.match(nodes, /node-2 +Ready .* 172\.30\.0\.2 /);
  assert.match(await kubectl('get ns'), /kube-system +Active/);
});

test('apply creates, then changes, then leaves as it is', { skip }, async () => {
  assert.match(await kubectl('apply -f -', manifestOf('web', 1)), /deployment\.apps\/web created/);
  assert.match(await kubectl('apply -f -', manifestOf('web', 1)), /deployment\.apps\/web unchanged/);
  assert.match(await kubectl('apply -f -', manifestOf('web', 2)), /deployment\.apps\/web configured/);
  await kubectl('wait deployment/web --for=condition=Available --timeout=30s');
  await kubectl('rollout status deployment/web --timeout=30s');
  assert.match(await kubectl('get deployment web'), /web +2\/2 +2 +2 /);
});

test('apply after up -f, and up -f after apply, agree on what was applied', { skip }, async () => {
  const up = await fairlead(['up', '--name', cluster.name, '-f', '-'], { input: manifestOf('web', 2) });
  assert.match(up.stderr, /apply: 0 created, 0 changed, 1 as before/);
  assert.match(await kubectl('apply -f -', manifestOf('web', 2)), /unchanged/);
});

test('create sends protobuf, and what it says arrives', { skip }, async () => {
  await kubectl('create namespace boxes');
  await kubectl('create configmap words -n boxes --from-literal=greeting=hello');
  await kubectl('create secret generic keys -n boxes --from-literal=key=secret');
  await kubectl('create deployment echo -n boxes --image=echo --replicas=1');
  assert.equal(await kubectl('get configmap words -n boxes -o jsonpath={.data.greeting}'), 'hello');
  const secret = await kubectl('get secret keys -n boxes -o jsonpath={.data.key}');
  assert.equal(Buffer.from(secret, 'base64').toString(), 'secret');
  await kubectl('wait -n boxes --for=condition=Available deployment/echo --timeout=30s');
});

test('webhooks in a pod are asked before a write, by the name of their Service', { skip }, async () => {
  const { pod, configurations } = webhookManifests();
  await kubectl('apply -f -', pod);
  await kubectl('wait --for=condition=Ready pod/hook --timeout=60s');
  await kubectl('create namespace hooked');
  await kubectl('label namespace hooked hooked=yes');
  // Ready is in the pod's status a moment before it is in the EndpointSlice.
  await eventually('the webhook is behind its Service', async () => {
    const ready = await kubectl('get endpointslices -l kubernetes.io/service-name=hook -o yaml');
    return ready.includes('ready: true') ? true : undefined;
  });
  await kubectl('apply -f -', configurations);
  await kubectl('create configmap words -n hooked --from-literal=greeting=hello');
  assert.match(await kubectl('get configmap words -n hooked -o yaml'), /seen: "?yes/);
  const forbidden = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'no', labels: { forbidden: '' } },
  };
  const refused = await cluster.kubectlOutcome(['create', '-n', 'hooked', '-f', '-'], {
    input: JSON.stringify(forbidden),
  });
  assert.match(refused.stderr, /admission webhook "hook.example.com" denied the request: it is labelled so/);
  await kubectl('delete validatingwebhookconfiguration,mutatingwebhookconfiguration hook');
  await kubectl('delete pod hook --now');
});

test('get -w shows a change when it happens', { skip }, async () => {
  const watch = spawn('kubectl', ['get', 'configmaps', '-w', '--no-headers'], {
    env: { ...process.env, KUBECONFIG: clusterFiles.kubeconfig(cluster.name, 'admin') },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    let seen = '';
    watch.stdout.on('data', (chunk: Buffer) => (seen += chunk.toString()));
    await eventually('the watch shows what there is', () =>
      seen.includes('kube-root-ca.crt') ? true : undefined,
    );
    await kubectl('create configmap watched');
    await eventually('the watch shows the new one', () => (/^watched +0 /m.test(seen) ? true : undefined));
  } finally {
    watch.kill();
  }
});

const firstPod = async () => {
  const name = await kubectl('get pods -l app=web -o jsonpath={.items[0].metadata.name}');
  assert.notEqual(name, '');
  return name;
};

test('exec runs a command in the pod, with its output, input and exit code', { skip }, async () => {
  const pod = await firstPod();
  assert.equal(await kubectl(`exec ${pod} -- hostname`), `${pod}\n`);
  assert.equal(await kubectl(`exec -i ${pod} -- cat`, 'through and back\n'), 'through and back\n');
  const failed = await cluster.kubectlOutcome(['exec', pod, '--', 'sh', '-c', 'exit 7']);
  assert.equal(failed.code, 7, failed.stderr);
});

test('logs -f follows what the container writes', { skip }, async () => {
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'talker' },
    spec: {
      restartPolicy: 'Never',
      containers: [
        {
          name: 'main',
          image: 'busybox',
          command: ['sh', '-c', 'for i in 1 2 3; do echo line $i; sleep 0.3; done'],
        },
      ],
    },
  };
  await kubectl('apply -f -', JSON.stringify(pod));
  await kubectl('wait pod/talker --for=jsonpath={.status.containerStatuses[0].started} --timeout=20s').catch(
    () => undefined, // it may have ended already; its log is there all the same
  );
  const log = await eventually('the container has begun', async () => {
    const { code, stdout } = await cluster.kubectlOutcome(['logs', '-f', 'talker']);
    return code === 0 ? stdout : undefined;
  });
  assert.equal(log, 'line 1\nline 2\nline 3\n');
});

test('describe tells the story of a pod', { skip }, async () => {
  const story = await kubectl(`describe pod ${await firstPod()}`);
  assert.match(story, /Node: +node-\d\/172\.30\.0\.\d/);
  assert.match(story, /Scheduled/);
  assert.match(story, /Started/);
});

test('delete takes the pods of a deployment along', { skip }, async () => {
  await kubectl('delete deployment web --wait=true');
  await eventually('the pods are gone', async () =>
    (await kubectl('get pods -l app=web -o name')) === '' ? true : undefined,
  );
  await kubectl('delete namespace boxes --wait=true --timeout=30s');
});
