/** The echo server over UDP: every datagram is answered with itself and who answers, as JSON. */
import { createSocket } from 'node:dgram';
import { fail, formatPeer, podContext, portIn } from './serving.ts';

/** The original reads no more of a datagram. */
const LONGEST = 1024;

export function serveUdpEcho(): void {
  const port = portIn('UDP_PORT', 8080);
  const context = podContext();
  const socket = createSocket({ type: 'udp6', ipv6Only: false });
  socket.on('error', error => fail(`UDP port ${port} cannot be used: ${error.message}`));
  socket.on('message', (message, from) => {
    const request = message.subarray(0, LONGEST).toString('utf8');
    console.log(`Received UDP ${request} from ${formatPeer(from.address, from.port)}`);
    const answer = JSON.stringify({ request, ...context });
    socket.send(answer, from.port, from.address, () => undefined); // a peer that is gone hears nothing
  });
  socket.bind(port, () => console.log(`UDP server listening on :${socket.address().port}`));
}
