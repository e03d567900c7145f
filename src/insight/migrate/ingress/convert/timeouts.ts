import type { HTTPRouteTimeouts } from '../../../../kube/types/gateway-routes.ts';
import type { Announcement } from '../announcement.ts';
import type { IngressReading } from '../read.ts';
import type { Target } from './target.ts';
import { approximated, hostToShow, refused, same } from './verdict.ts';

/** The controller's own bound on silence, in seconds. */
const DEFAULT_SECONDS = 60;

export interface TimeoutsPart {
  readonly timeouts?: HTTPRouteTimeouts;
  readonly announcements: readonly Announcement[];
}

/**
 * nginx bounds how long a backend is silent, a route bounds how long a request takes in all. A longer bound than the
 * default was written to let requests take long, so that the total is then not bounded; a shorter one was written to fail
 * early, and becomes the total of a try.
 */
export function timeoutsOf(ingress: IngressReading, target: Target): TimeoutsPart {
  const annotation = 'proxy-read-timeout';
  if (!ingress.annotations.has(annotation)) return { announcements: [] };
  const seconds = ingress.annotations.number(annotation);
  const subject = { ingress, annotation };
  if (seconds === undefined || seconds <= 0)
    return {
      announcements: [
        same(
          subject,
          'not-read',
          `It is no number of seconds: the controller uses its default, ${DEFAULT_SECONDS}.`,
        ),
      ],
    };
  const isLonger = seconds > DEFAULT_SECONDS;
  const feature = isLonger ? 'HTTPRouteRequestTimeout' : 'HTTPRouteBackendTimeout';
  const request = { scheme: 'https' as const, host: hostToShow(ingress), path: '/' };
  if (seconds === DEFAULT_SECONDS)
    return { announcements: [same(subject, 'default', 'It is the controller’s default.')] };
  if (!target.features.has(feature))
    return {
      announcements: [
        refused(subject, {
          code: 'timeouts',
          severity: isLonger ? 'outage' : 'subtle',
          effects: ['timeouts'],
          sentence: `The class does not support ${feature}: how long a request may take is the implementation’s.`,
          request,
        }),
      ],
    };
  return {
    timeouts: isLonger ? { request: '0s' } : { backendRequest: `${seconds}s` },
    announcements: [
      approximated(subject, {
        code: 'timeouts',
        severity: 'subtle',
        effects: ['timeouts'],
        sentence: isLonger
          ? `The controller bounds a backend’s silence by ${seconds} s, a route only a request’s whole time, which would cut streams: the route has no bound, and a silent backend is not given up.`
          : `The controller bounds a backend’s silence by ${seconds} s, the route a request’s whole time: an answer that takes longer in all is cut.`,
        request,
      }),
    ],
  };
}
