/** What the built-in servers share: ports from the environment, addresses as Go prints them, and how they give up. */
import type { Server } from 'node:net';

/** Ends the program with a sentence: a stand-in never runs with half of what it was told. */
export function fail(sentence: string): never {
  console.error(sentence);
  process.exit(1);
}

/** A port from a variable of the environment; 0 lets the kernel choose one. */
export function portIn(variable: string, otherwise: number): number {
  const text = process.env[variable] ?? '';
  if (text === '') return otherwise;
  return /^\d{1,5}$/.test(text) && Number(text) <= 65_535
    ? Number(text)
    : fail(`${variable} is no port: ${text}`);
}

/** Listens on every address of both families (or on `host`) and says so in the form that is given. */
export function listen(server: Server, port: number, says: (port: number) => string, host?: string): void {
  server.on('error', error => fail(`port ${port} cannot be listened on: ${error.message}`));
  const told = () => {
    const address = server.address();
    console.log(says(typeof address === 'object' && address !== null ? address.port : port));
  };
  if (host === undefined) server.listen(port, told);
  else server.listen(port, host, told);
}

/** A peer as Go prints it: `1.2.3.4:80`, `[fd00::1]:80`. */
export function formatPeer(address = '', port = 0): string {
  const plain = address.replace(/^::ffff:(?=\d+\.)/, '');
  return plain.includes(':') ? `[${plain}]:${port}` : `${plain}:${port}`;
}

/** Where a pod runs, as the conformance manifests tell it by the downward API. */
export interface PodContext {
  readonly namespace: string;
  readonly ingress: string;
  readonly service: string;
  readonly pod: string;
}

export function podContext(): PodContext {
  const { NAMESPACE = '', INGRESS_NAME = '', SERVICE_NAME = '', POD_NAME = '' } = process.env;
  return { namespace: NAMESPACE, ingress: INGRESS_NAME, service: SERVICE_NAME, pod: POD_NAME };
}
