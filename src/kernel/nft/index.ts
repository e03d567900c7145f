/** nftables: transactions, dry runs, read-back, and the search for the object at fault. */
export { Nft } from './nft.ts';
export { NftError } from './error.ts';
export { runInChild } from './child.ts';
export { applyChunked } from './apply-chunked.ts';
export type { NftChange, NftOutcome, Transactions } from './apply-chunked.ts';
