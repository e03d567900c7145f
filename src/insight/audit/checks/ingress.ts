import { routesOf } from '../../route-backends.ts';
import { listsOf, nameOf, some } from '../check.ts';
import type { Check, Found } from '../check.ts';
import { routeKinds } from '../facts.ts';
import { gatewayDefinitions, gatewayGroup } from '../gateway-definitions.ts';

const nginxController = 'k8s.io/ingress-nginx';
const nginxImage = /(^|\/)ingress-nginx\/controller(-chroot)?([:@]|$)/;
/** Each of them puts text of an Ingress’s author into the configuration of a shared process. */
const snippets = ['configuration', 'server', 'stream', 'auth', 'modsecurity'].map(
  name => `nginx.ingress.kubernetes.io/${name}-snippet`,
);

/** Of the item `gateway`: what is still served by Ingress, and what stands in the way of moving it. */
export const ingressChecks: readonly Check[] = [
  {
    code: 'gateway-ingress-nginx',
    item: 'gateway',
    title: 'Ingress NGINX, which has ended, is in use',
    severity: 'high',
    why: 'Its repository is read-only since 24 March 2026: no release and no mending of security holes follows.',
    next: 'Plan the move to the Gateway API: list what its Ingresses use, then move host by host.',
    needs: ['ingressClasses', 'deployments', 'daemonSets'],
    run: facts => {
      const { daemonSets, deployments, ingressClasses, ingresses } = listsOf(facts);
      const classes = ingressClasses.filter(({ spec }) => spec?.controller === nginxController);
      const names = new Set(classes.map(({ metadata }) => metadata.name));
      const using = ingresses.filter(({ spec }) => names.has(spec.ingressClassName ?? '')).length;
      const running = [
        ...deployments.map(one => ({ ...one, kind: 'Deployment' })),
        ...daemonSets.map(one => ({ ...one, kind: 'DaemonSet' })),
      ].filter(({ spec }) => spec.template.spec.containers.some(({ image }) => nginxImage.test(image ?? '')));
      return {
        looked: ingressClasses.length + deployments.length + daemonSets.length,
        found: [
          ...running.map(({ kind, metadata, spec }) => ({
            object: { kind, metadata },
            evidence: `it runs ${some(spec.template.spec.containers.flatMap(({ image }) => image ?? []))}`,
          })),
          ...classes.map(({ metadata }) => ({
            object: { kind: 'IngressClass', metadata },
            field: 'spec.controller',
            evidence: `${using} Ingresses use a class of ${nginxController}`,
          })),
        ],
      };
    },
  },
  {
    code: 'gateway-not-adopted',
    item: 'gateway',
    title: 'Ingresses are in use, and the Gateway API is not installed',
    severity: 'medium',
    why: 'Ingress is frozen: what is new (weights, header matches, gRPC, policies across namespaces) comes to the Gateway API alone.',
    next: 'Install the standard channel of the Gateway API and a class that supports what the Ingresses use.',
    needs: ['ingresses', 'definitions'],
    run: facts => {
      const { ingresses } = listsOf(facts);
      if (facts.source === 'manifests') return { unchecked: 'manifests need not hold the definitions' };
      return {
        looked: ingresses.length,
        found:
          ingresses.length > 0 && gatewayDefinitions(facts).length === 0
            ? [{ evidence: `${ingresses.length} Ingresses, and no definition of ${gatewayGroup}` }]
            : [],
      };
    },
  },
  {
    code: 'gateway-host-served-twice',
    item: 'gateway',
    title: 'a host is served by an Ingress and by a route',
    severity: 'medium',
    why: 'Which of both answers depends on the address that a client’s name leads to; the one that is not meant rots unseen.',
    next: 'Finish the move of that host: point its name at one of them, then delete the other.',
    needs: ['ingresses', ...routeKinds],
    run: facts => {
      const lists = listsOf(facts);
      const { ingresses } = lists;
      const routes = new Map<string, string>();
      for (const { hostnames, kind, metadata } of routesOf(lists))
        for (const host of hostnames) routes.set(host.toLowerCase(), nameOf({ kind, metadata }));
      const hosts = ingresses.flatMap(({ metadata, spec }) =>
        (spec.rules ?? []).flatMap(({ host = '' }, index) =>
          host === '' ? [] : [{ host, index, metadata }],
        ),
      );
      return {
        looked: hosts.length,
        found: hosts.flatMap(({ host, index, metadata }): Found[] => {
          const route = routes.get(host.toLowerCase());
          return route === undefined
            ? []
            : [
                {
                  object: { kind: 'Ingress', metadata },
                  field: `spec.rules[${index}].host`,
                  evidence: `${host} is also a hostname of ${route}`,
                },
              ];
        }),
      };
    },
  },
  {
    code: 'gateway-snippets',
    item: 'gateway',
    title: 'an Ingress writes into the configuration of its controller',
    severity: 'high',
    why: 'Who may write such an Ingress can read every Secret that the controller can (CVE-2021-25742), and no other implementation understands the text.',
    next: 'Say what the snippet does by filters of a route (headers, redirects, rewrites), and switch snippets off.',
    needs: ['ingresses'],
    run: facts => {
      const { ingresses } = listsOf(facts);
      return {
        looked: ingresses.length,
        found: ingresses.flatMap(({ metadata }): Found[] => {
          const used = snippets.filter(name => metadata.annotations?.[name] !== undefined);
          return used.length === 0
            ? []
            : [
                {
                  object: { kind: 'Ingress', metadata },
                  field: 'metadata.annotations',
                  evidence: some(used),
                },
              ];
        }),
      };
    },
  },
  {
    code: 'gateway-ingress-without-class',
    item: 'gateway',
    title: 'an Ingress has no class',
    severity: 'medium',
    why: 'No controller takes it, or several do.',
    next: 'Set spec.ingressClassName.',
    needs: ['ingresses', 'ingressClasses'],
    run: facts => {
      const { ingressClasses, ingresses } = listsOf(facts);
      const names = new Set(ingressClasses.map(({ metadata }) => metadata.name));
      return {
        looked: ingresses.length,
        found: ingresses.flatMap(({ metadata, spec }): Found[] => {
          const object = { kind: 'Ingress', metadata };
          const field = 'spec.ingressClassName';
          const legacy = metadata.annotations?.['kubernetes.io/ingress.class'];
          const name = spec.ingressClassName;
          if (name === undefined)
            return legacy === undefined
              ? [
                  {
                    object,
                    field,
                    evidence: 'not set, and there is no annotation kubernetes.io/ingress.class',
                  },
                ]
              : [
                  {
                    object,
                    field,
                    evidence: `not set; the old annotation says "${legacy}"`,
                    severity: 'low',
                  },
                ];
          return facts.source === 'manifests' || names.has(name)
            ? []
            : [{ object, field, evidence: `there is no IngressClass "${name}"` }];
        }),
      };
    },
  },
  {
    code: 'gateway-plain-http',
    item: 'gateway',
    title: 'a host is served without TLS',
    severity: 'low',
    why: 'Everybody on the way reads and changes what is sent.',
    next: 'Add the host to spec.tls with a certificate.',
    needs: ['ingresses'],
    run: facts => {
      const hosts = listsOf(facts).ingresses.flatMap(({ metadata, spec }) =>
        (spec.rules ?? []).flatMap(({ host = '' }) =>
          host === '' ? [] : [{ host, metadata, tls: spec.tls ?? [] }],
        ),
      );
      return {
        looked: hosts.length,
        found: hosts
          .filter(
            ({ host, tls }) =>
              !tls.some(({ hosts: covered = [] }) => covered.some(name => covers(name, host))),
          )
          .map(({ host, metadata }) => ({
            object: { kind: 'Ingress', metadata },
            field: 'spec.tls',
            evidence: `no entry names ${host}`,
          })),
      };
    },
  },
];

/** A wildcard stands for one label (Ingress v1). */
const covers = (name: string, host: string): boolean =>
  name === host || (name.startsWith('*.') && host.slice(host.indexOf('.')) === name.slice(1));
