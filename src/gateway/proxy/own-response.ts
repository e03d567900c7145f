/** Reason phrases of the answers that the proxy makes itself. */
const reasons: Readonly<Record<number, string>> = {
  301: 'Moved Permanently',
  302: 'Found',
  303: 'See Other',
  307: 'Temporary Redirect',
  308: 'Permanent Redirect',
  400: 'Bad Request',
  404: 'Not Found',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  414: 'URI Too Long',
  417: 'Expectation Failed',
  421: 'Misdirected Request',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
  505: 'HTTP Version Not Supported',
};

export interface OwnResponse {
  readonly status: number;
  /** For people; it says nothing of the cluster. */
  readonly sentence: string;
  readonly location?: string;
  readonly requestId: string | undefined;
  readonly close: boolean;
  /** For HTTP/1.0 clients that keep their connection. */
  readonly keepAlive: boolean;
  readonly isHead: boolean;
}

/** The octets as latin1 text. */
export function ownResponse(response: OwnResponse): string {
  const { status, location, requestId, close, keepAlive, isHead } = response;
  const body = `${status} ${reasons[status] ?? 'Error'}: ${response.sentence}\n`;
  const lines = [
    `HTTP/1.1 ${status} ${reasons[status] ?? 'Error'}`,
    `date: ${new Date().toUTCString()}`,
    'content-type: text/plain',
    `content-length: ${body.length}`,
    ...(location === undefined ? [] : [`location: ${location}`]),
    ...(requestId === undefined ? [] : [`x-request-id: ${requestId}`]),
    ...(close ? ['connection: close'] : keepAlive ? ['connection: keep-alive'] : []),
  ];
  return `${lines.join('\r\n')}\r\n\r\n${isHead ? '' : body}`;
}
