import type { Service } from '../../kube/types/service.ts';

/** On a Service of type LoadBalancer: where people of this machine reach its ports, `443=127.0.0.1:8443,80=127.0.0.1:8080`. */
export const LOOPBACK_ANNOTATION = 'fairlead.dev/loopback';

export const LOOPBACK_HOST = '127.0.0.1';

/** The loopback port of each TCP port of a Service. */
export type Doors = ReadonlyMap<number, number>;

/** What is not of the form is left out: people may write here too. */
export function parseDoors(annotation: string | undefined): Doors {
  const doors = new Map<number, number>();
  for (const part of (annotation ?? '').split(',')) {
    const [, port, local] = /^\s*(\d{1,5})=127\.0\.0\.1:(\d{1,5})\s*$/.exec(part) ?? [];
    if (isPort(Number(port)) && isPort(Number(local))) doors.set(Number(port), Number(local));
  }
  return doors;
}

export const formatDoors = (doors: Doors): string =>
  [...doors].map(([port, local]) => `${port}=${LOOPBACK_HOST}:${local}`).join(',');

/** 80 is 8080 and 443 is 8443: below 1024 a port of the machine is left to the machine. */
export const usualPort = (port: number): number => (port < 1024 ? 8000 + port : port);

/** Where a Service's doors lead, and to which of its ports; undefined for a Service that has none. */
export interface DoorsWanted {
  /** A load-balancer address. */
  readonly address: string;
  /** TCP ports, in the order of the Service. */
  readonly ports: readonly number[];
}

export function doorsWanted(service: Service | undefined): DoorsWanted | undefined {
  if (service?.spec.type !== 'LoadBalancer' || service.metadata.deletionTimestamp !== undefined)
    return undefined;
  const addresses = (service.status?.loadBalancer?.ingress ?? []).flatMap(({ ip }) => ip ?? []);
  const address = addresses.find(ip => !ip.includes(':')) ?? addresses[0];
  if (address === undefined) return undefined;
  const ports = (service.spec.ports ?? []).filter(({ protocol = 'TCP' }) => protocol === 'TCP');
  return { address, ports: ports.map(({ port }) => port) };
}

const isPort = (number: number): boolean => Number.isInteger(number) && number >= 1 && number <= 65_535;
