export interface Mount {
  readonly path: string;
  /** `cgroup2`, `bpf`, `nsfs`, … */
  readonly type: string;
  readonly source: string;
  /** The directory of the file system that is mounted: `/` unless it is a bind mount. */
  readonly root: string;
  /** Mounts below it are seen in other mount namespaces of its peer group. */
  readonly shared: boolean;
}

/** /proc/PID/mountinfo, by proc_pid_mountinfo(5). Lines of another shape are left out. */
export function parseMountinfo(text: string): readonly Mount[] {
  const mounts: Mount[] = [];
  for (const line of text.split('\n')) {
    const [before = '', after = ''] = line.split(' - ');
    const [, , , root, path, , ...optional] = before.split(' ');
    const [type, source] = after.split(' ');
    if (root === undefined || path === undefined || type === undefined || source === undefined) continue;
    const shared = optional.some(field => field.startsWith('shared:'));
    mounts.push({ path: unescape(path), type, source: unescape(source), root: unescape(root), shared });
  }
  return mounts;
}

/** The kernel writes blank, tab, newline and backslash as three octal digits. */
function unescape(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  );
}
