import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ClusterName } from './server.ts';

/** What is asked, one file a mix, as dnsperf reads them. */
export interface Mixes {
  /** Of ten questions four are A, four AAAA and two are for names that a search list makes and nobody has. */
  readonly mixed: string;
  readonly hits: string;
  /** A and AAAA by a search list: of ten questions eight have no answer. */
  readonly pods: string;
  /** Names of others, each once before any comes again. */
  readonly forwarded: string;
}

export const outsideZone = 'outside.example';
const outsideNames = 20_000;
const searches = ['bench.svc.cluster.local', 'svc.cluster.local', 'cluster.local'];

export function writeQuestions(directory: string, names: readonly ClusterName[]): Mixes {
  const write = (name: string, lines: readonly string[]): string => {
    const file = join(directory, `questions-${name}`);
    writeFileSync(file, `${lines.join('\n')}\n`);
    return file;
  };
  const both = (name: string) => [`${name} A`, `${name} AAAA`];
  return {
    mixed: write(
      'mixed',
      names.flatMap(({ name }, index) => [
        ...both(name),
        ...(index % 2 === 0 ? [`${name}.bench.svc.cluster.local A`] : []),
      ]),
    ),
    hits: write(
      'hits',
      names.flatMap(({ name }) => both(name)),
    ),
    pods: write(
      'pods',
      names.flatMap(({ name }, index) => [
        // `service-1.bench` from a pod of the namespace: its second entry hits.
        ...both(`${name.replace(/\.svc\.cluster\.local$/, '')}.${searches[0] ?? ''}`),
        ...both(name),
        // A name outside: what the search list makes of it.
        ...searches.flatMap(domain => both(`www-${index % 50}.example.com.${domain}`)),
      ]),
    ),
    forwarded: write(
      'forwarded',
      Array.from({ length: outsideNames }, (_, index) => `name-${index}.${outsideZone} A`),
    ),
  };
}
