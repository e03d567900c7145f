/** RFC 9113 section 6, and the codes of section 7. */
export const frame = {
  data: 0,
  headers: 1,
  priority: 2,
  reset: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goAway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

export const flag = { endStream: 1, ack: 1, endHeaders: 4, padded: 8, priority: 32 } as const;

export const code = {
  none: 0,
  protocol: 1,
  internal: 2,
  flowControl: 3,
  streamClosed: 5,
  frameSize: 6,
  refused: 7,
  cancel: 8,
  compression: 9,
  calm: 11,
} as const;

export const setting = {
  tableSize: 1,
  push: 2,
  streams: 3,
  window: 4,
  frameSize: 5,
  sectionSize: 6,
} as const;

export const frameHeadBytes = 9;
/** What we take of a frame, which is the least that everybody has to. */
export const longestFrame = 16_384;
export const largestWindow = 0x7f_ff_ff_ff;
export const firstWindow = 65_535;

/** What a client says first (RFC 9113 section 3.4); no request of HTTP/1 begins with it. */
export const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

/** A connection cannot go on: it ends with GOAWAY. */
export class ConnectionError extends Error {
  readonly code: number;

  constructor(errorCode: number, sentence: string) {
    super(sentence);
    this.code = errorCode;
  }
}
