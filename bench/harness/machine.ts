import { cpus, release, totalmem } from 'node:os';

/** One line about the machine, so that results are not compared across machines by mistake. */
export function machine(): string {
  const processors = cpus();
  const gibibytes = Math.round(totalmem() / 2 ** 30);
  return `${processors.length} × ${processors[0]?.model.trim() ?? 'unknown processor'}, ${gibibytes} GiB, Linux ${release()}, Node ${process.versions.node}`;
}
