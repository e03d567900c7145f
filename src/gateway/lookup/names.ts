/**
 * Hostnames with their wildcards. The most specific is found in as many steps as the name has labels: itself, then
 * `*.` and what follows the first dot, the second …, then `*` (Gateway API, Hostname: a wildcard stands for one or more
 * labels).
 */
export class NameIndex<Value> {
  readonly #byName = new Map<string, Value>();
  /** Wildcards that stand for one label alone. */
  readonly #oneLabel = new Set<string>();

  /** `hostname` in lower case: a name, `*.name`, or `*`. The first one given for a name stays. */
  add(hostname: string, value: Value): void {
    if (!this.#byName.has(hostname)) this.#byName.set(hostname, value);
  }

  set(hostname: string, value: Value, isOneLabel = false): void {
    this.#byName.set(hostname, value);
    if (isOneLabel) this.#oneLabel.add(hostname);
    else this.#oneLabel.delete(hostname);
  }

  delete(hostname: string): void {
    this.#byName.delete(hostname);
    this.#oneLabel.delete(hostname);
  }

  find(name: string): Value | undefined {
    const exact = this.#byName.get(name);
    if (exact !== undefined) return exact;
    const first = name.indexOf('.');
    for (let dot = first; dot !== -1; dot = name.indexOf('.', dot + 1)) {
      if (dot === 0) continue;
      const wildcard = `*${name.slice(dot)}`;
      const value = this.#byName.get(wildcard);
      if (value !== undefined && (dot === first || !this.#oneLabel.has(wildcard))) return value;
    }
    return this.#byName.get('*');
  }
}
