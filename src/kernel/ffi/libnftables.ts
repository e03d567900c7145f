import { lazily, openLibrary } from './library.ts';

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
  nft_run_cmd_from_buffer(context: NftContext, commands: string): number;
}

export const libnftables = lazily((): LibNftables => {
  const library = openLibrary({ file: 'libnftables.so.1', package: 'libnftables1' });
  const bind = <Call>(prototype: string) => library.func(prototype) as unknown as Call;
  return {
    nft_ctx_new: bind('void *nft_ctx_new(uint32_t flags)'),
    nft_ctx_free: bind('void nft_ctx_free(void *context)'),
    nft_ctx_set_dry_run: bind('void nft_ctx_set_dry_run(void *context, bool dry)'),
    nft_ctx_output_set_flags: bind('void nft_ctx_output_set_flags(void *context, uint flags)'),
    nft_ctx_buffer_output: bind('int nft_ctx_buffer_output(void *context)'),
    nft_ctx_buffer_error: bind('int nft_ctx_buffer_error(void *context)'),
    nft_ctx_get_output_buffer: bind('const char *nft_ctx_get_output_buffer(void *context)'),
    nft_ctx_get_error_buffer: bind('const char *nft_ctx_get_error_buffer(void *context)'),
    nft_run_cmd_from_buffer: bind('int nft_run_cmd_from_buffer(void *context, const char *commands)'),
  };
});

/** NFT_CTX_OUTPUT_*: stateless, JSON, numeric priorities. */
export const outputFlags = {
  stateless: 1 << 2,
  handle: 1 << 3,
  json: 1 << 4,
  numericPriority: 1 << 8,
  terse: 1 << 11,
} as const;
