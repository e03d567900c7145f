/** What a message's head may weigh, in bytes; docs/reference/gateway-proxy.md lists them. */
export const limits = {
  /** Method, target and version. */
  requestLine: 8 * 1024,
  /** The whole head, with the first line. */
  head: 32 * 1024,
  fields: 100,
  method: 32,
  /** Of one chunk's extensions, and of a chunk-size line. */
  chunkLine: 256,
  /** Of all chunk lines of a body beyond what sizes need: a body of extensions is none. */
  chunkExtensions: 16 * 1024,
  /** Trailer section of a chunked body. */
  trailers: 8 * 1024,
} as const;
