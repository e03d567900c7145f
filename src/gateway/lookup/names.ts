/**
 * Hostnames with their wildcards. The most specific is found in as many steps as the name has labels: itself, then
 * `*.` and what follows the first dot, the second …, then `*` (Gateway API, Hostname: a wildcard stands for one or more
 * labels).
 */
export class NameIndex<Value> {
  readonly #byName = new Map<string, Value>();

  /** `hostname` in lower case: a name, `*.name`, or `*`. The first one given for a name stays. */
  add(hostname: string, value: Value): void {
    if (!this.#byName.has(hostname)) this.#byName.set(hostname, value);
  }

  set(hostname: string, value: Value): void {
    this.#byName.set(hostname, value);
  }

  delete(hostname: string): void {
    this.#byName.delete(hostname);
  }

  find(name: string): Value | undefined {
    const exact = this.#byName.get(name);
    if (exact !== undefined) return exact;
    for (let dot = name.indexOf('.'); dot !== -1; dot = name.indexOf('.', dot + 1)) {
      if (dot === 0) continue;
      const value = this.#byName.get(`*${name.slice(dot)}`);
      if (value !== undefined) return value;
    }
    return this.#byName.get('*');
  }
}
