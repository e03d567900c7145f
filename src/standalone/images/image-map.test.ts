import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ImageMap } from './image-map.ts';
import { builtinPaths, commandLineOf, programLineOf, type Image } from './image.ts';

const map = new ImageMap([], () => true);

function imageOf(reference: string): Image {
  const resolved = map.resolve(reference);
  assert.equal(resolved.kind, 'mapped', `${reference} should map to a program`);
  return (resolved as { image: Image }).image;
}

test('the pause image runs the launcher as pause, whatever its tag or digest', () => {
  for (const reference of ['registry.k8s.io/pause:3.10', `registry.k8s.io/pause@sha256:${'0'.repeat(64)}`]) {
    const image = imageOf(reference);
    assert.equal(image.id, 'builtin://pause');
    assert.deepEqual(commandLineOf(image, undefined, undefined), {
      kind: 'run',
      arguments: [builtinPaths.launcher, 'pause'],
    });
  }
});

test('an image that maps to nothing is refused with the names that do', () => {
  const resolved = map.resolve('nginx:1.27');
  assert.equal(resolved.kind, 'refused');
  assert.match((resolved as { message: string }).message, /docker\.io\/library\/nginx.*busybox/s);
});

test('a reference that is none is an invalid image name', () => {
  const resolved = map.resolve('Bad Name');
  assert.equal((resolved as { reason: string }).reason, 'InvalidImageName');
});

test('an image that stands for a program of the host needs that program', () => {
  const bare = new ImageMap([], () => false);
  assert.match(
    (bare.resolve('curlimages/curl') as { message: string }).message,
    /\/usr\/bin\/curl .* not installed/,
  );
});

test("people's own rows go before the built-in ones", () => {
  const mine: Image = { ...imageOf('busybox'), id: 'host:///opt/mine' };
  const own = new ImageMap([{ names: ['docker.io/library/busybox'], image: mine }], () => true);
  assert.equal((own.resolve('busybox') as { image: Image }).image.id, 'host:///opt/mine');
});

test('command replaces the entrypoint and the default arguments, args only the default arguments', () => {
  const curl = imageOf('curlimages/curl');
  const run = (command?: string[], args?: string[]) => commandLineOf(curl, command, args);
  assert.deepEqual(run(), { kind: 'run', arguments: ['/usr/bin/curl', '-h'] });
  assert.deepEqual(run(undefined, ['x']), { kind: 'run', arguments: ['/usr/bin/curl', 'x'] });
  assert.deepEqual(run(['sh']), { kind: 'run', arguments: ['sh'] });
  assert.deepEqual(run(['sh'], ['-c', 'id']), { kind: 'run', arguments: ['sh', '-c', 'id'] });
  assert.deepEqual(run([], []), { kind: 'run', arguments: ['/usr/bin/curl', '-h'] });
});

test('the image of Node.js runs the Node.js that Fairlead brings, and says so', () => {
  const node = imageOf('node:24-alpine');
  assert.equal(node.id, `host://${process.execPath}`);
  assert.deepEqual(commandLineOf(node, ['node', '/program/web.mjs'], undefined), {
    kind: 'run',
    arguments: [builtinPaths.node, '/program/web.mjs'],
  });
  assert.deepEqual(commandLineOf(node, undefined, undefined), {
    kind: 'run',
    arguments: [builtinPaths.node],
  });
});

test('a stand-in for an image without a shell refuses every other program', () => {
  const line = programLineOf(imageOf('gcr.io/k8s-staging-gateway-api/echo-basic:v1'), ['sh']);
  assert.match((line as { message: string }).message, /no program "sh"/);
});

const agnhost: readonly (readonly [readonly string[], RegExp | undefined])[] = [
  [['netexec', '--http-port=80'], undefined],
  [['netexec', '--http-port', '80', '--udp-port=-1'], undefined],
  [['pause'], undefined],
  [['netexec', '--http-port=no'], /port number/],
  [['netexec', '--http-port'], /port number/],
  [['netexec', '--tls-cert-file=x'], /go together/],
  [['netexec', '--sctp-port=38412'], /SCTP is not offered/],
  [['netexec', '--root=/'], /does not know the argument "--root=\/"/],
  [['netexec', 'more'], /takes no arguments/],
  [['connect', '--timeout', '2s', 'web:80'], undefined],
  [['connect', 'web:80', '--protocol=udp'], undefined],
  [['connect', '--timeout=soon', 'web:80'], /a duration such as 2s/],
  [['connect', '--protocol=sctp', 'web:80'], /SCTP is not offered/],
  [['connect'], /one argument/],
  [['serve-hostname', '--tcp'], /--http=false/],
  [['serve-hostname', '--tcp', '--http=false', '--port=80'], undefined],
  [['porter', '--json-response'], undefined],
  [['entrypoint-tester', '--any', 'thing'], undefined],
  [['nettest'], /no subcommand "nettest"/],
  [['toString'], /no subcommand/],
];

for (const [args, refusal] of agnhost) {
  test(`agnhost ${args.join(' ')} is ${refusal === undefined ? 'run' : 'refused'}`, () => {
    const line = commandLineOf(imageOf('registry.k8s.io/e2e-test-images/agnhost:2.53'), undefined, args);
    if (refusal === undefined) assert.deepEqual(line.kind === 'run' && line.arguments.slice(2), args);
    else assert.match((line as { message: string }).message, refusal);
  });
}
