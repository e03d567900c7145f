/** Why a message is refused. A parser returns one of these numbers, all negative; 0 is: more octets are needed. */
export const problem = {
  requestLine: -1,
  method: -2,
  target: -3,
  version: -4,
  lineEnd: -5,
  fieldName: -6,
  fieldValue: -7,
  folded: -8,
  hostMissing: -9,
  hostTwice: -10,
  hostInvalid: -11,
  lengthInvalid: -12,
  lengthTwice: -13,
  lengthAndEncoding: -14,
  encodingUnknown: -15,
  encodingTwice: -16,
  encodingOld: -17,
  headTooLong: -18,
  lineTooLong: -19,
  tooManyFields: -20,
  statusLine: -21,
  chunkSize: -22,
  chunkExtension: -23,
  chunkEnd: -24,
  trailer: -25,
  expectation: -26,
  connect: -27,
  pseudo: -28,
  bodyLength: -29,
} as const;

export interface Problem {
  /** For a request; a response with any of these is answered with 502. */
  readonly status: number;
  readonly sentence: string;
}

const bad = (sentence: string): Problem => ({ status: 400, sentence });

const problems: ReadonlyMap<number, Problem> = new Map<number, Problem>([
  [problem.requestLine, bad('the request line is not method, target and version with single spaces')],
  [problem.method, bad('the method is no token')],
  [problem.target, bad('the request target is none')],
  [problem.version, { status: 505, sentence: 'the version is neither HTTP/1.0 nor HTTP/1.1' }],
  [problem.lineEnd, bad('a line does not end with CR LF')],
  [problem.fieldName, bad('a field has no name, or a name that is no token')],
  [problem.fieldValue, bad('the value of a field has a control character')],
  [problem.folded, bad('a field is continued on the next line')],
  [problem.hostMissing, bad('there is no Host')],
  [problem.hostTwice, bad('there is more than one Host')],
  [problem.hostInvalid, bad('the Host is none, or not that of the target')],
  [problem.lengthInvalid, bad('the Content-Length is no number')],
  [problem.lengthTwice, bad('there is more than one Content-Length')],
  [problem.lengthAndEncoding, bad('there are Content-Length and Transfer-Encoding')],
  [problem.encodingUnknown, { status: 501, sentence: 'the Transfer-Encoding is not chunked' }],
  [problem.encodingTwice, bad('there is more than one Transfer-Encoding')],
  [problem.encodingOld, bad('a Transfer-Encoding in HTTP/1.0')],
  [problem.headTooLong, { status: 431, sentence: 'the header fields are too large' }],
  [problem.lineTooLong, { status: 414, sentence: 'the request line is too long' }],
  [problem.tooManyFields, { status: 431, sentence: 'there are too many header fields' }],
  [problem.statusLine, bad('the status line is none')],
  [problem.chunkSize, bad('the size of a chunk is none')],
  [problem.chunkExtension, bad("the chunks' extensions are too long or have control characters")],
  [problem.chunkEnd, bad('a chunk does not end where its size says')],
  [problem.trailer, bad('the trailer section is malformed or too long')],
  [problem.expectation, { status: 417, sentence: 'the expectation is not 100-continue' }],
  [problem.pseudo, bad('the pseudo header fields are not those of a message')],
  [problem.bodyLength, bad('the body has not the length that Content-Length says')],
  [problem.connect, { status: 405, sentence: 'CONNECT is not offered' }],
]);

export function problemOf(code: number): Problem {
  return problems.get(code) ?? bad('the message is malformed');
}
