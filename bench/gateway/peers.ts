import type { ChildProcess } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { spawnIn } from '../../src/kernel/ns/index.ts';
import type { Unpacked } from '../harness/debian.ts';
import { backendPort, callHost, callPort, peerPorts, type PeerName } from './objects.ts';

export interface PeerPlace {
  /** The pod's network namespace. */
  readonly namespace: string;
  readonly directory: string;
  /** Address and port of the backend's pod. */
  readonly upstream: string;
  /** PEM, the certificate and the key in one file. */
  readonly certificate: string;
  readonly unpacked: Unpacked;
}

/**
 * The same work as the Gateway's: one thread, keep-alive on both sides, X-Forwarded-For, and a line in an access log for each
 * request.
 */
export function startPeer(name: PeerName, place: PeerPlace): ChildProcess {
  mkdirSync(place.directory, { recursive: true });
  switch (name) {
    case 'haproxy':
      return start(place, 'usr/sbin/haproxy', [
        '-db',
        '-f',
        file(place, 'haproxy.cfg', haproxyConfiguration(place)),
      ]);
    case 'nginx':
      return start(place, 'usr/sbin/nginx', nginxWords(place, nginxProxy(place)));
    case 'plain':
      return spawnIn(
        place.namespace,
        process.execPath,
        [join(import.meta.dirname, 'plain-proxy.ts'), place.upstream, String(peerPorts.http)],
        { stdio: ['ignore', 'ignore', 'inherit'] },
      );
  }
}

/** Answers everything at once from memory, and /1m with a megabyte. */
export function startBackend(place: PeerPlace): ChildProcess {
  mkdirSync(place.directory, { recursive: true, mode: 0o755 });
  file(place, '1m', 'x'.repeat(1 << 20));
  const server = `server {
    listen ${backendPort}; listen [::]:${backendPort};
    listen ${callPort} http2; listen [::]:${callPort} http2;
    location = /1m { root ${place.directory}; }
    location / { default_type text/plain; return 200 "${'x'.repeat(64)}"; }
  }`;
  return start(place, 'usr/sbin/nginx', nginxWords(place, server, 'off'));
}

function start(place: PeerPlace, program: string, words: readonly string[]): ChildProcess {
  const { root, environment } = place.unpacked;
  return spawnIn(place.namespace, join(root, program), words, {
    env: environment,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

function file(place: PeerPlace, name: string, text: string): string {
  const path = join(place.directory, name);
  writeFileSync(path, text, { mode: 0o644 });
  return path;
}

const haproxyConfiguration = ({ upstream, certificate }: PeerPlace): string => `global
  nbthread 1
  maxconn 8000
  log stdout format raw local0
defaults
  mode http
  log global
  option httplog
  option forwardfor
  http-reuse always
  timeout connect 5s
  timeout client 60s
  timeout server 60s
frontend in
  bind :::${peerPorts.http} v4v6
  bind :::${peerPorts.https} v4v6 ssl crt ${certificate} alpn h2,http/1.1
  use_backend calls if { hdr(host) -i ${callHost} }
  default_backend out
backend out
  server one ${upstream}
backend calls
  server one ${upstream.replace(/\d+$/, String(callPort))} proto h2
`;

const nginxProxy = ({ upstream, certificate }: PeerPlace): string => `upstream out {
    server ${upstream}; keepalive 1024; keepalive_requests 100000000;
  }
  server {
    listen ${peerPorts.http}; listen [::]:${peerPorts.http};
    listen ${peerPorts.https} ssl http2; listen [::]:${peerPorts.https} ssl http2;
    ssl_certificate ${certificate}; ssl_certificate_key ${certificate};
    location / {
      proxy_pass http://out; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_set_header Host $host; proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    }
  }`;

function nginxWords(
  place: PeerPlace,
  server: string,
  log = `${place.directory}/access.log combined buffer=64k`,
): readonly string[] {
  const { directory } = place;
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    kind => `${kind}_temp_path ${directory}/${kind};`,
  );
  const configuration = `daemon off; master_process off; user root; pid ${directory}/pid; error_log stderr crit;
events { worker_connections 4096; }
http {
  access_log ${log}; keepalive_requests 100000000; sendfile on; tcp_nodelay on;
  ${temporary.join(' ')}
  ${server}
}
`;
  return ['-e', 'stderr', '-p', directory, '-c', file(place, 'nginx.conf', configuration)];
}
