import type { ComparedHost } from '../../insight/migrate/index.ts';

const widest = 70;

/** Both route tables side by side, host by host: old on the left, new on the right. */
export function diffText(hosts: readonly ComparedHost[]): readonly string[] {
  return hosts.flatMap(({ host, new: now, old }) => {
    const width = Math.min(widest, Math.max('Ingress NGINX'.length, ...old.map(line => line.length)));
    const rows = Array.from({ length: Math.max(old.length, now.length) }, (_, index) => {
      const left = old[index] ?? '';
      return `  ${(left.length > width ? `${left.slice(0, width - 1)}…` : left).padEnd(width)}  │ ${now[index] ?? ''}`.trimEnd();
    });
    return [
      host === '' ? 'every other host' : host,
      `  ${'Ingress NGINX'.padEnd(width)}  │ Gateway API`,
      ...rows,
      '',
    ];
  });
}
