import { members } from './access-log.ts';

/** A client's connection as it came, and as all of its requests tell of it. */
export interface Arrived {
  readonly port: number;
  readonly scheme: 'http' | 'https';
  /** SNI, lower case; '' for none; absent without TLS. */
  readonly serverName: string | undefined;
  readonly address: string;
  readonly remotePort: number;
}

/** `192.0.2.1:80`, `[2001:db8::1]:80` */
export const addressWithPort = (address: string, port: number): string =>
  address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;

/** What backends are told of a connection, behind what the client said itself: the value's end and further lines. */
export const forwardedOf = ({ address, scheme }: Arrived): string =>
  `${address}\r\nx-forwarded-proto: ${scheme}\r\n`;

/** What the log says of a connection. */
export const loggedOf = ({ address, remotePort, port, scheme, serverName }: Arrived): string =>
  members({ client: addressWithPort(address, remotePort), port, scheme, sni: serverName });
