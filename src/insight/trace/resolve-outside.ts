import { closestOf } from '../../base/closest.ts';
import type { TracedCluster } from './cluster.ts';
import { findRule } from './explain-http.ts';
import type { NameHop } from './hops.ts';
import type { TracedGateway } from './read-gateways.ts';
import type { Target } from './request.ts';

const mostNear = 3;

/**
 * A client outside asks a DNS that is not the cluster's. What it has to be told is the address of the Gateway that serves
 * the name: that is taken here.
 */
export function resolveOutside({ gateways }: TracedCluster, target: Target): NameHop {
  const { host } = target;
  const all = [...gateways.values()].map(gateway => ({ gateway, fit: fitOf(gateway, target) }));
  const best = Math.max(0, ...all.map(({ fit }) => fit));
  const serving = best === 0 ? [] : all.filter(({ fit }) => fit === best).map(({ gateway }) => gateway);
  const base = { hop: 'name', name: host, by: 'gateway', access: [], asked: [] } as const;
  const [first] = serving;
  if (first === undefined)
    return {
      ...base,
      outcome: 'no-such-name',
      addresses: [],
      sentence:
        gateways.size === 0
          ? 'there is no Gateway that could serve it'
          : `no Gateway has a listener of port ${target.port} for it`,
      near: nearOf([...gateways.values()], host),
    };
  const addresses = serving.flatMap(gateway => gateway.addresses);
  const names = serving.map(({ object }) => object).join(', ');
  if (addresses.length === 0)
    return {
      ...base,
      outcome: 'unknown',
      addresses,
      sentence: `${names} serves it, and has no address yet${first.problems.map(one => `; ${one}`).join('')}`,
      near: [],
    };
  return {
    ...base,
    outcome: 'found',
    addresses,
    sentence: `taken from the status of ${names}, which serves it: a client's own DNS has to say ${addresses.join(', ')}`,
    near: [],
  };
}

/** A rule is better than a host without one, that better than a listener alone. */
function fitOf(gateway: TracedGateway, target: Target): number {
  const scheme = target.port === 443 ? 'https' : 'http';
  // Which address a client asks for follows from the URL alone, whatever its headers say.
  const http = { scheme, method: 'GET', path: '/', ...target.http, headers: [] } as const;
  switch (findRule(gateway, target.port, { ...target, http })?.outcome) {
    case 'rule':
      return 3;
    case 'no-rule':
      return 2;
    case 'no-host':
    case 'misdirected':
      return 1;
    case 'no-listener':
    case undefined:
      return 0;
  }
}

function nearOf(gateways: readonly TracedGateway[], host: string): readonly string[] {
  const hosts = gateways.flatMap(({ index }) =>
    Object.values(index.table.hosts).map(({ hostname }) => hostname),
  );
  const names = [...new Set(hosts)].filter(name => name !== '*');
  const closest = closestOf(host, names);
  return [...new Set([...(closest === undefined ? [] : [closest]), ...names])].slice(0, mostNear);
}
