import koffi from 'koffi';
import { lazily } from './lazily.ts';
import { bindFunctions, openLibrary } from './library.ts';

/** Pointers to libbpf's opaque structs. */
export type BpfObjectPointer = bigint & { readonly __struct: 'bpf_object' };
export type BpfProgramPointer = bigint & { readonly __struct: 'bpf_program' };
export type BpfMapPointer = bigint & { readonly __struct: 'bpf_map' };
export type BpfLinkPointer = bigint & { readonly __struct: 'bpf_link' };

/**
 * libbpf 1.x: functions of type int return a negative error number, those that return a pointer give null and set
 * errno. Structs (bpf_tc_hook, …) are passed as their bytes.
 */
export interface LibBpf {
  bpf_object__open_file(path: string, options: null): BpfObjectPointer | null;
  bpf_object__load(object: BpfObjectPointer): number;
  bpf_object__close(object: BpfObjectPointer): void;
  bpf_object__find_program_by_name(object: BpfObjectPointer, name: string): BpfProgramPointer | null;
  bpf_object__find_map_by_name(object: BpfObjectPointer, name: string): BpfMapPointer | null;
  bpf_object__next_program(
    object: BpfObjectPointer,
    previous: BpfProgramPointer | null,
  ): BpfProgramPointer | null;
  bpf_program__name(program: BpfProgramPointer): string;
  bpf_program__fd(program: BpfProgramPointer): number;
  bpf_program__set_autoload(program: BpfProgramPointer, load: boolean): number;
  bpf_program__attach_cgroup(program: BpfProgramPointer, cgroup: number): BpfLinkPointer | null;
  bpf_map__fd(map: BpfMapPointer): number;
  bpf_map__set_pin_path(map: BpfMapPointer, path: string): number;
  bpf_map__set_max_entries(map: BpfMapPointer, entries: number): number;
  bpf_link__open(path: string): BpfLinkPointer | null;
  bpf_link__pin(link: BpfLinkPointer, path: string): number;
  bpf_link__update_program(link: BpfLinkPointer, program: BpfProgramPointer): number;
  bpf_link__destroy(link: BpfLinkPointer): number;
  bpf_tc_hook_create(hook: Uint8Array): number;
  bpf_tc_attach(hook: Uint8Array, options: Uint8Array): number;
  bpf_tc_detach(hook: Uint8Array, options: Uint8Array): number;
  bpf_tc_query(hook: Uint8Array, options: Uint8Array): number;
  bpf_obj_pin(fd: number, path: string): number;
  bpf_map_create(
    type: number,
    name: string,
    keySize: number,
    valueSize: number,
    entries: number,
    options: Uint8Array,
  ): number;
  bpf_map_get_fd_by_id(id: number): number;
  bpf_prog_test_run_opts(fd: number, options: Uint8Array): number;
  bpf_obj_get(path: string): number;
  bpf_obj_get_info_by_fd(fd: number, info: Uint8Array, length: Uint8Array): number;
  bpf_map_update_elem(fd: number, key: Uint8Array, value: Uint8Array, flags: number): number;
  bpf_map_lookup_elem(fd: number, key: Uint8Array, value: Uint8Array): number;
  bpf_map_delete_elem(fd: number, key: Uint8Array): number;
  bpf_map_get_next_key(fd: number, key: Uint8Array | null, next: Uint8Array): number;
  bpf_map_update_batch(
    fd: number,
    keys: Uint8Array,
    values: Uint8Array,
    count: Uint8Array,
    options: null,
  ): number;
  bpf_map_delete_batch(fd: number, keys: Uint8Array, count: Uint8Array, options: null): number;
  bpf_map_lookup_batch(
    fd: number,
    previous: Uint8Array | null,
    next: Uint8Array,
    keys: Uint8Array,
    values: Uint8Array,
    count: Uint8Array,
    options: null,
  ): number;
  libbpf_num_possible_cpus(): number;
  bpf_prog_load(
    type: number,
    name: null,
    license: string,
    instructions: Uint8Array,
    count: number,
    options: Uint8Array,
  ): number;
}

const prototypes = [
  'void *bpf_object__open_file(const char *path, const void *options)',
  'int bpf_object__load(void *object)',
  'void bpf_object__close(void *object)',
  'void *bpf_object__find_program_by_name(void *object, const char *name)',
  'void *bpf_object__find_map_by_name(void *object, const char *name)',
  'void *bpf_object__next_program(void *object, void *previous)',
  'const char *bpf_program__name(void *program)',
  'int bpf_program__fd(void *program)',
  'int bpf_program__set_autoload(void *program, bool load)',
  'void *bpf_program__attach_cgroup(void *program, int cgroup)',
  'int bpf_map__fd(void *map)',
  'int bpf_map__set_pin_path(void *map, const char *path)',
  'int bpf_map__set_max_entries(void *map, uint32_t entries)',
  'void *bpf_link__open(const char *path)',
  'int bpf_link__pin(void *link, const char *path)',
  'int bpf_link__update_program(void *link, void *program)',
  'int bpf_link__destroy(void *link)',
  'int bpf_tc_hook_create(void *hook)',
  'int bpf_tc_attach(const void *hook, void *options)',
  'int bpf_tc_detach(const void *hook, const void *options)',
  'int bpf_tc_query(const void *hook, void *options)',
  'int bpf_obj_pin(int fd, const char *path)',
  'int bpf_map_create(int type, const char *name, uint32_t key_size, uint32_t value_size, uint32_t entries, const void *options)',
  'int bpf_map_get_fd_by_id(uint32_t id)',
  'int bpf_prog_test_run_opts(int fd, void *options)',
  'int bpf_obj_get(const char *path)',
  'int bpf_obj_get_info_by_fd(int fd, void *info, void *length)',
  'int bpf_map_update_elem(int fd, const void *key, const void *value, uint64_t flags)',
  'int bpf_map_lookup_elem(int fd, const void *key, void *value)',
  'int bpf_map_delete_elem(int fd, const void *key)',
  'int bpf_map_get_next_key(int fd, const void *key, void *next)',
  'int bpf_map_update_batch(int fd, const void *keys, const void *values, void *count, const void *options)',
  'int bpf_map_delete_batch(int fd, const void *keys, void *count, const void *options)',
  'int bpf_map_lookup_batch(int fd, void *previous, void *next, void *keys, void *values, void *count, const void *options)',
  'int libbpf_num_possible_cpus()',
  'int bpf_prog_load(int type, const char *name, const char *license, const void *instructions, size_t count, const void *options)',
] as const;

const library = lazily(() => openLibrary({ file: 'libbpf.so.1', package: 'libbpf1' }));

// The prototypes above have the names and shapes of the interface.
export const libbpf = lazily((): LibBpf => bindFunctions(library(), prototypes) as unknown as LibBpf);

/** The message that brings the verifier's log, which may have megabytes. */
const verifierLogFormat = 'BEGIN PROG LOAD LOG';
/** LIBBPF_DEBUG */
const debugLevel = 2;
const longestMessage = 8192;
const longestVerifierLog = 1 << 24;

/**
 * Runs calls to libbpf and keeps what the library wants to say. The library has one place for all threads to say it
 * to, so that only one thread of a process may use it: the kernel worker.
 */
export function capturingLog<T>(run: (log: readonly string[]) => T): T {
  const { setPrint, format, printType } = logging();
  const messages: string[] = [];
  const print = koffi.register((level: number, template: bigint, values: bigint) => {
    if (level === debugLevel) return 0;
    const isLog = koffi.decode.string(template).includes(verifierLogFormat);
    const buffer = Buffer.allocUnsafeSlow(isLog ? longestVerifierLog : longestMessage);
    const length = format(buffer, buffer.length, template, values);
    messages.push(buffer.toString('utf8', 0, Math.min(Math.max(length, 0), buffer.length - 1)));
    return 0;
  }, koffi.pointer(printType));
  try {
    setPrint(print);
    return run(messages);
  } finally {
    setPrint(null);
    koffi.unregister(print);
  }
}

/** A va_list is passed by reference in the C ABIs of x86-64 and arm64 alike: here it is a pointer that is passed on. */
const logging = lazily(() => {
  const printType = koffi.proto('int libbpf_print_fn(int level, const void *format, void *values)');
  const c = openLibrary({ file: 'libc.so.6', package: 'libc6' });
  return {
    printType,
    setPrint: library().func('void *libbpf_set_print(void *print)') as (print: bigint | null) => void,
    format: c.func('int vsnprintf(void *buffer, size_t size, const void *format, void *values)') as (
      buffer: Uint8Array,
      size: number,
      format: bigint,
      values: bigint,
    ) => number,
  };
});
