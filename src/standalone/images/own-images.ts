import { readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { FairleadError } from '../../base/errors.ts';
import { parseImageFile } from './image-file.ts';
import type { ImageMap } from './image-map.ts';

/** Reads and checks an image map that somebody gives; its text is what `keepImageFile` takes. */
export async function readImageFile(path: string): Promise<string> {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new FairleadError('images/unreadable', `The image map ${path} cannot be read.`, {
      field: '--images',
      hint: 'Give --images the path of a YAML file.',
      cause,
    });
  }
  await parseImageFile(text, path);
  return text;
}

/** Makes it the cluster's own; the runtime takes it up within seconds. */
export function keepImageFile(path: string, text: string): void {
  writeFileSync(`${path}.new`, text, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

/** The cluster's own rows of the image map, followed as their file changes. */
export class OwnImages {
  readonly #path: string;
  readonly #map: ImageMap;
  #version = '';

  constructor(path: string, map: ImageMap) {
    this.#path = path;
    this.#map = map;
  }

  /** Reads the file if it is another one than last time; returns whether the map changed. */
  async refresh(): Promise<boolean> {
    const found = statSync(this.#path, { throwIfNoEntry: false });
    const version = found === undefined ? '' : `${found.ino} ${found.mtimeMs} ${found.size}`;
    if (version === this.#version) return false;
    this.#version = version;
    const text = found === undefined ? undefined : readFileSync(this.#path, 'utf8');
    this.#map.setOwn(text === undefined ? [] : await parseImageFile(text, this.#path));
    return true;
  }
}
