/** Packets that nftables' `log group` rules report. */
export { PacketLog } from './packet-log.ts';
export type { PacketLogOptions } from './packet-log.ts';
export type { LoggedPacket } from './codec.ts';
