import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Ingress, IngressClass } from '../../../kube/types/networking.ts';
import { readIngresses } from './read.ts';
import type { ReadIngressOptions } from './read.ts';

const of = (
  name: string,
  ingressClassName?: string,
  annotations: Readonly<Record<string, string>> = {},
): Ingress => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'Ingress',
  metadata: { name, namespace: 'shop', annotations },
  spec: ingressClassName === undefined ? {} : { ingressClassName },
});

const ofClass = (name: string, controller: string): IngressClass => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'IngressClass',
  metadata: { name },
  spec: { controller },
});

const taken = (
  ingresses: readonly Ingress[],
  options: ReadIngressOptions,
  flags: readonly string[] = [],
): readonly string[] =>
  readIngresses(
    {
      ingresses,
      ingressClasses: [ofClass('public', 'k8s.io/ingress-nginx'), ofClass('other', 'example/other')],
      flags,
    },
    options,
  ).ingresses.map(({ name }) => name);

const own = { 'nginx.ingress.kubernetes.io/use-regex': 'true' };
const all = [
  of('by-class', 'public'),
  of('by-annotation', undefined, { 'kubernetes.io/ingress.class': 'nginx' }),
  of('of-other', 'other', own),
  of('unknown-class', 'internal', own),
  of('unknown-and-plain', 'internal'),
  of('without-class'),
];

test('in a cluster the class decides, new or old', () => {
  assert.deepEqual(taken(all, { source: 'cluster' }).toSorted(), ['by-annotation', 'by-class']);
});

test('manifests may leave the class away, or name one that is not among them', () => {
  assert.deepEqual(taken(all, { source: 'files' }).toSorted(), [
    'by-annotation',
    'by-class',
    'unknown-class',
    'without-class',
  ]);
});

test('a class that is asked for is the only one', () => {
  assert.deepEqual(taken(all.slice(0, 5), { source: 'files', className: 'internal' }).toSorted(), [
    'unknown-and-plain',
    'unknown-class',
  ]);
});

test('flags of the controller choose as well', () => {
  assert.ok(taken(all, { source: 'cluster' }, ['--watch-ingress-without-class']).includes('without-class'));
  assert.deepEqual(taken(all, { source: 'cluster' }, ['--watch-namespace=bank']), []);
  const prefixed = of('x', 'public', { 'my.prefix/use-regex': 'true' });
  const model = readIngresses(
    {
      ingresses: [prefixed],
      ingressClasses: [],
      flags: ['--annotations-prefix', 'my.prefix', '--ingress-class=public'],
    },
    { source: 'cluster' },
  );
  assert.equal(model.ingresses[0]?.annotations.flag('use-regex'), true);
});

test('values are read as the controller reads them', () => {
  const { annotations } =
    readIngresses(
      {
        ingresses: [
          of('x', 'public', {
            'nginx.ingress.kubernetes.io/ssl-redirect': 'yes',
            'nginx.ingress.kubernetes.io/use-regex': 'T',
            'nginx.ingress.kubernetes.io/proxy-read-timeout': '60s',
            'nginx.ingress.kubernetes.io/proxy-send-timeout': '90',
            'nginx.ingress.kubernetes.io/whitelist-source-range': ' 10.0.0.0/8 , ::1 ',
            'nginx.ingress.kubernetes.io/app-root': '   ',
          }),
        ],
        ingressClasses: [ofClass('public', 'k8s.io/ingress-nginx')],
        flags: [],
      },
      { source: 'cluster' },
    ).ingresses[0] ?? assert.fail('it is of the class');
  assert.equal(annotations.flag('ssl-redirect'), undefined);
  assert.equal(annotations.flag('use-regex'), true);
  assert.equal(annotations.number('proxy-read-timeout'), undefined);
  assert.equal(annotations.number('proxy-send-timeout'), 90);
  assert.deepEqual(annotations.list('allowlist-source-range'), ['10.0.0.0/8', '::1']);
  assert.equal(annotations.text('app-root'), undefined);
});
