import koffi from 'koffi';

/**
 * Where the bytes of an array are, for structs that point to them. They stay there for the array's life, which is the
 * caller's to keep; only for arrays with a buffer of their own.
 */
export const addressOf = (bytes: Uint8Array): bigint => koffi.address(bytes);
