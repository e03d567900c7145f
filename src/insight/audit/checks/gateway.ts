import type { Condition } from '../../../kube/types/meta.ts';
import { listsOf, nameOf, some } from '../check.ts';
import type { Check, Found } from '../check.ts';
import type { AuditFacts } from '../facts.ts';
import { backendsOf } from '../route-backends.ts';

/** The Gateway API's limit of `spec.listeners`, and from where on a move should be planned. */
const mostListeners = 64;
const manyListeners = 56;
const day = 24 * 3600 * 1000;
const gatewayGroup = 'gateway.networking.k8s.io';
const bundleVersion = `${gatewayGroup}/bundle-version`;
const channel = `${gatewayGroup}/channel`;
const nginxController = 'k8s.io/ingress-nginx';
const nginxImage = /(^|\/)ingress-nginx\/controller(-chroot)?([:@]|$)/;
/** Each of them puts text of an Ingress’s author into the configuration of a shared process. */
const snippets = ['configuration', 'server', 'stream', 'auth', 'modsecurity'].map(
  name => `nginx.ingress.kubernetes.io/${name}-snippet`,
);

const statusOf = (conditions: readonly Condition[] | undefined, type: string) =>
  conditions?.find(condition => condition.type === type);

const gatewayDefinitions = (facts: AuditFacts) =>
  listsOf(facts).definitions.filter(({ metadata }) => metadata.name.endsWith(`.${gatewayGroup}`));

export const gatewayChecks: readonly Check[] = [
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
    code: 'gateway-definitions-mixed',
    item: 'gateway',
    title: 'definitions of the Gateway API are of several releases',
    severity: 'high',
    why: 'Controllers read fields that some of the definitions drop without a word.',
    next: 'Apply one release’s manifest whole, of one channel.',
    needs: ['definitions'],
    run: facts => {
      const definitions = gatewayDefinitions(facts);
      const wordOf = ({ metadata }: (typeof definitions)[number]) =>
        `${metadata.annotations?.[bundleVersion] ?? 'no version'} (${metadata.annotations?.[channel] ?? 'no channel'})`;
      // Definitions of the experimental group have another channel by design, in another API group.
      const words = [...new Set(definitions.map(wordOf))];
      return {
        looked: definitions.length,
        found: words.length > 1 ? [{ evidence: some(words.toSorted()) }] : [],
      };
    },
  },
  {
    code: 'gateway-class',
    item: 'gateway',
    title: 'a class is missing or no controller has accepted it',
    severity: 'high',
    why: 'Its Gateways are not served by anybody.',
    next: 'Compare spec.gatewayClassName with kubectl get gatewayclass; for a class, look at its Accepted condition and at the controller.',
    needs: ['gatewayClasses', 'gateways'],
    run: facts => {
      const { gatewayClasses, gateways } = listsOf(facts);
      const names = new Set(gatewayClasses.map(({ metadata }) => metadata.name));
      const used = new Set(gateways.map(({ spec }) => spec.gatewayClassName));
      const refused = gatewayClasses.flatMap(({ metadata, status }): Found[] => {
        const accepted = statusOf(status?.conditions, 'Accepted');
        if (facts.source === 'manifests' || accepted?.status === 'True') return [];
        return [
          {
            object: { kind: 'GatewayClass', metadata },
            evidence: `Accepted is ${accepted?.status ?? 'not there'}${accepted === undefined ? '' : `: ${accepted.message}`}`,
            ...(used.has(metadata.name) ? {} : { severity: 'low' as const }),
          },
        ];
      });
      const missing = gateways
        .filter(({ spec }) => facts.source === 'cluster' && !names.has(spec.gatewayClassName))
        .map(({ metadata, spec }) => ({
          object: { kind: 'Gateway', metadata },
          field: 'spec.gatewayClassName',
          evidence: `there is no GatewayClass "${spec.gatewayClassName}"`,
        }));
      return { looked: gatewayClasses.length + gateways.length, found: [...refused, ...missing] };
    },
  },
  {
    code: 'gateway-not-programmed',
    item: 'gateway',
    title: 'a Gateway or a listener is not in force',
    severity: 'high',
    why: 'What it should serve is not served, or by its last good state alone.',
    next: 'The condition’s message says the field; kubectl describe gateway NAME.',
    needs: ['gateways'],
    run: facts => {
      if (facts.source === 'manifests') return { unchecked: 'manifests hold no status' };
      const { gateways } = listsOf(facts);
      return {
        looked: gateways.length,
        found: gateways.flatMap(({ metadata, status }): Found[] => {
          const object = { kind: 'Gateway', metadata };
          const whole = statusOf(status?.conditions, 'Programmed');
          if (whole?.status !== 'True')
            return [
              { object, evidence: `Programmed is ${whole?.status ?? 'not there'}: ${whole?.message ?? ''}` },
            ];
          return (status?.listeners ?? []).flatMap(({ conditions, name }) =>
            ['Programmed', 'ResolvedRefs', 'Accepted'].flatMap(type => {
              const one = statusOf(conditions, type);
              return one?.status === 'False'
                ? [{ object, field: `listener ${name}`, evidence: `${type} is False: ${one.message}` }]
                : [];
            }),
          );
        }),
      };
    },
  },
  {
    code: 'gateway-route-refused',
    item: 'gateway',
    title: 'a route is not accepted by its Gateway',
    severity: 'high',
    why: 'Its hosts and paths are answered by another route, or by 404.',
    next: 'Look at status.parents of the route: the reason names what the listener does not allow.',
    needs: ['httpRoutes'],
    run: facts => {
      if (facts.source === 'manifests') return { unchecked: 'manifests hold no status' };
      const { httpRoutes } = listsOf(facts);
      return {
        looked: httpRoutes.length,
        found: httpRoutes.flatMap(({ metadata, status }): Found[] => {
          const object = { kind: 'HTTPRoute', metadata };
          const parents = status?.parents ?? [];
          if (parents.length === 0)
            return [{ object, field: 'status.parents', evidence: 'no controller has taken it' }];
          return parents.flatMap(parent => {
            const accepted = statusOf(parent.conditions, 'Accepted');
            return accepted?.status === 'True'
              ? []
              : [
                  {
                    object,
                    field: 'status.parents',
                    evidence: `${parent.parentRef.name}: ${accepted?.reason ?? 'not accepted'}: ${accepted?.message ?? ''}`,
                  },
                ];
          });
        }),
      };
    },
  },
  {
    code: 'gateway-dangling-backend',
    item: 'gateway',
    title: 'a route or an Ingress leads to a Service or a port that is not there',
    severity: 'high',
    why: 'Requests that match get an error (500 by the Gateway API, 503 by most Ingress controllers).',
    next: 'Create the Service, or correct the name or the port.',
    needs: ['services', 'ingresses', 'httpRoutes'],
    run: facts => {
      const { httpRoutes, ingresses, services } = listsOf(facts);
      const ports = new Map(
        services.map(({ metadata, spec }) => [
          `${metadata.namespace ?? 'default'}/${metadata.name}`,
          new Set((spec.ports ?? []).flatMap(({ name = '', port }) => [name, String(port)])),
        ]),
      );
      const backends = backendsOf(ingresses, httpRoutes);
      return {
        looked: backends.length,
        found: backends.flatMap(({ field, object, port, service }): Found[] => {
          const known = ports.get(service);
          if (known === undefined) return [{ object, field, evidence: `there is no Service ${service}` }];
          return port === undefined || known.has(port)
            ? []
            : [{ object, field, evidence: `Service ${service} has no port ${port}` }];
        }),
      };
    },
  },
  {
    code: 'gateway-grant-too-wide',
    item: 'gateway',
    title: 'a ReferenceGrant opens all Secrets of a namespace',
    severity: 'high',
    why: 'Whoever may write a Gateway in the other namespace can serve with every certificate and key of this one.',
    next: 'Name the Secrets in spec.to[].name.',
    needs: ['referenceGrants'],
    run: facts => {
      const { referenceGrants } = listsOf(facts);
      return {
        looked: referenceGrants.length,
        found: referenceGrants.flatMap(({ metadata, spec }): Found[] =>
          spec.to.flatMap(({ group, kind, name }, index) =>
            group === '' && kind === 'Secret' && name === undefined
              ? [
                  {
                    object: { kind: 'ReferenceGrant', metadata },
                    field: `spec.to[${index}].name`,
                    evidence: `not set, for ${some(spec.from.map(from => `${from.kind} of ${from.namespace}`))}`,
                  },
                ]
              : [],
          ),
        ),
      };
    },
  },
  {
    code: 'gateway-certificate-expires',
    item: 'gateway',
    title: 'a certificate has expired or is about to',
    severity: 'medium',
    why: 'Clients refuse the connection from that moment on.',
    next: 'Renew it, and have it renewed by a controller from now on.',
    needs: ['certificates'],
    run: facts => {
      const { certificates } = listsOf(facts);
      return {
        looked: certificates.length,
        found: certificates.flatMap(({ metadata, notAfter, problem }): Found[] => {
          const object = { kind: 'Secret', metadata };
          if (notAfter === undefined)
            return [
              { object, field: 'data[tls.crt]', evidence: problem ?? 'it cannot be read', severity: 'low' },
            ];
          const days = Math.floor((notAfter - facts.now) / day);
          if (days >= 30) return [];
          const date = new Date(notAfter).toISOString().slice(0, 10);
          return days < 0
            ? [{ object, evidence: `it expired on ${date}`, severity: 'critical' }]
            : [
                {
                  object,
                  evidence: `it expires on ${date}, in ${days} days`,
                  ...(days < 7 ? { severity: 'high' as const } : {}),
                },
              ];
        }),
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
    needs: ['ingresses', 'httpRoutes'],
    run: facts => {
      const { httpRoutes, ingresses } = listsOf(facts);
      const routes = new Map<string, string>();
      for (const { metadata, spec } of httpRoutes)
        for (const host of spec.hostnames ?? [])
          routes.set(host.toLowerCase(), nameOf({ kind: 'HTTPRoute', metadata }));
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
    code: 'gateway-listeners-near-limit',
    item: 'gateway',
    title: 'a Gateway is close to the limit of listeners',
    severity: 'medium',
    why: `A Gateway holds ${mostListeners} listeners; a further host with a certificate of its own is refused by the API.`,
    next: 'Move listeners into ListenerSets, or use a certificate for several names.',
    needs: ['gateways'],
    run: facts => {
      const { gateways } = listsOf(facts);
      return {
        looked: gateways.length,
        found: gateways
          .filter(({ spec }) => spec.listeners.length >= manyListeners)
          .map(({ metadata, spec }) => ({
            object: { kind: 'Gateway', metadata },
            field: 'spec.listeners',
            evidence: `${spec.listeners.length} of ${mostListeners}`,
          })),
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
