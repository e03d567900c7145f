import { mkdirSync, watch, type FSWatcher } from 'node:fs';
import { recordName } from './files.ts';

/** Tells of every record that a launcher writes: one inotify watch for all containers. */
export class RecordWatch {
  readonly #handlers = new Map<string, () => void>();
  readonly #watcher: FSWatcher;

  constructor(directory: string) {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    this.#watcher = watch(directory, (_event, file) => {
      if (file === null || file.endsWith('.new')) return;
      this.#handlers.get(file.slice(0, file.indexOf('.')))?.();
    });
  }

  add(id: string, changed: () => void): void {
    this.#handlers.set(recordName(id), changed);
  }

  delete(id: string): void {
    this.#handlers.delete(recordName(id));
  }

  close(): void {
    this.#watcher.close();
  }
}
