import type { ObservedConnection } from './observed.ts';

/** `connected in 1.2 ms, HTTP 200 in 3.4 ms` */
export function wordsOf(connection: ObservedConnection): string {
  const { failure, milliseconds, outcome, protocol, response, tls } = connection;
  const time = `${milliseconds.toFixed(1)} ms`;
  switch (outcome) {
    case 'timed-out':
      return `no answer within ${Math.round(milliseconds)} ms`;
    case 'refused':
      return `refused in ${time}`;
    case 'unreachable':
      return `no way there, said in ${time}`;
    case 'connected': {
      if (protocol === 'UDP') return `answered in ${time}`;
      const secured = tls === undefined ? '' : `, ${tls.protocol} with ${tls.subject}`;
      const said =
        response === undefined ? '' : `, HTTP ${response.status} in ${response.milliseconds.toFixed(1)} ms`;
      return `connected in ${time}${secured}${said}${failure === undefined ? '' : `, then: ${failure}`}`;
    }
    default:
      return outcome satisfies never;
  }
}

/** `10.244.1.5:8080`, `[fd00::5]:8080` */
export const endOf = (address: string, port: number | undefined): string =>
  port === undefined ? address : address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
