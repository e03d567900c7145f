import type { Prefix } from '../../../../base/ip.ts';
import type { IngressModel } from '../read.ts';
import type { Values } from '../values.ts';
import { readRanges } from './addresses.ts';
import { compileServers } from './compile-servers.ts';
import type { NginxServers, NginxUpstream } from './servers.ts';

/** Ingress NGINX as it answers: its servers, and what its ConfigMap and flags say for all of them. */
export interface NginxModel {
  readonly servers: NginxServers;
  readonly flags: { readonly passesThrough: boolean };
  /** Of redirects to TLS and to another name. */
  readonly redirectCode: number;
  readonly trustsForwarded: boolean;
  readonly hasRelativeRedirects: boolean;
  /** Headers with underscores are not dropped. */
  readonly keepsUnderscores: boolean;
  /** Headers of a ConfigMap that is not known are added to every answer, and to every request to a backend. */
  readonly addsHeaders: { readonly answers: boolean; readonly requests: boolean };
  readonly rejectsUnknown: boolean;
  /** The value of Strict-Transport-Security; absent: none. */
  readonly strictTransport: string | undefined;
  /** Locations whose path begins with one of these. */
  readonly exemptFromTls: readonly string[];
  readonly exemptFromAuth: readonly string[];
  readonly blockedClients: readonly Prefix[];
  readonly globalAuth: string | undefined;
  readonly replacedErrors: readonly number[];
  /** The Service of `--default-backend-service`; absent: 404. */
  readonly defaultUpstream: NginxUpstream | undefined;
  /** Keys of the ConfigMap that hold nginx's own configuration. */
  readonly snippetKeys: readonly string[];
}

const CHALLENGE = '/.well-known/acme-challenge';
const YEAR = 31_536_000;
const REDIRECTS = [301, 302, 307, 308];

export function compileModel(ingresses: IngressModel): NginxModel {
  const { flags, settings: config } = ingresses;
  const code = config.number('http-redirect-code');
  return {
    servers: compileServers(ingresses),
    flags: { passesThrough: flags['enable-ssl-passthrough'] === 'true' },
    redirectCode: code !== undefined && REDIRECTS.includes(code) ? code : 308,
    trustsForwarded: config.flag('use-forwarded-headers') ?? false,
    hasRelativeRedirects: config.flag('relative-redirects') ?? false,
    keepsUnderscores: config.flag('enable-underscores-in-headers') ?? false,
    addsHeaders: {
      answers: config.text('add-headers') !== undefined,
      requests: config.text('proxy-set-headers') !== undefined,
    },
    rejectsUnknown: config.flag('ssl-reject-handshake') ?? false,
    strictTransport: strictTransportOf(config),
    exemptFromTls: prefixesOf(config, 'no-tls-redirect-locations'),
    exemptFromAuth: prefixesOf(config, 'no-auth-locations'),
    blockedClients: readRanges(config.text('block-cidrs') ?? '') ?? [],
    globalAuth: config.text('global-auth-url'),
    replacedErrors: (config.list('custom-http-errors') ?? []).map(Number).filter(number => number >= 300),
    defaultUpstream: defaultUpstreamOf(flags['default-backend-service'], ingresses),
    snippetKeys: ['server-snippet', 'location-snippet'].filter(key => config.text(key) !== undefined),
  };
}

const prefixesOf = (config: Values, key: string): readonly string[] => config.list(key) ?? [CHALLENGE];

function strictTransportOf(config: Values): string | undefined {
  if (config.flag('hsts') === false) return undefined;
  const age = config.text('hsts-max-age') ?? String(YEAR);
  const parts = [`max-age=${age}`];
  if (config.flag('hsts-include-subdomains') ?? true) parts.push('includeSubDomains');
  if (config.flag('hsts-preload') ?? false) parts.push('preload');
  return parts.join('; ');
}

function defaultUpstreamOf(name: string | undefined, { services }: IngressModel): NginxUpstream | undefined {
  if (name === undefined || name === '') return undefined;
  const port = services?.get(name)?.spec.ports?.[0]?.port ?? 80;
  return { name: `${name}:${port}`, alternatives: [], canary: undefined, ingress: '', affinity: undefined };
}
