import type { IngressModel, IngressReading } from '../read.ts';
import { listOf } from '../values.ts';
import type { Location, Server } from '../servers.ts';

/** The ConfigMap's keys that are read for every host, with the controller's defaults. */
export interface RedirectSettings {
  readonly sslRedirect: boolean;
  readonly forceSslRedirect: boolean;
  readonly code: number;
  readonly exempt: readonly string[];
  readonly preserveSlash: boolean;
  /** `Strict-Transport-Security`; undefined: it is off. */
  readonly strictTransport: string | undefined;
}

export function redirectSettings({ settings }: IngressModel): RedirectSettings {
  const seconds = settings.text('hsts-max-age') ?? '31536000';
  const flags = [
    ...((settings.flag('hsts-include-subdomains') ?? true) ? ['includeSubDomains'] : []),
    ...(settings.flag('hsts-preload') === true ? ['preload'] : []),
  ];
  return {
    sslRedirect: settings.flag('ssl-redirect') ?? true,
    forceSslRedirect: settings.flag('force-ssl-redirect') ?? false,
    code: settings.number('http-redirect-code') ?? 308,
    exempt: listOf(settings.raw('no-tls-redirect-locations') ?? '/.well-known/acme-challenge'),
    preserveSlash: settings.flag('preserve-trailing-slash') ?? false,
    strictTransport:
      (settings.flag('hsts') ?? true) ? [`max-age=${seconds}`, ...flags].join('; ') : undefined,
  };
}

/** Whether plain HTTP on a location is redirected to HTTPS. */
export function redirectsToTls(location: Location, server: Server, settings: RedirectSettings): boolean {
  if (location.ingress === undefined) return false;
  if (settings.exempt.some(prefix => location.path.startsWith(prefix))) return false;
  return (
    isForced(location.ingress, settings) || (server.tls !== undefined && wantsTls(location.ingress, settings))
  );
}

const isForced = ({ annotations }: IngressReading, settings: RedirectSettings): boolean =>
  annotations.flag('force-ssl-redirect') ?? settings.forceSslRedirect;

const wantsTls = ({ annotations }: IngressReading, settings: RedirectSettings): boolean =>
  annotations.flag('ssl-redirect') ?? settings.sslRedirect;
