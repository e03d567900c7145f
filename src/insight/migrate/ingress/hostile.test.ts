import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { ConfigMap } from '../../../kube/types/config.ts';
import type { Ingress } from '../../../kube/types/networking.ts';
import type { Service } from '../../../kube/types/service.ts';
import { ANNOTATIONS } from './catalogue/annotations.ts';
import { SETTINGS } from './catalogue/settings.ts';
import { compareTables } from './compare-tables.ts';
import { convertIngresses } from './convert/convert.ts';
import { BEYOND, targetOf } from './convert/target.ts';
import { ingressPlan } from './plan.ts';
import { readIngresses } from './read.ts';

const word = fc.oneof(
  fc.constantFrom(
    '',
    '/',
    '/a',
    '/a/',
    '/$1',
    '/a(/|$)(.*)',
    'true',
    'no',
    '5',
    '*.x.example',
    'a.example',
    '(',
    '/(a+)+$',
  ),
  fc.constantFrom(
    '{{ .Values.x }}',
    'https://b.example$request_uri',
    'cookie',
    'HTTPS',
    'GRPC',
    '10.0.0.0/8',
    '\u0000\n',
  ),
  fc.string({ maxLength: 8 }),
);
const junk = fc.oneof(fc.constantFrom(null, undefined, 0, 1.5, true, [], {}, [null], 'x'), word);
const often = <T>(arbitrary: fc.Arbitrary<T>) =>
  fc.oneof({ arbitrary, weight: 8 }, { arbitrary: junk, weight: 1 });
const backend = fc.record({
  service: often(
    fc.record({ name: often(word), port: often(fc.record({ number: often(fc.constant(80)), name: junk })) }),
  ),
});
const path = fc.record({
  path: often(word),
  pathType: often(fc.constantFrom('Exact', 'Prefix', 'Other')),
  backend: often(backend),
});
const rule = fc.record({
  host: often(word),
  http: often(fc.record({ paths: often(fc.array(often(path), { maxLength: 4 })) })),
});
const annotations = fc.dictionary(
  fc.oneof(
    fc.constantFrom(...ANNOTATIONS.map(({ name }) => `nginx.ingress.kubernetes.io/${name}`)),
    word.map(name => `nginx.ingress.kubernetes.io/${name}`),
  ),
  often(word),
  { maxKeys: 6 },
);
const ingress = fc.record({
  metadata: fc.record({
    name: fc.constantFrom('a', 'b', 'c'),
    namespace: fc.constantFrom('x', 'y'),
    annotations: often(annotations),
    creationTimestamp: junk,
  }),
  spec: often(
    fc.record({
      defaultBackend: often(backend),
      rules: often(fc.array(often(rule), { maxLength: 3 })),
      tls: often(
        fc.array(often(fc.record({ hosts: often(fc.array(often(word))), secretName: junk })), {
          maxLength: 2,
        }),
      ),
    }),
  ),
});
const service = fc.record({
  metadata: fc.record({ name: word, namespace: fc.constant('x') }),
  spec: often(fc.record({ ports: often(fc.array(often(fc.record({ name: junk, port: junk })))) })),
});

test('whatever objects are, they are converted or named, and each annotation has one verdict', () => {
  const settings = fc.dictionary(fc.constantFrom(...SETTINGS.map(({ name }) => name), 'x'), often(word), {
    maxKeys: 4,
  });
  fc.assert(
    fc.property(
      fc.array(ingress, { maxLength: 5 }),
      fc.array(service, { maxLength: 3 }),
      settings,
      fc.boolean(),
      (ingresses, services, data, rich) => {
        const model = readIngresses(
          {
            ingresses: ingresses as unknown as readonly Ingress[],
            ingressClasses: [],
            services: services as unknown as readonly Service[],
            configMap: { metadata: { name: 'c' }, data } as unknown as ConfigMap,
            flags: ['--default-ssl-certificate=x/y', '--default-backend-service', 'x/z'],
          },
          { source: 'files' },
        );
        assert.equal(model.ingresses.length + model.left.length, ingresses.length);
        const target = targetOf(
          'class',
          rich
            ? [
                'GRPCRoute',
                'TLSRoute',
                'ListenerSet',
                'HTTPRoutePathRewrite',
                'HTTPRouteCORS',
                ...Object.values(BEYOND),
              ]
            : [],
        );
        const conversion = convertIngresses(model, { target });
        const written = model.ingresses.reduce((sum, one) => sum + one.annotations.names.length, 0);
        assert.equal(conversion.announcements.filter(one => one.annotation !== undefined).length, written);
        for (const { object } of conversion.objects)
          assert.match(object.metadata.name, /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/);
        compareTables(model, conversion);
        ingressPlan(model, conversion, target);
      },
    ),
    { numRuns: 300 },
  );
});
