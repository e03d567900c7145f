/** agnhost porter: serves the values of SERVE_PORT_…, SERVE_TCP_PORT_…, SERVE_UDP_PORT_… and SERVE_TLS_PORT_…. */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { answer, answerText, type Handler } from './http-message.ts';
import { fail, listen } from './serving.ts';

/** The original listens on IPv4 alone, and so does its stand-in. */
const EVERYWHERE = '0.0.0.0';

export async function porter(asJson: boolean): Promise<void> {
  for (const [name, value = ''] of Object.entries(process.env)) {
    const [, kind = '', digits] = /^SERVE_(?:(TCP|UDP|TLS|SCTP)_)?PORT_(.*)$/.exec(name) ?? [];
    if (digits === undefined) continue;
    const port = /^\d{1,5}$/.test(digits) ? Number(digits) : NaN;
    if (!(port <= 65_535)) fail(`${name} does not end in a port`);
    const says = (actual: number) => `Started ${kind || 'TCP'} server on port ${actual}`;
    switch (kind) {
      case 'SCTP':
        return fail(`${name}: SCTP is not offered by this stand-in`);
      case 'UDP':
        await serveUdp(port, value, says);
        break;
      case 'TLS':
        listen(await secureServer(value, asJson), port, says, EVERYWHERE);
        break;
      default:
        listen(createServer(serving(value, asJson)), port, says, EVERYWHERE);
    }
  }
  setInterval(() => undefined, 2 ** 30);
}

function serving(value: string, asJson: boolean): Handler {
  return (request, response) => {
    if (!asJson) return answerText(response, 200, value);
    const body = JSON.stringify({ Method: request.method, Body: value });
    return answer(response, 200, body, { 'Content-Type': 'application/json' });
  };
}

/** The original brings a certificate for localhost; here one has to be given. */
async function secureServer(value: string, asJson: boolean) {
  const { CERT_FILE = '', KEY_FILE = '' } = process.env;
  if (CERT_FILE === '' || KEY_FILE === '')
    return fail('SERVE_TLS_PORT needs CERT_FILE and KEY_FILE: this stand-in brings no certificate');
  const { createSecureServer } = await import('node:http2');
  return createSecureServer(
    { cert: readFileSync(CERT_FILE), key: readFileSync(KEY_FILE), allowHTTP1: true },
    serving(value, asJson),
  );
}

async function serveUdp(port: number, value: string, says: (port: number) => string): Promise<void> {
  const { createSocket } = await import('node:dgram');
  const socket = createSocket('udp4');
  socket.on('error', error => fail(`UDP port ${port} cannot be used: ${error.message}`));
  socket.on('message', (_message, from) => socket.send(value, from.port, from.address, () => undefined)); // it may be gone
  socket.bind(port, EVERYWHERE, () => console.log(says(socket.address().port)));
}
