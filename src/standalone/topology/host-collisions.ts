import { FairleadError } from '../../base/errors.ts';
import { overlaps, parsePrefix, type Prefix } from '../../base/ip.ts';
import { RouteSocket } from '../../kernel/netlink/index.ts';
import { type ClusterConfig, linkPrefixes } from '../cluster.ts';

/** A network that this host has a route to. */
export interface HostNetwork {
  readonly prefix: string;
  readonly dev: string;
}

/** Which networks somebody asked for by name. */
export interface ChosenNetworks {
  readonly podPrefixes?: unknown;
  readonly servicePrefixes?: unknown;
}

/**
 * The cluster's networks are in namespaces, so the host never meets them. With a way outside a network of the host that
 * has the same addresses would be out of the pods' reach: refused, with both names. Without one the defaults may
 * meet a network of the host (a runner in another cluster's pod often has one), and nobody notices; addresses that were
 * chosen are refused: who chooses means others than those in use.
 */
export function checkHostCollisions(config: ClusterConfig, chosen: ChosenNetworks): void {
  const host = hostNetworks().filter(network => !network.prefix.endsWith('/0'));
  checkApartFromHost(config, chosen, host);
}

function checkApartFromHost(
  config: ClusterConfig,
  chosen: ChosenNetworks,
  host: readonly HostNetwork[],
): void {
  const { outside } = config;
  const isChecked = (choice: unknown) => outside || choice !== undefined;
  const own = [
    ...(isChecked(chosen.podPrefixes) ? config.podPrefixes : []).map(text => ({
      text,
      what: 'the addresses of pods',
      field: '--pod-prefixes',
    })),
    ...(isChecked(chosen.servicePrefixes) ? config.servicePrefixes : []).map(text => ({
      text,
      what: 'the addresses of Services',
      field: '--service-prefixes',
    })),
    ...(outside ? linkPrefixes() : [])
      .filter(({ link }) => link === 1 || config.topology === 'two-links')
      .map(({ link, text }) => ({ text, what: `link ${link} of the nodes`, field: '--outside' })),
  ];
  for (const { text, what, field } of own) {
    const taken = host.find(network => meet(parsePrefix(text), parsePrefix(network.prefix)));
    if (taken === undefined) continue;
    throw new FairleadError(
      'cluster/host-collision',
      `${text} (${what}) overlaps ${taken.prefix}, which this host reaches by ${taken.dev}${outside ? ': with --outside, pods could not reach it' : ''}.`,
      { field, hint: hintFor(field, outside) },
    );
  }
}

function hintFor(field: string, outside: boolean): string {
  if (field === '--outside') return 'Bring the cluster up without --outside.';
  return outside
    ? `Choose other addresses with ${field}, or bring the cluster up without --outside.`
    : `Choose other addresses with ${field}, or leave the option away.`;
}

const meet = (a: Prefix | undefined, b: Prefix | undefined): boolean =>
  a !== undefined && b !== undefined && overlaps(a, b);

const mainTable = 254;

/** Everything but loopback and link-local networks. */
export function hostNetworks(): readonly HostNetwork[] {
  using socket = RouteSocket.open();
  const names = new Map(socket.links().map(link => [link.index, link.name]));
  return socket
    .routes()
    .filter(route => route.table === mainTable && !/^127\.|^fe80:|^ff00:|^::1\/|^169\.254\./.test(route.dst))
    .map(route => ({ prefix: route.dst, dev: names.get(route.index ?? 0) ?? 'more than one interface' }));
}
