import { parseAddress } from '../../../../base/ip.ts';
import { isWithin } from './addresses.ts';
import { canaryShare } from './canary.ts';
import { answerCrossOrigin } from './cross-origin.ts';
import type { NginxModel } from './compile.ts';
import { findLocation } from './find-location.ts';
import { findServer, isCertified, serverNameOf } from './find-server.ts';
import type { BackendShare, Decision, Outcome, RuleSettings } from './outcome.ts';
import { readTarget } from './read-target.ts';
import type { ReadTarget } from './read-target.ts';
import type { ModelRequest } from './request.ts';
import { fill, rewriteTarget } from './rewrite.ts';
import type { NginxLocation, NginxServer, NginxServers, NginxUpstream } from './servers.ts';

/** What Ingress NGINX does with a request, in the order of nginx's phases. */
export function answer(model: NginxModel, request: ModelRequest): Outcome {
  return new Answer(model, request).give();
}

class Answer {
  readonly #model: NginxModel;
  readonly #request: ModelRequest;
  #object = '';
  #place = '';
  /** Whose host the name is near to, where nobody has it. */
  #near: string | undefined;
  readonly #subjects: string[] = [];
  #canary: string | undefined;

  constructor(model: NginxModel, request: ModelRequest) {
    this.#model = model;
    this.#request = request;
  }

  give(): Outcome {
    const { servers } = this.#model;
    const { host, scheme, serverName, target } = this.#request;
    if (scheme === 'https') {
      const stopped = this.#handshake(serverName);
      if (stopped !== undefined) return stopped;
    }
    const name = serverNameOf(host);
    const read = readTarget(target);
    if (name === undefined || read === undefined) return this.#respond(400, ['behaviour:bad-request']);
    const redirect = servers.redirects.get(name);
    if (redirect !== undefined && !servers.byName.has(name)) {
      this.#object = redirect.ingress;
      const port = scheme === 'https' ? 443 : 80;
      return this.#redirect(
        this.#model.redirectCode,
        `${scheme}://${redirect.to}:${port}${withoutSlash(target)}`,
        ['from-to-www-redirect'],
      );
    }
    const server = findServer(servers, name);
    this.#place = `server ${server.host}`;
    if (server === servers.fallback) {
      this.#near = wildcardAbove(servers, name);
      this.#subjects.push(this.#near === undefined ? 'behaviour:unknown-host' : 'behaviour:wildcard-labels');
    }
    if (server.passesThrough && this.#model.flags.passesThrough) this.#subjects.push('ssl-passthrough');
    return this.#atServer(server, name, read);
  }

  #handshake(serverName: string | undefined): Outcome | undefined {
    const { flags, rejectsUnknown, servers } = this.#model;
    const server = serverName === undefined ? servers.fallback : findServer(servers, serverName);
    if (server.passesThrough && flags.passesThrough) {
      const root = server.locations.find(({ written }) => written === '/');
      this.#place = `server ${server.host}`;
      this.#object = root?.settings.ingress ?? '';
      if (root?.upstream !== undefined)
        return {
          kind: 'passthrough',
          backends: [{ backend: root.upstream.name, share: 1 }],
          decided: this.#decision(['ssl-passthrough']),
        };
    }
    if (rejectsUnknown && server === servers.fallback)
      return {
        kind: 'refused',
        sentence: 'the TLS handshake is rejected: no host of this name',
        decided: this.#decision(['config:ssl-reject-handshake']),
      };
    if (server.clientCertificates !== undefined) {
      this.#object =
        server.locations.find(({ settings }) => settings.clientCertificates !== undefined)?.settings
          .ingress ?? '';
      return this.#undetermined('it depends on the client certificate', ['auth-tls-secret']);
    }
    return undefined;
  }

  #atServer(server: NginxServer, name: string, read: ReadTarget): Outcome {
    const { host, scheme } = this.#request;
    const [snippet] = server.snippets;
    if (snippet !== undefined) {
      this.#object = snippet.ingress;
      return this.#undetermined(`the host has a ${snippet.name}`, [snippet.name]);
    }
    const [keyed] = this.#model.snippetKeys;
    if (keyed !== undefined)
      return this.#undetermined(`the controller's ${keyed} may do anything`, [`config:${keyed}`]);
    if (read.uri === '/' && server.appRoot !== undefined) {
      this.#object = server.appRoot.ingress;
      return this.#redirect(302, `${scheme}://${host}${server.appRoot.path}`, ['app-root']);
    }
    if (server.conflict !== undefined)
      return this.#undetermined(
        `two locations ${server.conflict}: nginx keeps the configuration that it had before`,
        [],
      );
    const found = findLocation(server, read.uri);
    if (server === this.#model.servers.fallback && server.spread === undefined) {
      const own = ownPage(read.uri, found.is === 'location' ? found.location.path : '');
      if (own !== undefined) return this.#respond(own, ['behaviour:health-page']);
    }
    if (found.is === 'none') return this.#respond(404, ['behaviour:unknown-path']);
    const { location } = found;
    this.#object = location.settings.ingress;
    this.#place = placeOf(server, location);
    if (server.spread !== undefined) this.#spread(server, location, read.uri);
    else if (/[()[\]|*+?^$\\]/.test(location.written)) this.#subjects.push('behaviour:literal-pattern');
    if (found.is === 'undetermined') return this.#undetermined(found.reason, []);
    const { settings } = location;
    if (settings.bodyLimit > 0 && this.#request.bodyLength > settings.bodyLimit)
      return this.#error(location, 413, [settings.subjectOf('proxy-body-size')]);
    if (found.is === 'slash') return this.#addSlash(location, read, name);
    return this.#atLocation(location, read, name);
  }

  /** Its own annotation comes first: another Ingress of the host may have made a pattern of it. */
  #spread({ spread }: NginxServer, { settings, strictPattern }: NginxLocation, uri: string): void {
    // Where nothing has capital letters, case decides nothing.
    const hasCase = CAPITAL.test(uri) || CAPITAL.test(strictPattern?.source ?? '');
    if (hasCase && strictPattern?.isJudged === true && strictPattern.search(uri) === undefined)
      this.#subjects.push('behaviour:case-folding');
    if (settings.usesRegex) this.#subjects.push('use-regex');
    if (settings.rewriteTarget !== '') this.#subjects.push('rewrite-target');
    if (!settings.usesRegex && settings.rewriteTarget === '' && spread !== undefined)
      this.#subjects.push('behaviour:regex-spread');
  }

  #addSlash({ path, settings }: NginxLocation, { args }: ReadTarget, name: string): Outcome {
    const target = `${path}${args === '' ? '' : `?${args}`}`;
    const isRelative = settings.hasRelativeRedirects || this.#model.hasRelativeRedirects;
    const start = isRelative ? '' : `${this.#request.scheme}://${name}`;
    return this.#redirect(301, `${start}${escapeSpaces(target)}`, ['behaviour:add-slash']);
  }

  #atLocation(location: NginxLocation, read: ReadTarget, name: string): Outcome {
    const { settings } = location;
    const [snippet] = settings.snippets;
    if (snippet !== undefined) return this.#undetermined(`the location has a ${snippet}`, [snippet]);
    if (settings.denied !== undefined) return this.#error(location, 503, [settings.denied.subject]);
    const isCrossOrigin = this.#request.method === 'OPTIONS' || this.#request.headers['origin'] !== undefined;
    if (settings.crossOrigin !== undefined && isCrossOrigin) this.#subjects.push('enable-cors');
    const crossOrigin = settings.crossOrigin && answerCrossOrigin(settings.crossOrigin, this.#request);
    if (crossOrigin?.isPreflight === true) return this.#respond(204, ['enable-cors'], crossOrigin.headers);
    const isOpen = settings.addsHeaders || this.#model.addsHeaders.answers;
    const headers = {
      ...this.#securityHeaders(name),
      ...crossOrigin?.headers,
      ...(isOpen ? UNKNOWN_FIELDS : {}),
    };
    if (settings.redirect !== undefined) return this.#fixedRedirect(location, read, name);
    const rewritten = rewriteTarget(location, read, this.#request.target, this.#variables(read, name));
    if (rewritten.is === 'undetermined') return this.#undetermined(rewritten.reason, ['rewrite-target']);
    if (rewritten.is === 'error') return this.#error(location, 500, ['rewrite-target']);
    if (rewritten.is === 'redirect') return this.#redirect(302, rewritten.location, ['rewrite-target']);
    const guarded = this.#toTls(location, name) ?? this.#guard(location);
    return guarded ?? this.#forward(location, rewritten.target, headers);
  }

  #fixedRedirect({ settings }: NginxLocation, read: ReadTarget, name: string): Outcome {
    const { code, subject, url } = settings.redirect as NonNullable<typeof settings.redirect>; // its caller looked
    const filled = fill(url, read.uri, [], this.#variables(read, name));
    if (filled === undefined)
      return this.#undetermined(`${subject} has a variable that is not known here`, [subject]);
    return this.#redirect(code, filled, [subject]);
  }

  #toTls({ path, settings }: NginxLocation, name: string): Outcome | undefined {
    const { exemptFromTls, redirectCode, servers, trustsForwarded } = this.#model;
    const { headers, host, scheme, target } = this.#request;
    const seen = trustsForwarded ? (headers['x-forwarded-proto'] ?? scheme) : scheme;
    if (seen !== 'http' || exemptFromTls.some(prefix => path.startsWith(prefix))) return undefined;
    const isWanted = settings.forcesTls || (settings.redirectsToTls && isCertified(servers, name));
    if (!isWanted) return undefined;
    const written = trustsForwarded ? (headers['x-forwarded-host'] ?? host) : host;
    const [bare = ''] = (written.split(',')[0] ?? '').split(':');
    const uri = settings.keepsTrailingSlash ? target : withoutSlash(target);
    const port = settings.usesPort ? ':443' : '';
    return this.#redirect(redirectCode, `https://${bare}${port}${uri}`, [
      settings.subjectOf(settings.forcesTls ? 'force-ssl-redirect' : 'ssl-redirect'),
      'behaviour:ssl-redirect-slash',
    ]);
  }

  /** Addresses, then passwords; a service that is asked is a guard of the rule. */
  #guard(location: NginxLocation): Outcome | undefined {
    const { settings } = location;
    const refusal = this.#refusedAddress(location);
    if (settings.allowed !== undefined)
      this.#subjects.push(settings.subjectOf('allowlist-source-range', 'whitelist-source-range'));
    if (settings.refusedClients.length > 0) this.#subjects.push(settings.subjectOf('denylist-source-range'));
    if (settings.passwords !== undefined) this.#subjects.push('auth-type');
    const isOpen = isExemptFromAuth(this.#model, location);
    if (refusal !== undefined && !settings.satisfiesAny) return this.#error(location, 403, [refusal]);
    if (settings.passwords === undefined || isOpen)
      return refusal === undefined || settings.externalAuth !== undefined
        ? undefined
        : this.#error(location, 403, [refusal]);
    if (settings.satisfiesAny && refusal === undefined && settings.allowed !== undefined) return undefined;
    if (this.#request.headers['authorization'] !== undefined)
      return this.#undetermined('it depends on the passwords of a Secret', ['auth-type']);
    return this.#error(location, 401, ['auth-type']);
  }

  /** The subject that keeps this client out. */
  #refusedAddress({ settings }: NginxLocation): string | undefined {
    if (this.#model.trustsForwarded && this.#request.headers['x-forwarded-for'] !== undefined)
      return undefined;
    const { blockedClients } = this.#model;
    if (settings.allowed === undefined && settings.refusedClients.length + blockedClients.length === 0)
      return undefined;
    const client = parseAddress(this.#request.client);
    if (isWithin(settings.refusedClients, client))
      return settings.subjectOf('denylist-source-range', 'denylist-source-range');
    if (settings.allowed !== undefined && !isWithin(settings.allowed, client))
      return settings.subjectOf('allowlist-source-range', 'whitelist-source-range');
    const isBlocked = settings.allowed === undefined && settings.refusedClients.length === 0;
    return isBlocked && isWithin(blockedClients, client) ? 'config:block-cidrs' : undefined;
  }

  #forward(
    location: NginxLocation,
    target: string,
    responseHeaders: Readonly<Record<string, string>>,
  ): Outcome {
    const { rewrite, settings, upstream = this.#model.defaultUpstream } = location;
    if (upstream === undefined) {
      const isNamed = this.#subjects.some(subject => NAMES.has(subject));
      return this.#error(location, 404, isNamed ? [] : ['behaviour:unknown-path']);
    }
    const backends = this.#backendsOf(upstream);
    if (backends === undefined)
      return this.#undetermined('canary-by-header-pattern is not judged', ['canary-by-header-pattern']);
    const requestHeaders: Record<string, string> = this.#model.addsHeaders.requests
      ? { ...UNKNOWN_FIELDS }
      : {};
    if (settings.forwardedPrefix !== undefined && rewrite !== undefined)
      requestHeaders['x-forwarded-prefix'] = settings.forwardedPrefix;
    if (settings.connectionHeader !== undefined) requestHeaders['connection'] = settings.connectionHeader;
    return {
      kind: 'backend',
      backends,
      target,
      host: settings.upstreamHost ?? this.#request.host,
      protocol: settings.protocol,
      requestHeaders,
      responseHeaders,
      rule: this.#ruleOf(location, upstream),
      decided: this.#decision([]),
    };
  }

  /** The canary's share counts unless a session is bound already. */
  #backendsOf(upstream: NginxUpstream): readonly BackendShare[] | undefined {
    const [alternative] = upstream.alternatives;
    if (alternative?.canary === undefined) return [{ backend: upstream.name, share: 1 }];
    const taken = canaryShare(alternative.canary, this.#request, this.#model.keepsUnderscores);
    if (taken === undefined) return undefined;
    this.#subjects.unshift(taken.subject);
    this.#canary = alternative.ingress;
    return [
      { backend: upstream.name, share: 1 - taken.share },
      { backend: alternative.name, share: taken.share },
    ]
      .filter(({ share }) => share > 0)
      .toSorted((a, b) => (a.backend < b.backend ? -1 : 1));
  }

  #ruleOf(location: NginxLocation, upstream: NginxUpstream): RuleSettings {
    const { settings } = location;
    const own = settings.externalAuth?.url;
    const url = own ?? (settings.skipsGlobalAuth ? undefined : this.#model.globalAuth);
    const isOpen = url === undefined || isExemptFromAuth(this.#model, location);
    const errors = this.#replacedErrors(location);
    return {
      ...settings.rule,
      ...(isOpen
        ? {}
        : {
            access: {
              subject: own === undefined ? 'config:global-auth-url' : 'auth-url',
              says: 'external auth',
            },
          }),
      ...(upstream.affinity === undefined
        ? {}
        : {
            affinity: { subject: 'affinity', says: upstream.affinity.says, owner: upstream.affinity.ingress },
          }),
      ...(errors.length === 0
        ? {}
        : { errors: { subject: settings.subjectOf('custom-http-errors'), says: errors.join(', ') } }),
    };
  }

  #replacedErrors({ settings }: NginxLocation): readonly number[] {
    return settings.replacedErrors.length > 0 ? settings.replacedErrors : this.#model.replacedErrors;
  }

  #securityHeaders(name: string): Readonly<Record<string, string>> {
    const { servers, strictTransport } = this.#model;
    if (strictTransport === undefined || this.#request.scheme !== 'https' || !isCertified(servers, name))
      return {};
    return { 'strict-transport-security': strictTransport };
  }

  #variables({ args, uri }: ReadTarget, name: string): Readonly<Record<string, string>> {
    const { host, method, scheme, target } = this.#request;
    return {
      args,
      host: name,
      http_host: host,
      is_args: args === '' ? '' : '?',
      query_string: args,
      request_method: method,
      request_uri: target,
      scheme,
      uri,
      document_uri: uri,
    };
  }

  /** An answer of nginx's own, unless another Service gives it. */
  #error(location: NginxLocation, status: number, subjects: readonly string[]): Outcome {
    if (!this.#replacedErrors(location).includes(status)) return this.#respond(status, subjects);
    return this.#undetermined(`a Service answers instead of ${status}`, [...subjects, 'custom-http-errors']);
  }

  #respond(
    status: number,
    subjects: readonly string[],
    responseHeaders: Readonly<Record<string, string>> = {},
  ): Outcome {
    return { kind: 'response', status, responseHeaders, decided: this.#decision(subjects) };
  }

  #redirect(status: number, location: string, subjects: readonly string[]): Outcome {
    return { kind: 'response', status, location, responseHeaders: {}, decided: this.#decision(subjects) };
  }

  #undetermined(reason: string, subjects: readonly string[]): Outcome {
    return { kind: 'undetermined', reason, decided: this.#decision(subjects) };
  }

  #decision(first: readonly string[]): Decision {
    return {
      object: this.#object === '' ? (this.#near ?? '') : this.#object,
      place: this.#place,
      subjects: [...new Set([...first, ...this.#subjects])],
      ...(this.#canary === undefined ? {} : { canary: this.#canary }),
    };
  }
}

/** Who has an unknown name, has an unknown path as well. */
const NAMES: ReadonlySet<string> = new Set(['behaviour:unknown-host', 'behaviour:wildcard-labels']);

const CAPITAL = /[A-Z]/;

/** Beside what is told there may be others. */
const UNKNOWN_FIELDS = { '*': '' };

const withoutSlash = (target: string): string => (target.endsWith('/') ? target.slice(0, -1) : target);

const escapeSpaces = (text: string): string => text.replaceAll(' ', '%20');

/** The Ingress of a wildcard that a name is below of: to nginx it is one label, to a route one or more. */
function wildcardAbove({ wildcards }: NginxServers, name: string): string | undefined {
  for (let dot = name.indexOf('.'); dot !== -1; dot = name.indexOf('.', dot + 1)) {
    const ingress = wildcards.get(name.slice(dot));
    if (ingress !== undefined) return ingress;
  }
  return undefined;
}

/** The fallback server has pages of its own; a longer path that an Ingress names comes before them. */
function ownPage(uri: string, found: string): number | undefined {
  if (uri.startsWith('/healthz') && found.length < '/healthz'.length) return 200;
  return uri.startsWith('/nginx_status') && found.length < '/nginx_status'.length ? 403 : undefined;
}

function placeOf({ host, spread }: NginxServer, { isExact, path }: NginxLocation): string {
  if (spread !== undefined) return `server ${host}, location ~* ^${path}`;
  return `server ${host}, location ${isExact ? '= ' : ''}${path}`;
}

const isExemptFromAuth = ({ exemptFromAuth }: NginxModel, { path }: NginxLocation): boolean =>
  exemptFromAuth.some(prefix => path.startsWith(prefix));
