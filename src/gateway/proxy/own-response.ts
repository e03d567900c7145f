import type { Why } from './access-log.ts';

/** Reason phrases of HTTP/1, which HTTP/2 has none of. */
const reasons: Readonly<Record<number, string>> = {
  200: 'OK',
  201: 'Created',
  202: 'Accepted',
  204: 'No Content',
  206: 'Partial Content',
  301: 'Moved Permanently',
  302: 'Found',
  303: 'See Other',
  304: 'Not Modified',
  307: 'Temporary Redirect',
  308: 'Permanent Redirect',
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  413: 'Content Too Large',
  414: 'URI Too Long',
  417: 'Expectation Failed',
  421: 'Misdirected Request',
  429: 'Too Many Requests',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
  505: 'HTTP Version Not Supported',
};

export const reasonOf = (status: number): string => reasons[status] ?? '';

/** An answer that the proxy makes itself. */
export interface OwnResponse {
  readonly status: number;
  /** For people; it says nothing of the cluster. */
  readonly sentence: string;
  /** In the sentence's place, of somebody who was asked, whose `lines` say what it is; latin1. */
  readonly body?: string;
  readonly why: Why;
  /** Field lines beside those that every answer has. */
  readonly lines: string;
  readonly requestId: string;
  readonly isHead: boolean;
  /** As trailers with a status of gRPC, where the client speaks HTTP/2. */
  readonly isGrpc: boolean;
  readonly mustClose: boolean;
}

/** '' where the status has none. */
export const ownBody = ({ status, sentence, body }: OwnResponse): string =>
  status === 204 || status === 304 ? '' : (body ?? `${status} ${reasons[status] ?? 'Error'}: ${sentence}\n`);

/** Field lines, latin1. */
export function ownLines({ lines, requestId, body: given }: OwnResponse, body: string): string {
  const type = given === undefined ? 'content-type: text/plain\r\n' : '';
  const content = body === '' ? '' : `${type}content-length: ${body.length}\r\n`;
  return `date: ${new Date().toUTCString()}\r\n${content}${lines}x-request-id: ${requestId}\r\n`;
}

/** The octets in HTTP/1, as latin1 text; `connection` is what is said of it, if anything. */
export function ownText(response: OwnResponse, connection: string | undefined): string {
  const { status, isHead } = response;
  const body = ownBody(response);
  const said = connection === undefined ? '' : `connection: ${connection}\r\n`;
  const head = `HTTP/1.1 ${status} ${reasons[status] ?? 'Error'}\r\n${ownLines(response, body)}${said}\r\n`;
  return isHead ? head : head + body;
}

/**
 * The status of gRPC that an answer of ours stands for: the deadline that a route sets, and else what gRPC has its clients
 * make of HTTP's (grpc/doc/http-grpc-status-mapping.md), but that a route without a valid backend is unavailable
 * (GRPCRouteRule.backendRefs).
 */
export function grpcStatus({ status, why }: Pick<OwnResponse, 'status' | 'why'>): number {
  if (why === 'timeout') return grpc.deadlineExceeded;
  if (why === 'invalid-backend') return grpc.unavailable;
  switch (status) {
    case 400:
    case 431:
      return grpc.internal;
    case 401:
      return grpc.unauthenticated;
    case 403:
      return grpc.permissionDenied;
    case 404:
      return grpc.unimplemented;
    case 429:
    case 502:
    case 503:
    case 504:
      return grpc.unavailable;
    default:
      return grpc.unknown;
  }
}

const grpc = {
  unknown: 2,
  deadlineExceeded: 4,
  permissionDenied: 7,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  unauthenticated: 16,
} as const;
