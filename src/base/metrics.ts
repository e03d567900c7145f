/**
 * Figures of a process, in Prometheus' text format 0.0.4. Plain numbers without allocation on the way of a packet or a
 * question: who counts often keeps the series that `with` gives. What label values come from outside is bounded: past
 * `maxSeries` series of a metric, further ones are counted together under the value `other`.
 */

type MetricType = 'counter' | 'gauge' | 'histogram';

/** One line of a counter or a gauge. */
export class Series {
  value = 0;

  add(amount = 1): void {
    this.value += amount;
  }

  set(value: number): void {
    this.value = value;
  }
}

/** The observations of a histogram under one set of label values. */
export class HistogramSeries {
  readonly #bounds: readonly number[];
  /** Per bucket, not cumulative; the last one is for what is above all bounds. */
  readonly counts: Float64Array;
  sum = 0;

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.counts = new Float64Array(bounds.length + 1);
  }

  /** `times`: so many observations of the same value at once. */
  observe(value: number, times = 1): void {
    let at = 0;
    while (at < this.#bounds.length && value > (this.#bounds[at] ?? Infinity)) at++;
    this.counts[at] = (this.counts[at] ?? 0) + times;
    this.sum += value * times;
  }
}

/** One metric with its series, by label values. */
export class Family<S> {
  readonly series = new Map<string, { readonly values: readonly string[]; readonly series: S }>();
  readonly #make: () => S;
  readonly #labels: readonly string[];
  readonly #maxSeries: number;

  constructor(labels: readonly string[], make: () => S, maxSeries: number) {
    this.#labels = labels;
    this.#make = make;
    this.#maxSeries = maxSeries;
    if (labels.length === 0) this.with();
  }

  get labels(): readonly string[] {
    return this.#labels;
  }

  /** The series of these label values, in the order of the metric's label names; made where it is absent. */
  with(...values: readonly string[]): S {
    if (values.length !== this.#labels.length)
      throw new RangeError(`expected values of the labels ${this.#labels.join(', ')}, got ${values.length}`);
    const full = this.series.size >= this.#maxSeries && !this.series.has(values.join('\0'));
    const kept = full ? values.map(() => 'other') : values;
    const key = kept.join('\0');
    const present = this.series.get(key);
    if (present !== undefined) return present.series;
    const series = this.#make();
    this.series.set(key, { values: kept, series });
    return series;
  }

  /** Forgets a series, for label values that are no more; false where there was none. */
  remove(...values: readonly string[]): boolean {
    return this.series.delete(values.join('\0'));
  }

  /** Forgets all, before a scrape fills them anew. */
  clear(): void {
    this.series.clear();
  }
}

interface Entry {
  readonly name: string;
  readonly help: string;
  readonly type: MetricType;
  readonly bounds: readonly number[];
  readonly family: Family<Series> | Family<HistogramSeries>;
}

const nameForm = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const labelForm = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

/** A registry. Names are unique in it; asking again for a name with the same form gives the metric that is there. */
export class Metrics {
  readonly #entries = new Map<string, Entry>();
  readonly #collectors: (() => void)[] = [];
  readonly #maxSeries: number;

  constructor(options: { readonly maxSeries?: number } = {}) {
    this.#maxSeries = options.maxSeries ?? 2000;
  }

  /** Only grows; its name ends in `_total`. */
  counter(name: string, help: string, labels: readonly string[] = []): Family<Series> {
    return this.#register(name, help, 'counter', labels, [], () => new Series());
  }

  gauge(name: string, help: string, labels: readonly string[] = []): Family<Series> {
    return this.#register(name, help, 'gauge', labels, [], () => new Series());
  }

  /** `bounds`: the upper bounds of the buckets, ascending, without +Inf, in the unit that the name ends in. */
  histogram(
    name: string,
    help: string,
    bounds: readonly number[],
    labels: readonly string[] = [],
  ): Family<HistogramSeries> {
    if (bounds.some((bound, at) => at > 0 && bound <= (bounds[at - 1] ?? Infinity)))
      throw new RangeError(`the bounds of ${name} do not ascend`);
    return this.#register(name, help, 'histogram', labels, bounds, () => new HistogramSeries(bounds));
  }

  /** Called before each `text`, in the order of registration: for what is known elsewhere and only copied here. */
  onCollect(collect: () => void): void {
    this.#collectors.push(collect);
  }

  /** All metrics as `text/plain; version=0.0.4` (metricsContentType). */
  text(): string {
    for (const collect of this.#collectors) collect();
    const lines: string[] = [];
    for (const entry of this.#entries.values()) {
      lines.push(`# HELP ${entry.name} ${escapeHelp(entry.help)}`, `# TYPE ${entry.name} ${entry.type}`);
      for (const { values, series } of entry.family.series.values()) {
        const labels = entry.family.labels.map((label, at) => `${label}="${escapeValue(values[at] ?? '')}"`);
        if (series instanceof HistogramSeries) writeHistogram(lines, entry, labels, series);
        else lines.push(`${entry.name}${braces(labels)} ${formatNumber(series.value)}`);
      }
    }
    return `${lines.join('\n')}\n`;
  }

  #register<S extends Series | HistogramSeries>(
    name: string,
    help: string,
    type: MetricType,
    labels: readonly string[],
    bounds: readonly number[],
    make: () => S,
  ): Family<S> {
    if (!nameForm.test(name)) throw new RangeError(`${name} is no name of a metric`);
    for (const label of labels) {
      if (!labelForm.test(label) || label.startsWith('__') || (type === 'histogram' && label === 'le'))
        throw new RangeError(`${label} is no label of ${name}`);
    }
    const form = (one: Pick<Entry, 'type' | 'bounds'>, names: readonly string[]) =>
      JSON.stringify([one.type, one.bounds, names]);
    const present = this.#entries.get(name);
    if (present !== undefined) {
      if (form(present, present.family.labels) !== form({ type, bounds }, labels))
        throw new RangeError(`${name} is there already, in another form`);
      return present.family as unknown as Family<S>; // the same form has the same kind of series
    }
    const family = new Family<S>(labels, make, this.#maxSeries);
    this.#entries.set(name, {
      name,
      help,
      type,
      bounds,
      family: family as unknown as Family<Series> | Family<HistogramSeries>,
    });
    return family;
  }
}

/** The media type of `Metrics.text`. */
export const metricsContentType = 'text/plain; version=0.0.4; charset=utf-8';

function writeHistogram(
  lines: string[],
  { name, bounds }: Entry,
  labels: readonly string[],
  series: HistogramSeries,
): void {
  let below = 0;
  for (const [at, bound] of [...bounds, Infinity].entries()) {
    below += series.counts[at] ?? 0;
    lines.push(`${name}_bucket${braces([...labels, `le="${formatNumber(bound)}"`])} ${below}`);
  }
  lines.push(`${name}_sum${braces(labels)} ${formatNumber(series.sum)}`);
  lines.push(`${name}_count${braces(labels)} ${below}`);
}

const braces = (labels: readonly string[]): string => (labels.length === 0 ? '' : `{${labels.join(',')}}`);

function formatNumber(value: number): string {
  if (value === Infinity) return '+Inf';
  return value === -Infinity ? '-Inf' : String(value);
}

const escapeHelp = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');

const escapeValue = (text: string): string => escapeHelp(text).replaceAll('"', '\\"');
