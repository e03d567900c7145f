import type { HTTPRoute, HTTPRouteRule } from '../../../../../kube/types/gateway-routes.ts';
import type { KubeObject } from '../../../../../kube/types/meta.ts';
import type { Ingress } from '../../../../../kube/types/networking.ts';
import { readIngresses } from '../../read.ts';
import { convertIngresses } from '../convert.ts';
import type { Conversion } from '../convert.ts';
import { targetOf } from '../target.ts';

/** Ingresses in few words, converted, and the rules in few words again: for tests. */
const PREFIX = 'nginx.ingress.kubernetes.io/';
export const FEATURES = [
  'BackendTLSPolicy',
  'GRPCRoute',
  'HTTPRoute308RedirectStatusCode',
  'HTTPRouteBackendTimeout',
  'HTTPRouteCORS',
  'HTTPRouteHostRewrite',
  'HTTPRoutePathRedirect',
  'HTTPRoutePathRewrite',
  'HTTPRouteRequestMirror',
  'HTTPRouteRequestTimeout',
  'HTTPRouteResponseHeaderModification',
  'HTTPRouteSchemeRedirect',
  'ListenerSet',
  'TLSRoute',
];

export interface Written {
  readonly name?: string;
  readonly namespace?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly host?: string;
  /** `Prefix /a web`; the type may be left away. */
  readonly paths?: readonly string[];
  readonly tls?: string;
  readonly age?: number;
}

export function ingress({
  age = 0,
  annotations = {},
  host = 'a.example',
  name = 'one',
  namespace = 'shop',
  paths = ['Prefix / web'],
  tls,
}: Written): Ingress {
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: {
      name,
      namespace,
      creationTimestamp: new Date(Date.UTC(2024, 0, 1) - age * 86_400_000).toISOString(),
      annotations: Object.fromEntries(
        Object.entries(annotations).map(([key, value]) => [PREFIX + key, value]),
      ),
    },
    spec: {
      ingressClassName: 'nginx',
      ...(tls === undefined ? {} : { tls: [{ hosts: [host], secretName: tls }] }),
      rules: [
        {
          ...(host === '' ? {} : { host }),
          http: {
            paths: paths.map(path => {
              const [pathType = '', value = '', service = ''] = path.split(' ');
              return {
                path: value,
                pathType: pathType as 'Prefix',
                backend: { service: { name: service, port: { number: 80 } } },
              };
            }),
          },
        },
      ],
    },
  };
}

export function convert(
  written: readonly Written[],
  {
    configMap = {},
    features = FEATURES,
    flags = [],
  }: {
    readonly configMap?: Readonly<Record<string, string>>;
    readonly features?: readonly string[];
    readonly flags?: readonly string[];
  } = {},
): Conversion {
  const model = readIngresses(
    {
      ingresses: written.map(ingress),
      ingressClasses: [],
      flags,
      configMap: {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: 'c', namespace: 'i' },
        data: configMap,
      },
    },
    { source: 'cluster' },
  );
  return convertIngresses(model, { target: targetOf('class', features) });
}

// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the kind says the type
export const objects = <T extends KubeObject>({ objects: all }: Conversion, kind: string): readonly T[] =>
  all.flatMap(({ object }) => (object.kind === kind ? [object as T] : []));

/** `host listener: Match → what`, for every rule of every HTTPRoute. */
export const rules = (conversion: Conversion): readonly string[] =>
  objects<HTTPRoute>(conversion, 'HTTPRoute').flatMap(({ spec }) =>
    (spec.rules ?? []).map(
      rule =>
        `${spec.hostnames?.join('+') ?? '*'} ${spec.parentRefs?.map(({ sectionName }) => sectionName?.split('-')[0]).join('+')}: ${words(rule)}`,
    ),
  );

function words({ backendRefs, filters = [], matches = [], timeouts }: HTTPRouteRule): string {
  const match = matches
    .map(({ headers = [], path }) =>
      [path?.type, path?.value, ...headers.map(({ name, value }) => `${name}=${value}`)].join(' '),
    )
    .join(' or ');
  const redirect = filters.find(({ requestRedirect }) => requestRedirect !== undefined)?.requestRedirect;
  const rewrite = filters.find(({ urlRewrite }) => urlRewrite !== undefined)?.urlRewrite;
  const parts = [
    redirect === undefined
      ? (backendRefs ?? [])
          .map(({ name, weight }) => `${name}${weight === undefined ? '' : `*${weight}`}`)
          .join(',') || '500'
      : [redirect.statusCode, redirect.scheme, redirect.hostname, redirect.path?.replaceFullPath]
          .filter(Boolean)
          .join(' '),
    rewrite?.hostname === undefined ? '' : `host ${rewrite.hostname}`,
    rewrite?.path?.replaceFullPath === undefined ? '' : `as ${rewrite.path.replaceFullPath}`,
    rewrite?.path?.replacePrefixMatch === undefined ? '' : `as ${rewrite.path.replacePrefixMatch}…`,
    timeouts === undefined ? '' : JSON.stringify(timeouts),
  ];
  return `${match} → ${parts.filter(Boolean).join(' ')}`;
}

export const verdict = ({ announcements }: Conversion, annotation: string): string =>
  announcements
    .filter(one => one.annotation === annotation)
    .map(one => [one.class, one.severity].filter(Boolean).join(' '))
    .join('; ');

export const plain = (...lines: readonly string[]): readonly string[] =>
  lines.map(line => `a.example http: ${line}`);
