import { existsSync } from 'node:fs';
import { builtinTable, type ImageRow } from './image-table.ts';
import { parseImageReference } from './reference.ts';
import type { Resolved } from './image.ts';

/** The map from image references to programs. Rows of `extra` come first: people's own map goes before ours. */
export class ImageMap {
  #rows: ReadonlyMap<string, ImageRow> = new Map();
  readonly #exists: (path: string) => boolean;

  constructor(extra: readonly ImageRow[] = [], exists: (path: string) => boolean = existsSync) {
    this.#exists = exists;
    this.setOwn(extra);
  }

  setOwn(own: readonly ImageRow[]): void {
    const rows = new Map<string, ImageRow>();
    for (const row of [...own, ...builtinTable]) {
      for (const name of row.names) if (!rows.has(name)) rows.set(name, row);
    }
    this.#rows = rows;
  }

  resolve(reference: string): Resolved {
    const parsed = parseImageReference(reference);
    if (parsed === undefined) {
      return {
        kind: 'refused',
        reason: 'InvalidImageName',
        message: `Failed to apply default image tag "${reference.slice(0, 300)}": couldn't parse image reference: it is not of the form [registry/]name[:tag][@digest]`,
      };
    }
    const row = this.#rows.get(parsed.name);
    if (row === undefined) {
      return {
        kind: 'refused',
        reason: 'ErrImagePull',
        message: `No program stands for the image ${parsed.name}: this cluster pulls nothing, it runs built-in stand-ins and programs of this machine. Images that map to one: ${this.#names()}. Others need a row in a file for \`fairlead up --images\`.`,
      };
    }
    if (row.needs !== undefined && !this.#exists(row.needs)) {
      return {
        kind: 'refused',
        reason: 'ErrImagePull',
        message: `The image ${parsed.name} stands for ${row.needs} of this machine, which is not installed.`,
      };
    }
    return { kind: 'mapped', image: row.image, reference };
  }

  #names(): string {
    return [...this.#rows.keys()].map(name => name.replace(/^docker\.io\/(library\/)?/, '')).join(', ');
  }
}
