import assert from 'node:assert/strict';
import { test } from 'node:test';
import { convert, plain, rules } from './testing/written.ts';
import type { Written } from './testing/written.ts';

for (const [title, written, expected] of [
  ['a prefix is one of whole elements', { paths: ['Prefix /a web'] }, plain('PathPrefix /a → web')],
  [
    'a prefix with a last slash redirects the path without it, as nginx does',
    { paths: ['Prefix /a/ web'] },
    plain('PathPrefix /a → web', 'Exact /a → 301 /a/'),
  ],
  [
    'ImplementationSpecific is a prefix of whole elements as long as nothing is a regular expression',
    { paths: ['ImplementationSpecific /a web'] },
    plain('PathPrefix /a → web'),
  ],
  [
    'the usual form that takes a prefix away',
    { paths: ['ImplementationSpecific /a(/|$)(.*) web'], annotations: { 'rewrite-target': '/$2' } },
    plain('PathPrefix /a → web as /…'),
  ],
  [
    'a rewrite to / alone leads every path below to /',
    { paths: ['Prefix /a web'], annotations: { 'rewrite-target': '/' } },
    plain('PathPrefix /a → web as /'),
  ],
  [
    'a rewrite to the path itself does nothing',
    { paths: ['Prefix / web', 'Exact /b web'], annotations: { 'rewrite-target': '/' } },
    plain('PathPrefix /b → web as /', 'PathPrefix / → web'),
  ],
  [
    'an exact path of a host with regular expressions is a prefix',
    { paths: ['Exact /b web'], annotations: { 'use-regex': 'true' } },
    plain('PathPrefix /b → web'),
  ],
  [
    'a pattern that keeps its path is not rewritten',
    { paths: ['ImplementationSpecific /(api/.*) web'], annotations: { 'rewrite-target': '/$1' } },
    plain('PathPrefix /api → web'),
  ],
  [
    'alternatives become matches of their own',
    { paths: ['ImplementationSpecific /(a|b)(/|$)(.*) web'], annotations: { 'rewrite-target': '/x/$1/$3' } },
    plain(
      'PathPrefix /a → web as /x/a…',
      'Exact /a → web as /x/a/',
      'PathPrefix /b → web as /x/b…',
      'Exact /b → web as /x/b/',
    ),
  ],
  [
    'a longer path that an earlier pattern hides is left out',
    {
      paths: ['ImplementationSpecific /a(?:/.*|/.*|/.*)? one', 'Prefix /a/b two'],
      annotations: { 'use-regex': 'true' },
    },
    plain('PathPrefix /a → one'),
  ],
  [
    'TLS redirects plain HTTP of the whole host',
    { tls: 'cert', paths: ['Prefix /a web'] },
    ['a.example https: PathPrefix /a → web', 'a.example http: PathPrefix / → 308 https'],
  ],
  [
    'ssl-redirect false serves plain HTTP as well',
    { tls: 'cert', annotations: { 'ssl-redirect': 'false' } },
    ['a.example https: PathPrefix / → web', 'a.example http: PathPrefix / → web'],
  ],
  [
    'a value that is no boolean is not read',
    { tls: 'cert', annotations: { 'ssl-redirect': 'no' } },
    ['a.example https: PathPrefix / → web', 'a.example http: PathPrefix / → 308 https'],
  ],
  [
    'app-root redirects the root before HTTPS does',
    { tls: 'cert', annotations: { 'app-root': '/home' } },
    [
      'a.example https: Exact / → 302 /home',
      'a.example https: PathPrefix / → web',
      'a.example http: Exact / → 302 /home',
      'a.example http: PathPrefix / → 308 https',
    ],
  ],
  [
    'a redirect answers in plain HTTP, before HTTPS does',
    { tls: 'cert', annotations: { 'permanent-redirect': 'https://b.example/x' } },
    [
      'a.example https: PathPrefix / → 301 https b.example /x',
      'a.example http: PathPrefix / → 301 https b.example /x',
    ],
  ],
  [
    'a redirect that cannot be written is held back, not led to the backend',
    { annotations: { 'permanent-redirect': 'https://b.example/$1' } },
    plain('PathPrefix / → 500'),
  ],
  [
    'www. is redirected where nobody has it',
    { host: 'a.example', annotations: { 'from-to-www-redirect': 'true' } },
    [...plain('PathPrefix / → web'), 'www.a.example http: PathPrefix / → 308 a.example'],
  ],
  [
    'what keeps people out is not opened',
    { annotations: { 'whitelist-source-range': '10.0.0.0/8' } },
    plain('PathPrefix / → 500'),
  ],
  [
    'so is a password',
    { annotations: { 'auth-type': 'basic', 'auth-secret': 's' } },
    plain('PathPrefix / → 500'),
  ],
  [
    'a longer silence than usual lifts the bound, a shorter one becomes the total',
    { annotations: { 'proxy-read-timeout': '3600' } },
    plain('PathPrefix / → web {"request":"0s"}'),
  ],
  [
    'the Host for the backend',
    { annotations: { 'upstream-vhost': 'in.example' } },
    plain('PathPrefix / → web host in.example'),
  ],
  [
    'further names of the host',
    { annotations: { 'server-alias': 'b.example, c.example' } },
    ['a.example+b.example+c.example http: PathPrefix / → web'],
  ],
] as const satisfies readonly (readonly [string, Written, readonly string[]])[])
  test(title, () => assert.deepEqual(rules(convert([written])), expected));
