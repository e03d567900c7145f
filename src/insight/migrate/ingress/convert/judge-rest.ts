import type { Announcement } from '../announcement.ts';
import type { IngressReading } from '../read.ts';
import { approximated, hostToShow, refused, same } from './verdict.ts';

/** Annotations of the whole Ingress that no other file judges. */
export function judgeRest(ingress: IngressReading): readonly Announcement[] {
  const { annotations } = ingress;
  const found: Announcement[] = [...judgeOthers(ingress)];
  if (annotations.has('service-upstream'))
    found.push(
      annotations.flag('service-upstream') === true
        ? approximated(
            { ingress, annotation: 'service-upstream' },
            {
              code: 'service-upstream',
              severity: 'cosmetic',
              effects: ['affinity'],
              sentence: 'A gateway sends to the pods, or to the Service’s address, as it is made.',
            },
          )
        : same({ ingress, annotation: 'service-upstream' }, 'default', 'It is the default.'),
    );
  if (annotations.has('default-backend'))
    found.push(
      refused(
        { ingress, annotation: 'default-backend' },
        {
          code: 'default-backend',
          severity: 'subtle',
          effects: ['status', 'backend'],
          sentence:
            'A rule has no backend for when its own has no endpoints: the gateway answers 503 itself.',
          request: { scheme: 'https', host: hostToShow(ingress), path: '/' },
        },
      ),
    );
  if (annotations.has('x-forwarded-prefix'))
    found.push(
      same(
        { ingress, annotation: 'x-forwarded-prefix' },
        'prefix',
        'A RequestHeaderModifier sets it where the path is rewritten; elsewhere the controller does not set it either.',
      ),
    );
  return found;
}

/** Annotations of others that act on Ingresses, and have to be told of Gateways. */
function judgeOthers(ingress: IngressReading): readonly Announcement[] {
  const names = Object.keys(ingress.object.metadata.annotations ?? {});
  const issuers = names.filter(
    name => name.startsWith('cert-manager.io/') || name === 'kubernetes.io/tls-acme',
  );
  const records = names.filter(name => name.startsWith('external-dns.alpha.kubernetes.io/'));
  return [
    ...(issuers.length === 0
      ? []
      : [
          refused(
            { ingress },
            {
              code: 'certificate-issuer',
              severity: 'outage' as const,
              effects: [],
              sentence: `${issuers.join(', ')}: cert-manager makes the certificate for the Ingress; when that goes, nobody renews it.`,
              hint: 'Write the annotations on the Gateway (or ListenerSet) that has the listener, and let cert-manager solve HTTP-01 by routes.',
            },
          ),
        ]),
    ...(records.length === 0
      ? []
      : [
          refused(
            { ingress },
            {
              code: 'name-records',
              severity: 'subtle' as const,
              effects: [],
              sentence: `${records.join(', ')}: external-dns reads them on Ingresses; for routes it has to be started with the sources gateway-httproute and its kin.`,
            },
          ),
        ]),
  ];
}
