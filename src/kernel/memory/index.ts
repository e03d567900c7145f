import { libc } from '../ffi/libc.ts';

/**
 * Gives the kernel back what this process has freed (malloc_trim(3), all threads' arenas). The C library returns only what
 * lies at the end of its heap, and after many small allocations something that is in use always does. It takes some
 * tens of milliseconds for some hundred megabytes.
 */
export function releaseFreedMemory(): void {
  libc().malloc_trim(0);
}
