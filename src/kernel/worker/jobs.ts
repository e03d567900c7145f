import type { RouteOperation } from '../netlink/index.ts';
import type { RouteSocket } from '../netlink/index.ts';

/** What is done in one network namespace (default: the process's own): the settings first, then the operations. */
export interface KernelStep {
  readonly namespace?: string;
  readonly settings?: readonly KernelSetting[];
  readonly operations?: readonly RouteOperation[];
}

/** A sysctl, as `setSysctl` takes it. */
export type KernelSetting = readonly [key: string, value: string | number];

/** Steps in their order; the first that the kernel refuses ends the job. Other jobs do not depend on it. */
export type KernelJob = readonly KernelStep[];

/** Throws the refused step's error; what was done until then is left. */
export async function performJob(job: KernelJob, own: RouteSocket): Promise<void> {
  const [{ RouteSocket }, { setSysctl }, { inNamespace }] = await Promise.all([
    import('../netlink/index.ts'),
    import('../sysctl/index.ts'),
    import('../ns/index.ts'),
  ]);
  for (const { namespace, settings = [], operations = [] } of job) {
    const set = () => {
      for (const [key, value] of settings) setSysctl(undefined, key, value);
    };
    if (namespace === undefined) {
      set();
      own.apply(operations);
      continue;
    }
    using socket = inNamespace(namespace, () => {
      set();
      return RouteSocket.open();
    });
    socket.apply(operations);
  }
}
