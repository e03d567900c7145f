import { existsSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { FairleadError } from '../../base/errors.ts';
import { lastErrorNumber } from '../ffi/errno.ts';
import { capturingLog, libbpf } from '../ffi/libbpf.ts';
import type { BpfMapPointer, BpfObjectPointer, BpfProgramPointer } from '../ffi/libbpf.ts';
import { BpfError, done } from './error.ts';
import { BpfMap } from './map.ts';

export interface LoadOptions {
  /** By map name. A map that is pinned already is taken over with its entries, when it has the same shape. */
  readonly maps?: Readonly<Record<string, { readonly pin?: string; readonly maxEntries?: number }>>;
  /** Programs that are loaded; default all. */
  readonly programs?: readonly string[];
}

/** A program in the kernel; it lives as long as its object is open, is attached, or is pinned. */
export interface BpfProgram {
  readonly name: string;
  readonly fd: number;
  /** libbpf's own handle. */
  readonly pointer: BpfProgramPointer;
}

/** A compiled object file (`build/bpf/NAME.o`) in the kernel: its programs and maps. */
export class BpfObject implements Disposable {
  readonly #pointer: BpfObjectPointer;
  readonly #file: string;
  #open = true;

  private constructor(pointer: BpfObjectPointer, file: string) {
    this.#pointer = pointer;
    this.#file = file;
  }

  /** Reads the file, relocates it, and has the kernel verify and load it. */
  static load(file: string, options: LoadOptions = {}): BpfObject {
    if (!existsSync(file)) {
      const hint = 'Build the eBPF programs: make -C bpf';
      throw new FairleadError('kernel/bpf-missing', `There is no compiled eBPF object ${file}`, { hint });
    }
    return capturingLog(log => {
      const pointer = libbpf().bpf_object__open_file(file, null);
      if (pointer === null) throw new BpfError(`read the eBPF object ${file}`, lastErrorNumber(), log);
      const object = new BpfObject(pointer, file);
      try {
        object.#configure(options);
        done(libbpf().bpf_object__load(pointer), `load the eBPF object ${file}`, log);
        return object;
      } catch (error) {
        object.close();
        throw error;
      }
    });
  }

  program(name: string): BpfProgram {
    const pointer = this.#require(
      libbpf().bpf_object__find_program_by_name(this.#use(), name),
      'program',
      name,
    );
    const fd = libbpf().bpf_program__fd(pointer);
    if (fd < 0) throw new FairleadError('kernel/bpf-program', `The eBPF program ${name} is not loaded`);
    return { name, fd, pointer };
  }

  programNames(): readonly string[] {
    const names: string[] = [];
    let program = libbpf().bpf_object__next_program(this.#use(), null);
    while (program !== null) {
      names.push(libbpf().bpf_program__name(program));
      program = libbpf().bpf_object__next_program(this.#use(), program);
    }
    return names;
  }

  /** Usable as long as this object is open. */
  map(name: string): BpfMap {
    return new BpfMap(done(libbpf().bpf_map__fd(this.#map(name)), `use the bpf map ${name}`), false);
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    libbpf().bpf_object__close(this.#pointer);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #configure(options: LoadOptions): void {
    for (const [name, { pin, maxEntries }] of Object.entries(options.maps ?? {})) {
      const map = this.#map(name);
      if (maxEntries !== undefined)
        done(libbpf().bpf_map__set_max_entries(map, maxEntries), `size the bpf map ${name}`);
      if (pin === undefined) continue;
      mkdirSync(dirname(pin), { recursive: true });
      done(libbpf().bpf_map__set_pin_path(map, pin), `pin the bpf map ${name} at ${pin}`);
    }
    const wanted = options.programs;
    if (wanted === undefined) return;
    for (const name of this.programNames()) {
      const program = libbpf().bpf_object__find_program_by_name(this.#pointer, name);
      if (program !== null && !wanted.includes(name)) libbpf().bpf_program__set_autoload(program, false);
    }
  }

  #map(name: string): BpfMapPointer {
    return this.#require(libbpf().bpf_object__find_map_by_name(this.#use(), name), 'map', name);
  }

  #require<T>(found: T | null, what: string, name: string): T {
    if (found !== null) return found;
    throw new FairleadError('kernel/bpf-name', `The eBPF object ${this.#file} has no ${what} ${name}`);
  }

  #use(): BpfObjectPointer {
    if (this.#open) return this.#pointer;
    throw new FairleadError('kernel/bpf-closed', `The eBPF object ${this.#file} is closed`);
  }
}
