import type { Announcement } from '../announcement.ts';
import type { Server } from '../servers.ts';
import { isHostname } from './host-routes.ts';
import { approximated, refused, same } from './verdict.ts';

/** What is said of a host's names: a wildcard, aliases, what is no name. */
export function judgeNames(server: Server): readonly Announcement[] {
  const { aliases, host, locations, owner } = server;
  if (!isHostname(host))
    return [
      refused(
        { ingress: owner },
        {
          code: 'server-name',
          severity: 'outage',
          effects: [
            'status',
            'backend',
            'location',
            'path',
            'response-headers',
            'request-headers',
            'tls',
            'host',
          ],
          sentence: `${JSON.stringify(host)} is no name that a route may have (templating that is left in?): it is left out.`,
          hint: 'Render the manifest, or mend the host.',
        },
      ),
    ];
  const taken = aliases.map(({ value }) => value);
  const written = new Map(
    locations.flatMap(({ ingress }) =>
      ingress?.annotations.has('server-alias') === true ? [[ingress.id, ingress] as const] : [],
    ),
  );
  return [
    ...(host.startsWith('*.')
      ? [
          approximated(
            // Requests of whoever else has the names with more labels change as well.
            {},
            {
              code: 'wildcard-labels',
              severity: 'subtle' as const,
              effects: ['status', 'backend', 'location', 'path', 'tls'],
              sentence: `${host} stands for one label; a Gateway’s wildcard stands for any number of them.`,
              request: { scheme: 'http' as const, host: host.replace(/^\*/, 'a.b'), path: '/' },
            },
          ),
        ]
      : []),
    ...[...written.values()].map(ingress => {
      const subject = { ingress, annotation: 'server-alias' };
      const own = aliases.filter(alias => alias.ingress === ingress).map(({ value }) => value);
      if (own.length === 0)
        return same(
          subject,
          'no-effect',
          'Another Ingress gave the host its aliases, or they are hosts themselves.',
        );
      const broken = own.filter(name => !/^(\*\.)?[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(name.toLowerCase()));
      if (broken.length > 0)
        return refused(subject, {
          code: 'alias',
          severity: 'outage',
          effects: ['status', 'backend', 'location', 'path'],
          sentence: `${broken.join(', ')} is no name that a route may have: regular expressions are nginx’s.`,
        });
      if (server.tls === undefined)
        return same(subject, 'alias', `The routes have the names ${taken.join(', ')} as well.`);
      return approximated(subject, {
        code: 'alias',
        severity: 'outage',
        effects: ['tls', 'status', 'backend', 'location', 'path'],
        sentence: `The routes have the names ${taken.join(', ')} as well, but over TLS only listeners for ${host} have a certificate.`,
        request: { scheme: 'https', host: own[0] ?? host, path: '/' },
        hint: 'Add a listener for the alias, with a certificate that has its name.',
      });
    }),
  ];
}
