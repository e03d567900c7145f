import type { Condition } from '../../../kube/types/meta.ts';
import { backendsOfIngress, routesOf } from '../../route-backends.ts';
import { listsOf, some } from '../check.ts';
import type { Check, Found } from '../check.ts';
import { routeKinds } from '../facts.ts';
import { gatewayDefinitions, gatewayGroup } from '../gateway-definitions.ts';

/** The Gateway API's limit of `spec.listeners`, and from where on a move should be planned. */
const mostListeners = 64;
const manyListeners = 56;
const day = 24 * 3600 * 1000;
const bundleVersion = `${gatewayGroup}/bundle-version`;
const channel = `${gatewayGroup}/channel`;

const statusOf = (conditions: readonly Condition[] | undefined, type: string) =>
  conditions?.find(condition => condition.type === type);

export const gatewayChecks: readonly Check[] = [
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
    needs: routeKinds,
    run: facts => {
      if (facts.source === 'manifests') return { unchecked: 'manifests hold no status' };
      const routes = routesOf(listsOf(facts));
      return {
        looked: routes.length,
        found: routes.flatMap(({ kind, metadata, status }): Found[] => {
          const object = { kind, metadata };
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
    needs: ['services', 'ingresses', ...routeKinds],
    run: facts => {
      const lists = listsOf(facts);
      const { ingresses, services } = lists;
      const ports = new Map(
        services.map(({ metadata, spec }) => [
          `${metadata.namespace ?? 'default'}/${metadata.name}`,
          new Set((spec.ports ?? []).flatMap(({ name = '', port }) => [name, String(port)])),
        ]),
      );
      const backends = [
        ...ingresses.flatMap(backendsOfIngress),
        ...routesOf(lists).flatMap(route => route.backends),
      ];
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
];
