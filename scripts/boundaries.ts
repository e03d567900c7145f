/**
 * Who may import whom, as data: by folder (the first two parts of a path below src/) and by the role that a file's
 * name states. `check-boundaries.ts` reads it; ARCHITECTURE.md explains it.
 */

const blocks = ['pods', 'services', 'policy', 'dns', 'gateway'] as const;

/** For each folder of src/: the folders that it may import besides itself. */
export const folders: Readonly<Record<string, readonly string[]>> = {
  base: [],
  kernel: ['base'],
  kube: ['base'],
  pods: ['base', 'kube', 'kernel'],
  services: ['base', 'kube', 'kernel'],
  policy: ['base', 'kube', 'kernel'],
  dns: ['base', 'kube', 'kernel'],
  gateway: ['base', 'kube', 'kernel'],
  flows: ['base', 'kube', 'kernel', ...blocks],
  insight: ['base', 'kube', 'flows', ...blocks],
  probe: ['base', 'kube', 'kernel', 'flows', ...blocks],
  agent: ['base', 'kube', 'kernel', 'flows', 'insight', 'probe', ...blocks],
  controller: ['base', 'kube', 'flows', 'insight', 'probe', ...blocks],
  standalone: ['base', 'kube', 'kernel'],
  cli: ['base', 'kube', 'kernel', 'flows', 'insight', 'probe', 'standalone', ...blocks],
  entry: [
    'base',
    'kube',
    'kernel',
    'flows',
    'insight',
    'probe',
    'agent',
    'controller',
    'standalone',
    ...blocks,
  ],
};

/** A block is met by another folder only through these files of it. */
export const blockDoors: Readonly<{
  blocks: readonly string[];
  door: string;
  keyholders: readonly string[];
}> = {
  blocks,
  door: 'index.ts',
  /** Composition happens here, and may reach inside. */
  keyholders: ['agent', 'controller', 'entry'],
};

export interface Role {
  readonly name: string;
  /** Tested against the path below src/. */
  readonly files: RegExp;
  readonly mayImport: RegExp;
  readonly mayUseNode: readonly string[];
}

/** Pure files: no I/O, no clock. Tested in this order; the first match decides. */
export const roles: readonly Role[] = [
  {
    name: 'model, decide and compile are pure',
    files: /^(pods|services|policy|dns|gateway)\/(.*\/)?(model|decide|compile)(-[a-z0-9-]+)?\.ts$/,
    mayImport:
      /^(base\/|kube\/(types\/|selector\.ts|resources\.ts)|kernel\/(contract|nft\/table)\.ts|gateway\/table\.ts|(pods|services|policy|dns|gateway)\/(.*\/)?((model|decide|compile)(-[a-z0-9-]+)?|index)\.ts$)/,
    mayUseNode: [],
  },
  {
    name: 'insight only reads',
    files: /^insight\//,
    mayImport:
      /^(base\/|insight\/|kube\/(types\/|selector\.ts$)|flows\/|pods\/|services\/|policy\/|dns\/|gateway\/)/,
    mayUseNode: [],
  },
  {
    // Where log lines leave the process, and which engine its patterns have, are the rims that everything shares.
    name: 'base is pure',
    files: /^base\/(?!(log-output|pattern\/bound-backtracking)\.ts$)/,
    mayImport: /./, // the folder's own rule says it
    mayUseNode: [],
  },
];

/** Packages that only one folder may load, and system tools that only it may run. */
export const reserved: Readonly<Record<string, RegExp>> = {
  koffi: /^kernel\/ffi\//,
  ws: /^(standalone|kube)\//,
  pino: /^base\/log\.ts$/,
  commander: /^cli\//,
};

/** Starting programs is the kernel room's trade; these files are the exceptions, each with its reason. */
export const mayStartPrograms: Readonly<Record<string, string>> = {
  'kernel/': 'runs system tools and starts processes in namespaces',
  'standalone/runtime/': 'starts containers through the launcher and CNI plugins, as a kubelet does',
  'standalone/images/': 'a built-in program runs commands in its own container; its tests start it',
  'standalone/topology/': 'starts the processes of a cluster',
  'kube/kubeconfig': 'runs credential plugins (client.authentication.k8s.io)',
  'kube/exec-credential': 'runs credential plugins (client.authentication.k8s.io)',
  'gateway/proxy/supervisor/': 'starts the workers of a proxy',
  'entry/supervisor': 'starts and restarts the processes of a cluster',
};
