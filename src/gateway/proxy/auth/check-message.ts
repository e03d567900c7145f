import { isUtf8 } from 'node:buffer';
import { isFieldValue, isToken } from '../http1/characters.ts';
import { changeLines, type FieldChange, isOurs } from './change-lines.ts';
import { bytesField, numberField, readMessage } from './protobuf.ts';
import { failed, type Verdict } from './verdict.ts';

/** What is asked of `envoy.service.auth.v3.Authorization/Check`. */
export interface Check {
  readonly source: SocketAddress;
  readonly destination: SocketAddress;
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly host: string;
  readonly scheme: string;
  /** `HTTP/1.1`, `HTTP/2` */
  readonly protocol: string;
  /** By names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  /** Octets of the body; -1 where nobody knows. */
  readonly size: number;
  readonly body: Buffer;
}

export interface SocketAddress {
  readonly address: string;
  readonly port: number;
}

/** `envoy.service.auth.v3.CheckRequest`, its numbers as attribute_context.proto and external_auth.proto have them. */
export function encodeCheck(check: Check): Buffer {
  const http = [
    bytesField(1, check.id),
    bytesField(2, check.method),
    ...[...check.headers].map(([name, value]) =>
      bytesField(3, Buffer.concat([bytesField(1, name), bytesField(2, value)])),
    ),
    bytesField(4, check.query === '' ? check.path : `${check.path}?${check.query}`),
    bytesField(5, check.host),
    bytesField(6, check.scheme),
    ...(check.size < 0 ? [] : [numberField(9, check.size)]),
    bytesField(10, check.protocol),
    ...(check.body.length === 0 ? [] : [bytesField(isUtf8(check.body) ? 11 : 12, check.body)]),
  ];
  const attributes = [
    bytesField(1, encodePeer(check.source)),
    bytesField(2, encodePeer(check.destination)),
    bytesField(4, bytesField(2, Buffer.concat(http))),
  ];
  return bytesField(1, Buffer.concat(attributes));
}

const encodePeer = ({ address, port }: SocketAddress): Buffer =>
  bytesField(1, bytesField(1, Buffer.concat([bytesField(2, address), numberField(3, port)])));

/** `envoy.service.auth.v3.CheckResponse`: allowed where its status is OK, and anything else is not. */
export function readCheck(message: Buffer): Verdict {
  const response = read(message);
  const status = read(response?.get(1)?.at(-1)?.octets ?? Buffer.alloc(0));
  if (response === undefined || status === undefined) return failed('the answer is no CheckResponse');
  const code = status.get(1)?.at(-1)?.value ?? 0;
  try {
    if (code === 0) return allowed(response.get(3)?.at(-1)?.octets);
    return denied(response.get(2)?.at(-1)?.octets);
  } catch (error) {
    if (error instanceof UnreadableError) return failed(error.message);
    throw error;
  }
}

class UnreadableError extends Error {}

/** OkHttpResponse: headers = 2, headers_to_remove = 5, response_headers_to_add = 6. */
function allowed(octets: Buffer | undefined): Verdict {
  const ok = read(octets ?? Buffer.alloc(0));
  if (ok === undefined) throw new UnreadableError('the OkHttpResponse is none');
  const changes = (ok.get(2) ?? []).map(field => readHeader(field.octets));
  const remove = (ok.get(5) ?? []).map(field => field.octets.toString());
  return {
    type: 'allowed',
    change: lines => changeLines(lines, remove, changes),
    answerLines: linesOf((ok.get(6) ?? []).map(field => readHeader(field.octets))),
  };
}

/** DeniedHttpResponse: status = 1 with its code = 1, headers = 2, body = 3. */
function denied(octets: Buffer | undefined): Verdict {
  const answer = read(octets ?? Buffer.alloc(0));
  const status = read(answer?.get(1)?.at(-1)?.octets ?? Buffer.alloc(0));
  if (answer === undefined || status === undefined)
    throw new UnreadableError('the DeniedHttpResponse is none');
  const code = status.get(1)?.at(-1)?.value ?? 0;
  const body = answer.get(3)?.at(-1)?.octets;
  return {
    type: 'refused',
    // What is denied is no success, whatever the status says.
    status: code >= 300 && code <= 599 ? code : 403,
    why: 'denied',
    sentence: 'this is not allowed',
    lines: linesOf((answer.get(2) ?? []).map(field => readHeader(field.octets))),
    ...(body === undefined || body.length === 0 ? {} : { body: body.toString('latin1') }),
  };
}

const linesOf = (headers: readonly FieldChange[]): string =>
  headers
    .filter(({ name }) => !isOurs(name))
    .map(({ name, value }) => `${name}: ${value}\r\n`)
    .join('');

/** HeaderValueOption: header = 1 with key = 1, value = 2, raw_value = 3; append = 2; append_action = 3. */
function readHeader(octets: Buffer): FieldChange {
  const option = read(octets);
  const header = read(option?.get(1)?.at(-1)?.octets ?? Buffer.alloc(0));
  const name = header?.get(1)?.at(-1)?.octets.toString('latin1').toLowerCase() ?? '';
  const text = header?.get(2)?.at(-1)?.octets;
  const value =
    (text === undefined || text.length === 0 ? header?.get(3)?.at(-1)?.octets : text) ?? Buffer.alloc(0);
  if (
    option === undefined ||
    name === '' ||
    !isAll(Buffer.from(name, 'latin1'), isToken) ||
    !isAll(value, isFieldValue)
  )
    throw new UnreadableError('a header of the answer is none');
  const isAppended =
    (read(option.get(2)?.at(-1)?.octets ?? Buffer.alloc(0))
      ?.get(1)
      ?.at(-1)?.value ?? 0) !== 0;
  const action = option.get(3)?.at(-1)?.value ?? 0;
  const when = isAppended ? 'append' : (actions.get(action) ?? 'always');
  return { name, value: value.toString('latin1').trim(), when };
}

/** HeaderAppendAction; what stands first there is `append`'s to say in these messages, where it is false by default. */
const actions: ReadonlyMap<number, FieldChange['when']> = new Map([
  [1, 'absent'],
  [3, 'present'],
]);

const isAll = (octets: Buffer, table: Uint8Array): boolean => octets.every(octet => table[octet] === 1);

function read(octets: Buffer): Map<number, { value: number; octets: Buffer }[]> | undefined {
  const fields = readMessage(octets);
  if (fields === undefined) return undefined;
  const byNumber = new Map<number, { value: number; octets: Buffer }[]>();
  for (const { number, value, octets: own } of fields) {
    const same = byNumber.get(number);
    if (same === undefined) byNumber.set(number, [{ value, octets: own }]);
    else same.push({ value, octets: own });
  }
  return byNumber;
}
