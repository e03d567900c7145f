import { builtinPaths, type Image, type Program } from './image.ts';
import { parseAgnhost } from './builtin/agnhost-commands.ts';

/** One row: the names (without registry mirrors' tags; every tag and digest counts) and what they stand for. */
export interface ImageRow {
  readonly names: readonly string[];
  readonly image: Image;
  /** A program of the host that has to be there; without it the image maps to nothing. */
  readonly needs?: string;
}

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const root = { uid: 0, gid: 0 };

const echoProgram: Program = {
  arguments: [builtinPaths.node, `${builtinPaths.programs}/echo.mjs`],
  refuse: rest =>
    rest.length === 0
      ? undefined
      : `builtin://echo takes its settings from the environment alone, but got: ${rest.join(' ')}.`,
};

/** What its Corefile asks for is judged when it starts: the file is the container's own. */
const corednsProgram: Program = {
  arguments: [builtinPaths.node, `${builtinPaths.programs}/coredns.mjs`],
};

const agnhostProgram: Program = {
  arguments: [builtinPaths.node, `${builtinPaths.programs}/agnhost.mjs`],
  refuse: rest => {
    const understood = parseAgnhost(rest);
    return typeof understood === 'string' ? understood : undefined;
  },
};

const nodeProgram: Program = { arguments: [builtinPaths.node] };

const pauseProgram: Program = {
  arguments: [builtinPaths.launcher, 'pause'],
  refuse: rest =>
    rest.length === 0 ? undefined : `builtin://pause takes no arguments, but got: ${rest.join(' ')}`,
};

/** The supervisor: it is idle between two tables. */
const proxyProgram: Program = {
  arguments: [
    builtinPaths.node,
    '--min-semi-space-size=1',
    '--max-semi-space-size=1',
    '--v8-pool-size=1',
    `${builtinPaths.programs}/proxy/entry/proxy.mjs`,
  ],
};

/**
 * The built-in image map, for review in one place. Tags are not compared: a stand-in claims to be none of them. A
 * stand-in is stricter than the original, never laxer: what it cannot do is refused.
 */
export const builtinTable: readonly ImageRow[] = [
  {
    names: ['registry.k8s.io/pause', 'k8s.gcr.io/pause', 'fairlead.dev/pause', 'docker.io/library/pause'],
    image: {
      id: 'builtin://pause',
      entrypoint: ['/pause'],
      command: [],
      environment: { PATH },
      workingDirectory: '/',
      user: { uid: 65_535, gid: 65_535 },
      programs: { '/pause': pauseProgram },
      hasShell: false,
    },
  },
  {
    names: [
      'gcr.io/k8s-staging-gateway-api/echo-basic',
      'registry.k8s.io/gateway-api/echo-basic',
      'us-central1-docker.pkg.dev/k8s-staging-images/gateway-api/echo-basic',
    ],
    image: {
      id: 'builtin://echo',
      entrypoint: ['/echo-basic'],
      command: [],
      environment: { PATH },
      workingDirectory: '/',
      user: { uid: 65_532, gid: 65_532 },
      programs: { '/echo-basic': echoProgram },
      hasShell: false,
    },
  },
  {
    names: ['fairlead.dev/echo', 'docker.io/library/echo'],
    image: {
      id: 'builtin://echo',
      entrypoint: ['/echo-basic'],
      command: [],
      environment: { PATH },
      workingDirectory: '/',
      user: root,
      programs: { '/echo-basic': echoProgram },
      hasShell: true,
    },
  },
  {
    names: ['fairlead.dev/proxy'],
    image: {
      id: 'builtin://proxy',
      entrypoint: ['/proxy'],
      command: [],
      environment: { PATH },
      workingDirectory: '/',
      user: { uid: 65_532, gid: 65_532 },
      programs: { '/proxy': proxyProgram },
      hasShell: false,
    },
  },
  {
    names: ['registry.k8s.io/coredns/coredns', 'docker.io/coredns/coredns'],
    image: {
      id: 'builtin://coredns',
      entrypoint: ['/coredns'],
      command: [],
      environment: { PATH },
      workingDirectory: '/',
      user: root,
      programs: { '/coredns': corednsProgram },
      hasShell: false,
    },
  },
  {
    names: ['registry.k8s.io/e2e-test-images/agnhost', 'k8s.gcr.io/e2e-test-images/agnhost'],
    image: {
      id: 'builtin://agnhost',
      entrypoint: ['/agnhost'],
      command: ['pause'],
      environment: { PATH },
      workingDirectory: '/',
      user: root,
      programs: { '/agnhost': agnhostProgram, agnhost: agnhostProgram },
      hasShell: true,
    },
  },
  {
    names: [
      'docker.io/library/busybox',
      'docker.io/library/alpine',
      'registry.k8s.io/e2e-test-images/busybox',
      'fairlead.dev/shell',
      'docker.io/library/shell',
    ],
    image: shell(['sh']),
  },
  {
    names: ['docker.io/library/debian', 'docker.io/library/ubuntu', 'docker.io/nicolaka/netshoot'],
    image: shell(['bash']),
    needs: '/bin/bash',
  },
  {
    names: ['docker.io/curlimages/curl'],
    image: {
      id: 'host:///usr/bin/curl',
      entrypoint: ['/usr/bin/curl'],
      command: ['-h'],
      environment: { PATH },
      workingDirectory: '/',
      user: { uid: 100, gid: 101 },
      programs: {},
      hasShell: true,
    },
    needs: '/usr/bin/curl',
  },
  {
    names: ['docker.io/library/node'],
    image: {
      // The Node.js that runs Fairlead itself, whatever the tag asks for.
      id: `host://${process.execPath}`,
      entrypoint: [],
      command: ['node'],
      environment: { PATH },
      workingDirectory: '/',
      user: root,
      programs: { node: nodeProgram, '/usr/local/bin/node': nodeProgram },
      hasShell: true,
    },
  },
];

/** The host's shell and tools; the original's default command without a terminal ends at once, and so does this. */
function shell(command: readonly string[]): Image {
  return {
    id: 'builtin://shell',
    entrypoint: [],
    command,
    environment: { PATH },
    workingDirectory: '/',
    user: root,
    programs: {},
    hasShell: true,
  };
}
