/** Which entries have a prefix of a path, element by element (Gateway API, PathMatchType PathPrefix). */
export class PathTree {
  readonly #root = newNode();

  /** `order` says how early the entry is asked. A final slash of the prefix does not count. */
  add(prefix: string, order: number): void {
    let node = this.#root;
    for (const element of elementsOf(prefix)) {
      let next = node.children.get(element);
      if (next === undefined) {
        next = newNode();
        node.children.set(element, next);
      }
      node = next;
    }
    node.orders.push(order);
  }

  /** Lists of orders, each ascending, of all prefixes of the path. The steps are the elements that both have. */
  collect(path: string, into: (readonly number[])[]): void {
    let node: Node | undefined = this.#root;
    let at = 0;
    while (true) {
      if (node.orders.length > 0) into.push(node.orders);
      if (at >= path.length || node.children.size === 0) return;
      const slash = path.indexOf('/', at + 1);
      const end = slash === -1 ? path.length : slash;
      node = node.children.get(path.slice(at + 1, end));
      if (node === undefined) return;
      at = end;
    }
  }
}

interface Node {
  readonly children: Map<string, Node>;
  readonly orders: number[];
}

const newNode = (): Node => ({ children: new Map(), orders: [] });

function elementsOf(prefix: string): readonly string[] {
  const trimmed = prefix.endsWith('/') ? prefix.slice(0, -1) : prefix;
  return trimmed === '' ? [] : trimmed.slice(1).split('/');
}
