import { some } from './check.ts';
import type { Found, Outcome } from './check.ts';
import type { MetricSample } from './facts.ts';

/** Seconds: a hundredth of the answers may take longer. */
export const slowSeconds = 0.128;
const slowShare = 0.01;
/** Of all answers. */
const failedShare = 0.001;
/** Fewer answers than this say nothing of a share. */
const fewest = 1000;

/** Latency, errors and saturation of DNS servers since their start, by CoreDNS’s metrics, server by server. */
export function dnsServiceLevel(metrics: readonly MetricSample[]): Outcome {
  const servers = Map.groupBy(
    metrics.filter(({ name }) => name.startsWith('coredns_')),
    ({ labels, source }) => labels['instance'] ?? source,
  );
  const told = [...servers].filter(([, own]) => answersOf(own) >= fewest);
  if (told.length === 0)
    return {
      unchecked: `the metrics hold no DNS server with ${fewest} answers (coredns_dns_responses_total)`,
    };
  return { looked: told.length, found: told.flatMap(([name, own]) => missed(name, own)) };
}

function missed(server: string, own: readonly MetricSample[]): readonly Found[] {
  const answers = answersOf(own);
  const failed = sum(own, 'coredns_dns_responses_total', ({ rcode }) => rcode === 'SERVFAIL');
  const rejected = sum(own, 'coredns_forward_max_concurrent_rejects_total');
  const timed = sum(own, 'coredns_dns_request_duration_seconds_count');
  const bounds = own
    .filter(({ name }) => name === 'coredns_dns_request_duration_seconds_bucket')
    .map(({ labels }) => labels['le'] ?? '')
    .filter(bound => Number(bound) <= slowSeconds);
  const largest = bounds.toSorted((one, other) => Number(other) - Number(one))[0];
  const quick = sum(own, 'coredns_dns_request_duration_seconds_bucket', ({ le }) => le === largest);
  const slow = largest === undefined ? 0 : timed - quick;
  const parts = [
    ...(failed > failedShare * answers
      ? [`${percent(failed / answers)} of ${answers} answers are SERVFAIL`]
      : []),
    ...(slow > slowShare * timed
      ? [`${percent(slow / timed)} of ${timed} took more than ${largest ?? ''} s`]
      : []),
    ...(rejected > 0 ? [`${rejected} questions found no room (max_concurrent)`] : []),
  ];
  return parts.length === 0 ? [] : [{ evidence: `${server}: ${some(parts)}` }];
}

const answersOf = (own: readonly MetricSample[]): number => sum(own, 'coredns_dns_responses_total');

const sum = (
  samples: readonly MetricSample[],
  wanted: string,
  isMeant: (labels: MetricSample['labels']) => boolean = () => true,
): number =>
  samples.reduce(
    (total, { labels, name, value }) => (name === wanted && isMeant(labels) ? total + value : total),
    0,
  );

const percent = (share: number): string => `${(share * 100).toFixed(share < 0.1 ? 2 : 0)} %`;
