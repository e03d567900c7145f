import type { Effect, Severity } from '../announcement.ts';

/** Flags of the controller that requests can tell; all others are of its process. */
export const FLAGS: ReadonlyMap<
  string,
  {
    readonly does: string;
    readonly loss?: { readonly severity: Severity; readonly effects: readonly Effect[] };
  }
> = new Map([
  ['default-ssl-certificate', { does: 'It becomes the certificate of a listener for every host.' }],
  ['default-backend-service', { does: 'It becomes the backend of what no rule matches.' }],
  ['enable-ssl-passthrough', { does: 'It lets ssl-passthrough be in force.' }],
  ['annotations-prefix', { does: 'Annotations are read by it.' }],
  ['controller-class', { does: 'Ingresses are chosen by it.' }],
  ['ingress-class', { does: 'Ingresses are chosen by it.' }],
  ['ingress-class-by-name', { does: 'Ingresses are chosen by it.' }],
  ['watch-ingress-without-class', { does: 'Ingresses are chosen by it.' }],
  ['watch-namespace', { does: 'Ingresses are chosen by it.' }],
  ['configmap', { does: 'The settings are read from there.' }],
  [
    'tcp-services-configmap',
    {
      does: 'It leads TCP ports to Services: each needs a listener of the protocol TCP and a TCPRoute, by hand.',
      loss: { severity: 'outage', effects: ['status'] },
    },
  ],
  [
    'udp-services-configmap',
    {
      does: 'It leads UDP ports to Services: each needs a listener of the protocol UDP and a UDPRoute, by hand.',
      loss: { severity: 'outage', effects: ['status'] },
    },
  ],
  [
    'watch-namespace-selector',
    {
      does: 'It chooses Ingresses by labels of their namespace; here all of the class are read.',
      loss: { severity: 'subtle', effects: ['status'] },
    },
  ],
  [
    'disable-catch-all',
    {
      does: 'It refuses Ingresses without a host; here they are converted, where there are any.',
      loss: { severity: 'subtle', effects: ['status', 'backend'] },
    },
  ],
  [
    'disable-svc-external-name',
    {
      does: 'It refuses Services of type ExternalName; most classes do as well.',
      loss: { severity: 'cosmetic', effects: [] },
    },
  ],
  [
    'enable-ssl-chain-completion',
    {
      does: 'It completes chains of certificates; a Gateway serves what the Secret has.',
      loss: { severity: 'outage', effects: ['tls'] },
    },
  ],
  [
    'http-port',
    {
      does: 'It is a port of the container; the Gateway’s listeners have 80 and 443, as the Service before it.',
    },
  ],
  [
    'https-port',
    {
      does: 'It is a port of the container; the Gateway’s listeners have 80 and 443, as the Service before it.',
    },
  ],
]);
