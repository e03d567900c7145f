import type {
  NginxLocation,
  NginxServer,
  NginxServers,
} from '../../src/insight/migrate/ingress/model/index.ts';
import { formatPrefix } from '../../src/base/ip.ts';

/** nginx's configuration for the servers of a model, in the shape that the controller gives it; without what needs Lua. */
export function writeConfiguration(servers: NginxServers, directory: string): string {
  const names = new Map<NginxServer, string[]>([[servers.fallback, ['_']]]);
  const add = (server: NginxServer, name: string) => {
    if (server !== servers.fallback) names.set(server, [...(names.get(server) ?? []), name]);
  };
  for (const [name, server] of servers.byName) add(server, name);
  for (const { ending, server } of servers.byEnding) add(server, `*${ending}`);
  for (const { pattern, server } of servers.byPattern) add(server, `~${pattern.source}`);
  return `daemon off; master_process off; error_log ${directory}/error.log warn; pid ${directory}/pid;
events { worker_connections 128; }
http {
  access_log off;
  ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(kind => `${kind}_temp_path ${directory}/${kind};`).join(' ')}
  set_real_ip_from unix:; real_ip_header X-Test-Client;
  server_name_in_redirect off; port_in_redirect off; server_names_hash_bucket_size 128;
  upstream pods { server unix:${directory}/pods.sock; }
  ${[...names].map(([server, own]) => writeServer(server, own, directory)).join('\n  ')}
}
`;
}

function writeServer(server: NginxServer, names: readonly string[], directory: string): string {
  const isFallback = names[0] === '_';
  return `server {
    server_name ${names.map(quoted).join(' ')};
    listen unix:${directory}/nginx.sock${isFallback ? ' default_server' : ''};
    ${server.appRoot === undefined ? '' : `if ($uri = /) { return 302 $scheme://$http_host${server.appRoot.path}; }`}
    ${server.locations.map(writeLocation).join('\n    ')}
  }`;
}

function writeLocation(location: NginxLocation): string {
  const { isExact, path, pattern, rewrite, settings, upstream } = location;
  const place = pattern === undefined ? `${isExact ? '= ' : ''}${quoted(path)}` : `~* ${quoted(`^${path}`)}`;
  if (settings.denied !== undefined) return `location ${place} { return 503; }`;
  const lines = [
    `set $proxy_upstream_name ${quoted(upstream?.name ?? 'default')};`,
    ...settings.refusedClients.map(prefix => `deny ${formatPrefix(prefix)};`),
    ...(settings.allowed ?? []).map(prefix => `allow ${formatPrefix(prefix)};`),
    ...(settings.allowed === undefined ? [] : ['deny all;']),
    ...crossOrigin(location),
    `client_max_body_size ${settings.bodyLimit};`,
    `proxy_set_header Host ${settings.upstreamHost === undefined ? '$http_host' : quoted(settings.upstreamHost)};`,
    'proxy_set_header X-Upstream $proxy_upstream_name;',
    'proxy_http_version 1.1;',
    ...(settings.hasRelativeRedirects ? ['absolute_redirect off;'] : []),
    ...(settings.redirect === undefined
      ? []
      : [`return ${settings.redirect.code} ${settings.redirect.url};`]),
    ...(rewrite === undefined ? [] : [`rewrite ${quoted(`(?i)${path}`)} ${rewrite.target} break;`]),
    ...(rewrite === undefined || settings.forwardedPrefix === undefined
      ? []
      : [`proxy_set_header X-Forwarded-Prefix ${quoted(settings.forwardedPrefix)};`]),
    'proxy_pass http://pods;',
  ];
  return `location ${place} {\n      ${lines.join('\n      ')}\n    }`;
}

function crossOrigin({ settings }: NginxLocation): readonly string[] {
  if (settings.crossOrigin === undefined) return [];
  const { headers, origins } = settings.crossOrigin;
  const choose =
    origins === '*'
      ? [`set $http_origin *;`, `set $cors 'true';`]
      : [
          `if ($http_origin ~* (${origins.map(({ text }) => `(${text.replaceAll('.', String.raw`\.`).replace('*', String.raw`[A-Za-z0-9\-]+`)})`).join('|')})$ ) { set $cors 'true'; }`,
        ];
  const added = ['add_header Access-Control-Allow-Origin $http_origin always;'].concat(
    Object.entries(headers).map(([name, value]) => `add_header ${name} ${quoted(value)} always;`),
  );
  return [
    ...choose,
    `if ($request_method = 'OPTIONS') { set $cors \${cors}options; }`,
    `if ($cors = "true") { ${added.join(' ')} }`,
    `if ($cors = "trueoptions") { ${added.join(' ')} return 204; }`,
  ];
}

const quoted = (text: string): string => `"${text.replaceAll(/[\\"]/g, String.raw`\$&`)}"`;
