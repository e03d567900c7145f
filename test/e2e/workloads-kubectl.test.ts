/** Workloads with real pods, by kubectl alone: rollouts, names of StatefulSets, Jobs, drains. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { eventually, startCluster, withoutKubectl, type TestCluster } from './cluster.ts';

const MANIFEST = `
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {clusterIP: None, selector: {app: web}, ports: [{port: 8080}]}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: web}
spec:
  serviceName: web
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 2
      containers:
      - name: web
        image: registry.k8s.io/e2e-test-images/agnhost:2.53
        args: [netexec]
        env: [{name: VERSION, value: "1"}]
        readinessProbe: {httpGet: {path: /healthz, port: 8080}, periodSeconds: 1}
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: every}
spec:
  selector: {matchLabels: {app: every}}
  template:
    metadata: {labels: {app: every}}
    spec: {containers: [{name: pause, image: pause}]}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web}
spec: {maxUnavailable: 1, selector: {matchLabels: {app: web}}}
`;

const JOB = `
apiVersion: batch/v1
kind: Job
metadata: {name: count}
spec:
  completions: 3
  parallelism: 3
  completionMode: Indexed
  template:
    spec:
      restartPolicy: Never
      containers:
      - {name: count, image: busybox, command: [sh, -c, 'echo index $JOB_COMPLETION_INDEX on $(hostname)']}
`;

/** A set with claims, files of the node, memory and a volume of each pod's own. */
const VOLUMES = `
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  serviceName: db
  replicas: 2
  selector: {matchLabels: {app: db}}
  persistentVolumeClaimRetentionPolicy: {whenDeleted: Delete, whenScaled: Delete}
  template:
    metadata: {labels: {app: db}}
    spec:
      terminationGracePeriodSeconds: 1
      nodeSelector: {kubernetes.io/hostname: node-1}
      securityContext: {fsGroup: 1234}
      containers:
      - name: db
        image: busybox
        command: [sh, -c, 'echo $(hostname) >> /data/starts; touch /node/$(hostname); trap exit TERM; sleep 1000 & wait']
        volumeMounts:
        - {name: data, mountPath: /data}
        - {name: node, mountPath: /node}
        - {name: fast, mountPath: /fast}
        - {name: scratch, mountPath: /scratch, subPath: deep/er}
      volumes:
      - name: node
        hostPath: {path: /var/lib/shared, type: DirectoryOrCreate}
      - name: fast
        emptyDir: {medium: Memory, sizeLimit: 4Mi}
      - name: scratch
        ephemeral: {volumeClaimTemplate: {spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}}
  volumeClaimTemplates:
  - metadata: {name: data}
    spec: {accessModes: [ReadWriteOnce], storageClassName: any, resources: {requests: {storage: 2Gi}}}
`;

const EDGE = `
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: edge}
spec:
  selector: {matchLabels: {app: edge}}
  template:
    metadata: {labels: {app: edge}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
      - name: edge
        image: registry.k8s.io/e2e-test-images/agnhost:2.53
        args: [netexec]
        ports: [{containerPort: 8080, hostPort: 8088}]
        readinessProbe: {httpGet: {path: /healthz, port: 8080}, periodSeconds: 1}
`;

const LATE = `
apiVersion: v1
kind: Pod
metadata: {name: late}
spec:
  terminationGracePeriodSeconds: 1
  containers: [{name: late, image: pause, ports: [{containerPort: 1, hostPort: 8088}]}]
`;

suite('workloads', { skip: withoutKubectl }, () => {
  let cluster: TestCluster;
  before(async () => {
    cluster = await startCluster('workloads', '--nodes', '2');
    await cluster.kubectl(['apply', '-f', '-'], { input: MANIFEST });
    await cluster.kubectl(['rollout', 'status', 'statefulset/web', '--timeout=40s']);
    await cluster.kubectl(['rollout', 'status', 'daemonset/every', '--timeout=40s']);
  });
  after(() => cluster[Symbol.asyncDispose]());

  const dial = async (from: string, host: string) => {
    const url = `http://localhost:8080/dial?host=${host}&port=8080&request=hostname`;
    return JSON.parse(await cluster.kubectl(['exec', from, '--', 'curl', '-s', url])) as {
      readonly responses?: readonly string[];
    };
  };

  test('each pod of a StatefulSet answers at its own name', async () => {
    for (const pod of ['web-0', 'web-1']) {
      const found = await eventually(`${pod} answers`, async () => {
        const { responses } = await dial('web-0', `${pod}.web.default.svc.cluster.local`);
        return responses;
      });
      assert.deepEqual(found, [pod]);
    }
  });

  test('a rollout goes forward and back, and is remembered', async () => {
    await cluster.kubectl(['set', 'env', 'statefulset/web', 'VERSION=2']);
    await cluster.kubectl(['rollout', 'status', 'statefulset/web', '--timeout=60s']);
    assert.match(await cluster.kubectl(['exec', 'web-0', '--', 'sh', '-c', 'echo $VERSION']), /^2$/m);
    assert.match(await cluster.kubectl(['rollout', 'history', 'statefulset/web']), /^1\s[^]*^2\s/m);
    await cluster.kubectl(['rollout', 'undo', 'statefulset/web']);
    await cluster.kubectl(['rollout', 'status', 'statefulset/web', '--timeout=60s']);
    assert.match(await cluster.kubectl(['exec', 'web-0', '--', 'sh', '-c', 'echo $VERSION']), /^1$/m);
    await cluster.kubectl(['rollout', 'restart', 'daemonset/every']);
    await cluster.kubectl(['rollout', 'status', 'daemonset/every', '--timeout=60s']);
    await cluster.kubectl(['rollout', 'undo', 'daemonset/every']);
    await cluster.kubectl(['rollout', 'status', 'daemonset/every', '--timeout=60s']);
  });

  test('an indexed Job runs each of its parts, and is waited for', async () => {
    await cluster.kubectl(['apply', '-f', '-'], { input: JOB });
    await cluster.kubectl(['wait', '--for=condition=complete', 'job/count', '--timeout=40s']);
    const logs = await cluster.kubectl(['logs', '-l', 'job-name=count']);
    for (const index of [0, 1, 2]) assert.match(logs, new RegExp(`^index ${index} on count-${index}$`, 'm'));
    assert.match(await cluster.kubectl(['get', 'job', 'count']), /Complete\s+3\/3/);
  });

  test('a CronJob can be started by hand', async () => {
    await cluster.kubectl([
      'create',
      'cronjob',
      'nightly',
      '--image=busybox',
      '--schedule=0 3 * * *',
      '--',
      'date',
    ]);
    await cluster.kubectl(['create', 'job', 'now', '--from=cronjob/nightly']);
    await cluster.kubectl(['wait', '--for=condition=complete', 'job/now', '--timeout=40s']);
  });

  test('a StatefulSet finds the files of its claims again, and they go with it', async () => {
    await cluster.kubectl(['apply', '-f', '-'], { input: VOLUMES });
    await cluster.kubectl(['rollout', 'status', 'statefulset/db', '--timeout=50s']);
    const inPod = (script: string) => cluster.kubectl(['exec', 'db-0', '--', 'sh', '-c', script]);
    await cluster.kubectl(['delete', 'pod', 'db-0', '--timeout=40s']);
    await cluster.kubectl(['rollout', 'status', 'statefulset/db', '--timeout=50s']);
    const starts = await eventually('it starts again', async () => {
      const found = (await inPod('cat /data/starts')).trim().split('\n');
      return found.length > 1 ? found : undefined;
    });
    assert.deepEqual(starts, ['db-0', 'db-0']);
    await eventually('pods of a node share its files', async () =>
      (await inPod('ls /node')) === 'db-0\ndb-1\n' ? true : undefined,
    );
    assert.match(await inPod('df -k /fast | tail -1'), /^\S+\s+4096 /);
    assert.match(await inPod('stat -c "%g %a" /data'), /^1234 2777$/m);
    const written = await cluster.kubectlOutcome([
      'exec',
      'db-0',
      '--',
      'sh',
      '-c',
      'head -c 5000000 /dev/zero > /fast/large',
    ]);
    assert.match(written.stderr, /No space left/);

    const claims = await cluster.kubectl([
      'get',
      'pvc',
      '--no-headers',
      '-o',
      'custom-columns=N:.metadata.name,P:.status.phase,C:.status.capacity.storage',
    ]);
    const rows = claims
      .trim()
      .split('\n')
      .map(line => line.split(/\s+/).join(' '));
    assert.deepEqual(rows, [
      'data-db-0 Bound 2Gi',
      'data-db-1 Bound 2Gi',
      'db-0-scratch Bound 1Gi',
      'db-1-scratch Bound 1Gi',
    ]);
    await cluster.kubectl(['scale', 'statefulset/db', '--replicas=1']);
    await cluster.kubectl(['wait', '--for=delete', 'pvc/data-db-1', 'pvc/db-1-scratch', '--timeout=40s']);
    await cluster.kubectl(['delete', 'statefulset', 'db', '--timeout=40s']);
    await cluster.kubectl(['wait', '--for=delete', 'pvc/data-db-0', 'pvc/db-0-scratch', '--timeout=40s']);
  });

  test('a port of each node leads to its daemon, and whoever wants it too waits until it is free', async () => {
    await cluster.kubectl(['apply', '-f', '-'], { input: EDGE });
    await cluster.kubectl(['rollout', 'status', 'daemonset/edge', '--timeout=50s']);
    const path = '{range .items[*]}{.status.addresses[?(@.type=="InternalIP")].address}{"\\n"}{end}';
    const nodes = await cluster.kubectl(['get', 'nodes', '-o', `jsonpath=${path}`]);
    const addresses = nodes.trim().split(/\s+/);
    assert.equal(addresses.length, 4, nodes);
    for (const address of addresses) {
      const host = address.includes(':') ? `[${address}]` : address;
      const said = await cluster.kubectl([
        'exec',
        'web-0',
        '--',
        'curl',
        '-sS',
        '-g',
        '-m',
        '20',
        `http://${host}:8088/hostname`,
      ]);
      assert.match(said, /^edge-/);
    }
    await cluster.kubectl(['apply', '-f', '-'], { input: LATE });
    const why = await eventually('the scheduler says why', async () => {
      const events = await cluster.kubectl(['events', '--for', 'pod/late']);
      return /didn't have free ports for the requested pod ports/.test(events) ? events : undefined;
    });
    assert.match(why, /FailedScheduling/);
    await cluster.kubectl(['delete', 'daemonset', 'edge', '--timeout=40s']);
    await cluster.kubectl(['wait', '--for=condition=Ready', 'pod/late', '--timeout=50s']);
    await cluster.kubectl(['delete', 'pod', 'late', '--timeout=40s']);
  });

  test('a drained node loses its pods one by one, and keeps its daemons', async () => {
    const before = await cluster.kubectl(['get', 'pod', 'web-1', '-o', 'jsonpath={.spec.nodeName}']);
    await cluster.kubectl([
      'drain',
      before,
      '--ignore-daemonsets',
      '--delete-emptydir-data',
      '--force',
      '--timeout=50s',
    ]);
    await cluster.kubectl(['rollout', 'status', 'statefulset/web', '--timeout=60s']);
    const nodes = await cluster.kubectl([
      'get',
      'pods',
      '-o',
      'jsonpath={range .items[*]}{.metadata.labels.app} {.spec.nodeName}{"\\n"}{end}',
    ]);
    const on = (app: string) =>
      [...nodes.matchAll(new RegExp(`^${app} (\\S+)$`, 'gm'))].map(match => match[1]);
    assert.ok(
      on('web').every(node => node !== before),
      `nothing of web is left on ${before}: ${nodes}`,
    );
    assert.equal(new Set(on('every')).size, 2, 'the daemons stay');
    await cluster.kubectl(['uncordon', before]);
    await cluster.kubectl(['wait', '--for=condition=Ready', 'nodes', '--all', '--timeout=20s']);
  });

  test('an eviction that the budget forbids is refused with the reason', async () => {
    await cluster.kubectl(['patch', 'pdb', 'web', '--type=merge', '-p', '{"spec":{"maxUnavailable":0}}']);
    await eventually('the budget allows none', async () => {
      const allowed = await cluster.kubectl([
        'get',
        'pdb',
        'web',
        '-o',
        'jsonpath={.status.disruptionsAllowed}',
      ]);
      return allowed === '0' ? true : undefined;
    });
    const eviction = JSON.stringify({
      apiVersion: 'policy/v1',
      kind: 'Eviction',
      metadata: { name: 'web-0', namespace: 'default' },
    });
    const words = ['create', '--raw', '/api/v1/namespaces/default/pods/web-0/eviction', '-f', '-'];
    const { code, stderr } = await cluster.kubectlOutcome(words, { input: eviction });
    assert.equal(code, 1);
    assert.match(stderr, /Cannot evict pod as it would violate the pod's disruption budget/);
  });

  test('a pod talks to the API as its service account, with the certificate that is mounted', async () => {
    const script =
      'D=/var/run/secrets/kubernetes.io/serviceaccount; curl -sS --cacert $D/ca.crt ' +
      '-H "Authorization: Bearer $(cat $D/token)" https://kubernetes.default.svc/version; cat $D/namespace';
    const output = await cluster.kubectl(['exec', 'web-0', '--', 'sh', '-c', script]);
    assert.match(output, /"gitVersion"/);
    assert.match(output, /default$/);
  });

  test('files are copied in and out of a pod', async () => {
    await cluster.kubectl(['exec', '-i', 'web-0', '--', 'sh', '-c', 'cat > /tmp/given'], { input: 'hello' });
    const directory = mkdtempSync(join(tmpdir(), 'fairlead-copied-'));
    try {
      const file = join(directory, 'file');
      await cluster.kubectl(['cp', 'web-0:/tmp/given', file]);
      await cluster.kubectl(['cp', file, 'web-0:/tmp/again']);
      assert.equal(await cluster.kubectl(['exec', 'web-0', '--', 'cat', '/tmp/again']), 'hello');
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });
});
