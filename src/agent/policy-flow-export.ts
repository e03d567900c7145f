import { FairleadError } from '../base/errors.ts';
import type { FlowEvent } from '../base/flow-event.ts';
import { compileOtlpLogs } from '../flows/index.ts';
import type { Reception } from '../flows/index.ts';
import { http, https } from '../kube/node-http.ts';

/** Where flow events go, in OTLP/HTTP with JSON. */
export interface OtlpReceiver {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * By the variables that OpenTelemetry's specification names: `OTEL_EXPORTER_OTLP_LOGS_ENDPOINT`, or
 * `OTEL_EXPORTER_OTLP_ENDPOINT` with `v1/logs` behind it, and `OTEL_EXPORTER_OTLP_HEADERS` (`key=value,…`). Undefined
 * where there is none: nothing is sent.
 */
export function otlpReceiverOf(environment: Environment): OtlpReceiver | undefined {
  const own = environment['OTEL_EXPORTER_OTLP_LOGS_ENDPOINT'] ?? '';
  const base = environment['OTEL_EXPORTER_OTLP_ENDPOINT'] ?? '';
  if (own === '' && base === '') return undefined;
  const text = own === '' ? `${base.replace(/\/$/, '')}/v1/logs` : own;
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol))
    throw new FairleadError('agent/bad-otlp-endpoint', `"${text}" is no http or https address`, {
      field: own === '' ? 'OTEL_EXPORTER_OTLP_ENDPOINT' : 'OTEL_EXPORTER_OTLP_LOGS_ENDPOINT',
      hint: 'For example http://otel-collector.monitoring:4318',
    });
  const ofLogs = environment['OTEL_EXPORTER_OTLP_LOGS_HEADERS'];
  return ofLogs === undefined
    ? { url, headers: readHeaders(environment['OTEL_EXPORTER_OTLP_HEADERS'], 'OTEL_EXPORTER_OTLP_HEADERS') }
    : { url, headers: readHeaders(ofLogs, 'OTEL_EXPORTER_OTLP_LOGS_HEADERS') };
}

/** Each is what may stand in a request: what may not would only be found out when the first event is sent. */
function readHeaders(list = '', field: string): Readonly<Record<string, string>> {
  const pairs = list.split(',').filter(pair => pair.trim() !== '');
  const headers = pairs.map((pair, index) => {
    const [name = '', ...rest] = pair.split('=');
    try {
      const value = decodeURIComponent(rest.join('=').trim());
      http.validateHeaderName(name.trim());
      http.validateHeaderValue(name.trim(), value);
      return [name.trim(), value] as const;
    } catch (cause) {
      // Not its text: it may be a secret.
      throw new FairleadError('agent/bad-otlp-headers', `entry ${index + 1} of ${field} is no header`, {
        field,
        hint: 'key=value,… with values in percent-encoding: % is written as %25',
        cause,
      });
    }
  });
  return Object.fromEntries(headers);
}

const timeoutMilliseconds = 10_000;
/** OTLP/HTTP, "Retryable Response Codes". */
const retryable: ReadonlySet<number> = new Set([429, 502, 503, 504]);

export function sendOtlp(
  { headers, url }: OtlpReceiver,
  resource: { readonly cluster: string; readonly node: string },
): (events: readonly FlowEvent[]) => Promise<Reception> {
  return events =>
    new Promise((resolve, reject) => {
      const body = JSON.stringify(compileOtlpLogs(events, resource));
      const call = (url.protocol === 'https:' ? https : http).request(url, {
        method: 'POST',
        headers: { ...headers, 'content-type': 'application/json' },
        signal: AbortSignal.timeout(timeoutMilliseconds),
      });
      call.on('error', reject);
      call.on('response', response => {
        response.on('error', reject);
        response.resume();
        response.on('end', () => {
          const status = response.statusCode ?? 0;
          if (status >= 200 && status < 300) return resolve({ outcome: 'taken' });
          const seconds = Number(response.headers['retry-after']);
          return resolve({
            outcome: retryable.has(status) ? 'later' : 'refused',
            reason: `${url.host} answers ${status}`,
            ...(seconds > 0 ? { afterMilliseconds: seconds * 1000 } : {}),
          });
        });
      });
      call.end(body);
    });
}
