import { lazily } from './lazily.ts';
import { bindFunctions, openLibrary } from './library.ts';

/** A `struct nft_ctx *`. */
export type NftContext = bigint & { readonly __context: 'nft_ctx' };

/** libnftables(3). Calls return 0 on success. */
export interface LibNftables {
  nft_ctx_new(flags: number): NftContext | null;
  nft_ctx_free(context: NftContext): void;
  nft_ctx_set_dry_run(context: NftContext, dry: boolean): void;
  nft_ctx_output_set_flags(context: NftContext, flags: number): void;
  nft_ctx_buffer_output(context: NftContext): number;
  nft_ctx_buffer_error(context: NftContext): number;
  nft_ctx_get_output_buffer(context: NftContext): string | null;
  nft_ctx_get_error_buffer(context: NftContext): string | null;
  nft_run_cmd_from_filename(context: NftContext, file: string): number;
}

const prototypes = [
  'void *nft_ctx_new(uint32_t flags)',
  'void nft_ctx_free(void *context)',
  'void nft_ctx_set_dry_run(void *context, bool dry)',
  'void nft_ctx_output_set_flags(void *context, uint flags)',
  'int nft_ctx_buffer_output(void *context)',
  'int nft_ctx_buffer_error(void *context)',
  'const char *nft_ctx_get_output_buffer(void *context)',
  'const char *nft_ctx_get_error_buffer(void *context)',
  'int nft_run_cmd_from_filename(void *context, const char *file)',
] as const;

export const libnftables = lazily((): LibNftables => {
  const library = openLibrary({ file: 'libnftables.so.1', package: 'libnftables1' });
  // The prototypes above have the names and shapes of the interface.
  return bindFunctions(library, prototypes) as unknown as LibNftables;
});

/** NFT_CTX_OUTPUT_*: stateless, JSON, numeric priorities. */
export const outputFlags = {
  stateless: 1 << 2,
  handle: 1 << 3,
  json: 1 << 4,
  numericPriority: 1 << 8,
  terse: 1 << 11,
} as const;
