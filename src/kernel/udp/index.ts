/** UDP servers that take and answer datagrams in batches. */
export { DatagramServer } from './datagram-server.ts';
export type { DatagramHandler, DatagramPeer } from './datagram-server.ts';
