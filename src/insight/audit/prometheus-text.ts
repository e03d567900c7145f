import type { MetricSample } from './facts.ts';

const line = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})?[ \t]+(\S+)(?:[ \t]+-?\d+)?$/;
const label = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)",?/g;

/** Characters: a longer line is none that an exporter writes. */
const longest = 8192;

/** Reads Prometheus’ text format 0.0.4. Comments, and lines that are none of the format, are passed over. */
export function readPrometheusText(source: string, text: string): readonly MetricSample[] {
  return text.split('\n').flatMap((row): MetricSample[] => {
    const [, name, labels = '', number = ''] = row.length > longest ? [] : (line.exec(row.trim()) ?? []);
    const value = Number(number.replace(/^([+-]?)Inf$/, '$1Infinity'));
    if (name === undefined || Number.isNaN(value)) return [];
    const pairs = [...labels.matchAll(label)].map(
      ([, key = '', quoted = '']) => [key, unescape(quoted)] as const,
    );
    return [{ source, name, labels: Object.fromEntries(pairs), value }];
  });
}

const unescape = (text: string): string =>
  text.replaceAll(/\\(.)/g, (_, character: string) => (character === 'n' ? '\n' : character));
