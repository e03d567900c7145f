import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { CONFIG_MAPS, EVENTS, NODES, PODS, SECRETS } from '../../src/kube/resources.ts';
import type { Pod } from '../../src/kube/types/core.ts';
import { isReady, startRuntimeCluster, type RuntimeCluster } from './runtime-cluster.ts';

const shell = (...script: readonly string[]) => ({
  image: 'busybox',
  command: ['sh', '-c', script.join('\n')],
});
const statusOf = (pod: Pod, index = 0) => pod.status?.containerStatuses?.[index];
const ended = (pod: Pod) => pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';

suite('pods on a node', () => {
  let cluster: RuntimeCluster;
  before(async () => {
    cluster = await startRuntimeCluster('rt-pods');
  });
  after(() => cluster[Symbol.asyncDispose]());

  /** What the first container printed, once the pod has ended. */
  async function outputOf(name: string, spec: Parameters<RuntimeCluster['createPod']>[1]): Promise<string> {
    await cluster.createPod(name, { restartPolicy: 'Never', ...spec });
    const pod = await cluster.until(name, 'ended', ended);
    const stream = await cluster.client.logs(
      { namespace: 'default', name },
      { container: pod.spec.containers[0]?.name ?? '' },
    );
    let text = '';
    for await (const part of stream) text += String(part);
    return text;
  }

  const messagesOf = async (name: string) =>
    (await cluster.client.list(EVENTS, { namespace: 'default' })).items
      .filter(event => event.involvedObject.name === name)
      .map(event => `${event.reason}: ${event.message}`);

  test('the node is ready, with addresses of both families', async () => {
    const node = await cluster.client.get(NODES, { name: 'node-1' });
    const deadline = performance.now() + 20_000;
    let ready = node;
    while (ready.status?.conditions?.find(each => each.type === 'Ready')?.status !== 'True') {
      assert.ok(performance.now() < deadline, `the node should be ready: ${JSON.stringify(ready.status)}`);
      ready = await cluster.client.get(NODES, { name: 'node-1' });
    }
    assert.deepEqual(
      ready.status?.addresses?.map(each => each.address),
      ['172.30.0.1', 'fd00:172:30::1', 'node-1'],
    );
  });

  test('a pause pod gets ready and is gone after its deletion', async () => {
    await cluster.createPod('pause', {
      containers: [{ name: 'pause', image: 'registry.k8s.io/pause:3.10' }],
    });
    const pod = await cluster.until('pause', 'ready', isReady);
    assert.equal(statusOf(pod)?.imageID, 'builtin://pause');
    assert.equal(pod.status?.podIPs?.length, 2);
    await cluster.client.delete(PODS, { namespace: 'default', name: 'pause' });
    await cluster.untilGone('pause');
  });

  test('the echo server answers the readiness probe', async () => {
    await cluster.createPod('echo', {
      containers: [
        {
          name: 'echo',
          image: 'echo',
          ports: [{ name: 'http', containerPort: 3000 }],
          readinessProbe: { httpGet: { path: '/', port: 'http' } },
        },
      ],
    });
    await cluster.until('echo', 'ready', isReady);
  });

  test('a container sees its own host name, addresses and name servers, and nothing private of the host', async () => {
    const text = await outputOf('look', {
      hostname: 'mine',
      subdomain: 'sub',
      hostAliases: [{ ip: '192.0.2.1', hostnames: ['alias.test'] }],
      containers: [
        {
          name: 'sh',
          ...shell(
            'hostname',
            'cat /etc/hosts /etc/resolv.conf',
            'ls /root /home /run',
            'cat /etc/shadow 2>&1',
            'ps -e | wc -l',
          ),
        },
      ],
    });
    assert.match(text, /^mine$/m);
    assert.match(text, /^10\.244\.0\.\d+\tmine\.sub\.default\.svc\.cluster\.local\tmine$/m);
    assert.match(text, /^192\.0\.2\.1\talias\.test$/m);
    assert.match(text, /^nameserver 10\.96\.0\.10\nnameserver fd00:10:96::a\noptions ndots:5$/m);
    assert.match(text, /shadow: No such file/);
    assert.match(text, /^[1-6]$/m, 'only the pod is among its processes');
  });

  test('environment and volumes carry ConfigMaps, Secrets and the pod itself', async () => {
    const meta = (name: string) => ({ name, namespace: 'default' });
    await cluster.client.create(CONFIG_MAPS, {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: meta('settings'),
      data: { color: 'green', 'app.conf': 'x = 1\n' },
    });
    await cluster.client.create(SECRETS, {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: meta('secret'),
      data: { password: Buffer.from('geheim').toString('base64') },
    });
    const text = await outputOf('env', {
      containers: [
        {
          name: 'sh',
          image: 'busybox',
          command: [
            'sh',
            '-c',
            'echo $GREETING $PASSWORD $C_color $MEMORY $(ME); cat /conf/c; cat /one; cat /down/labels; stat -c %a /conf/p/w',
          ],
          env: [
            { name: 'ME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
            { name: 'GREETING', value: 'hello-$(ME)-$$(ME)' },
            { name: 'PASSWORD', valueFrom: { secretKeyRef: { name: 'secret', key: 'password' } } },
            {
              name: 'MEMORY',
              valueFrom: { resourceFieldRef: { resource: 'limits.memory', divisor: '1Mi' } },
            },
          ],
          envFrom: [{ prefix: 'C_', configMapRef: { name: 'settings' } }],
          resources: { limits: { memory: '64Mi' } },
          volumeMounts: [
            { name: 'conf', mountPath: '/conf' },
            { name: 'plain', mountPath: '/one', subPath: 'app.conf' },
            { name: 'down', mountPath: '/down' },
          ],
        },
      ],
      volumes: [
        {
          name: 'conf',
          projected: {
            sources: [
              { configMap: { name: 'settings', items: [{ key: 'color', path: 'c' }] } },
              { secret: { name: 'secret', items: [{ key: 'password', path: 'p/w', mode: 0o400 }] } },
            ],
          },
        },
        { name: 'plain', configMap: { name: 'settings' } },
        {
          name: 'down',
          downwardAPI: { items: [{ path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } }] },
        },
      ],
    });
    assert.match(text, /^hello-env-\$\(ME\) geheim green 64 env$/m);
    assert.match(text, /greenx = 1\napp="env"400/);
  });

  test('a changed ConfigMap reaches the running pod at once and as a whole', async () => {
    const metadata = { name: 'live', namespace: 'default' };
    const data = (value: string) => ({ a: value, b: value });
    await cluster.client.create(CONFIG_MAPS, {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata,
      data: data('old'),
    });
    await cluster.createPod('live', {
      containers: [
        {
          name: 'sh',
          ...shell('while [ "$(cat /c/a)" = old ]; do sleep 0.05; done', 'cat /c/a /c/b'),
          volumeMounts: [{ name: 'c', mountPath: '/c' }],
        },
      ],
      volumes: [{ name: 'c', configMap: { name: 'live' } }],
      restartPolicy: 'Never',
    });
    await cluster.until('live', 'ready', isReady);
    await cluster.client.patch(CONFIG_MAPS, metadata, { data: data('new') }, { type: 'merge' });
    await cluster.until('live', 'ended', ended);
    const logs = await cluster.client.logs(metadata, {});
    let text = '';
    for await (const part of logs) text += String(part);
    assert.equal(text, 'newnew');
  });

  test('a missing ConfigMap holds the pod back until it is there', async () => {
    await cluster.createPod('later', {
      containers: [{ name: 'pause', image: 'pause', envFrom: [{ configMapRef: { name: 'later' } }] }],
    });
    const waiting = (pod: Pod) => statusOf(pod)?.state?.waiting;
    const pod = await cluster.until(
      'later',
      'held back',
      each => waiting(each)?.reason === 'CreateContainerConfigError',
    );
    assert.equal(waiting(pod)?.message, 'configmap "later" not found');
    await cluster.client.create(CONFIG_MAPS, {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'later', namespace: 'default' },
    });
    await cluster.until('later', 'ready', isReady, 3000);
  });

  test('an image that maps to nothing is ErrImagePull, and the event says what maps', async () => {
    await cluster.createPod('nothing', { containers: [{ name: 'a', image: 'nginx' }] });
    await cluster.until(
      'nothing',
      'refused',
      pod => statusOf(pod)?.state?.waiting?.reason === 'ErrImagePull',
    );
    await cluster.until(
      'nothing',
      'backing off',
      pod => statusOf(pod)?.state?.waiting?.reason === 'ImagePullBackOff',
    );
    assert.match((await messagesOf('nothing')).join('\n'), /Failed: Failed to pull image "nginx": .*busybox/);
  });

  test('a program that is not there ends as StartError with its name', async () => {
    await cluster.createPod('absent', {
      restartPolicy: 'Never',
      containers: [{ name: 'a', image: 'busybox', command: ['no-such-program'] }],
    });
    const pod = await cluster.until('absent', 'failed', ended);
    const terminated = statusOf(pod)?.state?.terminated;
    assert.deepEqual([terminated?.exitCode, terminated?.reason], [128, 'StartError']);
    assert.match(terminated?.message ?? '', /"no-such-program" was not found/);
  });

  test('a container that fails starts again at once, then backs off', async () => {
    await cluster.createPod('crash', {
      containers: [{ name: 'a', ...shell('echo bye > /dev/termination-log; exit 7') }],
    });
    const pod = await cluster.until(
      'crash',
      'in back-off',
      each => statusOf(each)?.state?.waiting?.reason === 'CrashLoopBackOff',
    );
    assert.equal(statusOf(pod)?.restartCount, 1);
    assert.match(
      statusOf(pod)?.state?.waiting?.message ?? '',
      /^back-off 10s restarting failed container=a pod=crash_default/,
    );
    const last = statusOf(pod)?.lastState?.terminated;
    assert.deepEqual([last?.exitCode, last?.reason, last?.message], [7, 'Error', 'bye\n']);
  });

  test('init containers run one after the other, a sidecar stays, and the pod ends with its containers', async () => {
    const mounts = { volumeMounts: [{ name: 'v', mountPath: '/v' }] };
    const text = await outputOf('init', {
      initContainers: [
        { name: 'one', ...shell('sleep 0.1; echo one >> /v/order'), ...mounts },
        {
          name: 'side',
          restartPolicy: 'Always',
          ...shell('echo side >> /v/order; exec sleep 1000'),
          ...mounts,
        },
        { name: 'two', ...shell('echo two >> /v/order'), ...mounts },
      ],
      containers: [{ name: 'main', ...shell('cat /v/order'), ...mounts }],
      volumes: [{ name: 'v', emptyDir: {} }],
    });
    assert.equal(text, 'one\nside\ntwo\n');
  });

  test('a user without rights stays without them, and capabilities are those of the container', async () => {
    const text = await outputOf('rights', {
      securityContext: { runAsUser: 1000, runAsGroup: 3000, fsGroup: 2000 },
      containers: [
        {
          name: 'a',
          ...shell(
            'id -u; id -g; id -G; grep CapBnd /proc/self/status; touch /x 2>&1; touch /v/y && stat -c %g /v/y',
          ),
          securityContext: {
            capabilities: { drop: ['ALL'], add: ['NET_BIND_SERVICE'] },
            readOnlyRootFilesystem: true,
          },
          volumeMounts: [{ name: 'v', mountPath: '/v' }],
        },
      ],
      volumes: [{ name: 'v', emptyDir: {} }],
    });
    assert.match(text, /^1000\n3000\n3000 2000\nCapBnd:\t0000000000000400\n/);
    assert.match(text, /Read-only file system|Permission denied/);
    assert.match(text, /^2000$/m);
  });

  test('a pod on the host network has the addresses and the name of its node', async () => {
    const text = await outputOf('host', {
      hostNetwork: true,
      containers: [{ name: 'a', ...shell('hostname; ip -o link') }],
    });
    assert.match(text, /^node-1\n/);
    const pod = await cluster.pod('host');
    assert.deepEqual(pod?.status?.podIPs, [{ ip: '172.30.0.1' }, { ip: 'fd00:172:30::1' }]);
  });

  test('a container that ignores SIGTERM is killed after its grace, and preStop ran before', async () => {
    await cluster.createPod('stubborn', {
      terminationGracePeriodSeconds: 2,
      containers: [
        {
          name: 'a',
          ...shell('trap "" TERM; while true; do sleep 0.1; done'),
          lifecycle: { preStop: { exec: { command: ['sh', '-c', 'echo stopping > /dev/termination-log'] } } },
        },
      ],
    });
    await cluster.until('stubborn', 'ready', isReady);
    const before = performance.now();
    const events: Pod[] = [];
    const stop = new AbortController();
    const watching = (async () => {
      const { resourceVersion } = await cluster.client.list(PODS, { namespace: 'default' });
      for await (const event of cluster.client.watch(PODS, {
        namespace: 'default',
        resourceVersion,
        signal: stop.signal,
      })) {
        if (event.type !== 'BOOKMARK' && event.object.metadata.name === 'stubborn') events.push(event.object);
      }
    })();
    await cluster.client.delete(PODS, { namespace: 'default', name: 'stubborn' });
    await cluster.untilGone('stubborn');
    stop.abort();
    await watching.catch(() => undefined);
    assert.ok(performance.now() - before >= 1900, 'the grace period is kept');
    const last = events.map(pod => statusOf(pod)?.state?.terminated).findLast(each => each !== undefined);
    assert.deepEqual([last?.exitCode, last?.message], [137, 'stopping\n']);
  });

  test('a failing liveness probe restarts the container', async () => {
    await cluster.createPod('sick', {
      containers: [
        {
          name: 'a',
          ...shell('exec sleep 1000'),
          livenessProbe: { exec: { command: ['false'] }, periodSeconds: 1, failureThreshold: 1 },
        },
      ],
    });
    await cluster.until('sick', 'restarted', pod => (statusOf(pod)?.restartCount ?? 0) > 0);
    assert.match(
      (await messagesOf('sick')).join('\n'),
      /Killing: Container a failed liveness probe, will be restarted/,
    );
  });

  test('a startup probe holds readiness back until it succeeds', async () => {
    await cluster.createPod('slow', {
      containers: [
        {
          name: 'a',
          ...shell('sleep 0.5; touch /tmp/up; exec sleep 1000'),
          startupProbe: {
            exec: { command: ['test', '-e', '/tmp/up'] },
            periodSeconds: 1,
            failureThreshold: 10,
          },
        },
      ],
    });
    const running = await cluster.until(
      'slow',
      'running',
      pod => statusOf(pod)?.state?.running !== undefined,
    );
    assert.equal(statusOf(running)?.started, false);
    await cluster.until('slow', 'ready', isReady);
  });

  test('readiness gates are waited for', async () => {
    await cluster.createPod('gated', {
      readinessGates: [{ conditionType: 'example.com/open' }],
      containers: [{ name: 'a', image: 'pause' }],
    });
    const closed = await cluster.until('gated', 'running', pod => pod.status?.phase === 'Running');
    assert.equal(isReady(closed), false);
    const conditions = [{ type: 'example.com/open', status: 'True' }];
    const options = { type: 'strategic', subresource: 'status' } as const;
    await cluster.client.patch(
      PODS,
      { namespace: 'default', name: 'gated' },
      { status: { conditions } },
      options,
    );
    await cluster.until('gated', 'ready', isReady);
  });

  test('a network that refuses is tried again, and its code is told', async () => {
    cluster.refuseNetwork(true);
    await cluster.createPod('offline', { containers: [{ name: 'a', image: 'pause' }] });
    await cluster.until('offline', 'pending', pod => pod.status?.phase === 'Pending');
    const deadline = performance.now() + 20_000;
    while (!(await messagesOf('offline')).some(each => each.includes('told to refuse (CNI code 11)'))) {
      assert.ok(performance.now() < deadline, 'the plugin refusal should be an event');
    }
    cluster.refuseNetwork(false);
    await cluster.until('offline', 'ready', isReady);
  });

  test('a mirror pod is left to whoever made it', async () => {
    const metadata = {
      name: 'mirror',
      namespace: 'default',
      annotations: { 'kubernetes.io/config.mirror': 'a' },
    };
    const spec = { nodeName: 'node-1', containers: [{ name: 'a', image: 'pause' }] };
    await cluster.client.create(PODS, { apiVersion: 'v1', kind: 'Pod', metadata, spec });
    await cluster.createPod('after-mirror', { containers: [{ name: 'a', image: 'pause' }] });
    await cluster.until('after-mirror', 'ready', isReady);
    const mirror = await cluster.pod('mirror');
    assert.equal(mirror?.status?.startTime, undefined, 'the runtime writes no status for it');
    await cluster.client.delete(PODS, { namespace: 'default', name: 'mirror' }, { gracePeriodSeconds: 30 });
    await cluster.client.delete(PODS, { namespace: 'default', name: 'after-mirror' });
    await cluster.untilGone('after-mirror');
    assert.notEqual(await cluster.pod('mirror'), undefined, 'its maker says when it is gone');
  });

  test('volumes that this cluster does not offer are refused by name', async () => {
    await cluster.createPod('path', {
      containers: [{ name: 'a', image: 'pause' }],
      volumes: [{ name: 'share', nfs: { server: '192.0.2.1', path: '/' } }],
    });
    await cluster.createPod('machine', {
      containers: [{ name: 'a', image: 'pause' }],
      volumes: [{ name: 'proc', hostPath: { path: '/proc' } }],
    });
    for (const [pod, refusal] of [
      ['path', /FailedMount: .*"share" : volumes of the kind nfs/],
      ['machine', /FailedMount: .*"proc" : the node's \/proc is that of this machine/],
    ] as const) {
      const deadline = performance.now() + 20_000;
      while (!(await messagesOf(pod)).some(each => refusal.test(each))) {
        assert.ok(performance.now() < deadline, 'the refusal should be an event');
        await new Promise(resolve => setTimeout(resolve, 50));
      }
    }
  });
});
