import { parsePrefix } from '../../src/base/ip.ts';
import { ClusterNames } from '../../src/dns/index.ts';
import { refusalOf, roomFor, writeAnswer, writeRefusal } from '../../src/dns/server/answer-query.ts';
import type { Transport } from '../../src/dns/server/answer-query.ts';
import { codeOnly } from '../../src/dns/server/reply.ts';
import { readQuery } from '../../src/dns/wire/index.ts';
import type { EndpointSlice } from '../../src/kube/types/discovery.ts';
import type { Service } from '../../src/kube/types/service.ts';
import { questionFor } from '../netns/dns-client.ts';
import type { QuestionOptions } from '../netns/dns-client.ts';
import { decodeMessage } from '../netns/dns-decoder.ts';
import type { DecodedMessage } from '../netns/dns-decoder.ts';
import { readService, readSlice } from '../../src/dns/model.ts';
import { defaultRules } from '../../src/dns/model-rules.ts';
import type { NameRules } from '../../src/dns/model-rules.ts';

/** The names of an empty cluster with the usual prefixes. */
export function emptyNames(rules: Partial<NameRules> = {}): ClusterNames {
  const texts = ['10.96.0.0/16', 'fd00:10:96::/112', '10.244.0.0/16', 'fd00:10:244::/56'];
  return new ClusterNames({
    clusterDomain: 'cluster.local',
    dnsAddresses: ['10.96.0.10', 'fd00:10:96::a'],
    prefixes: texts.flatMap(text => parsePrefix(text) ?? []),
    serial: 7,
    rules: { ...defaultRules, ...rules },
  });
}

export const service = (name: string, spec: Service['spec'], namespace = 'default'): Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace },
  spec,
});

export const slice = (
  name: string,
  of: string,
  rest: Pick<EndpointSlice, 'addressType' | 'endpoints' | 'ports'>,
): EndpointSlice => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { name, namespace: 'default', labels: { 'kubernetes.io/service-name': of } },
  ...rest,
});

export function put(names: ClusterNames, ...objects: readonly (Service | EndpointSlice)[]): void {
  for (const object of objects) {
    if (object.kind === 'Service') {
      const { namespace = '', name } = object.metadata;
      names.setService(namespace, name, readService(object));
    } else {
      const read = readSlice(object, names.rules);
      if (read !== undefined) names.putSlice(read);
    }
  }
}

export interface Asked extends QuestionOptions {
  readonly transport?: 'udp' | 'tcp';
}

type Outcome =
  | { readonly kind: 'answered'; readonly length: number }
  | { readonly kind: 'silence' | 'forward' };

/** What becomes of a message by the cluster's names alone. */
export function answerQuery(
  names: ClusterNames,
  message: Buffer,
  length: number,
  out: Buffer,
  transport: Transport,
  random: () => number,
): Outcome {
  const query = readQuery(message, length);
  if (query.kind === 'silence') return { kind: 'silence' };
  if (query.kind === 'refusal') return { kind: 'answered', length: writeRefusal(message, query, out) };
  const refusal = refusalOf(query);
  const answer = refusal === undefined ? names.answer(query.key, query.type) : codeOnly(refusal, '').answer;
  if (answer === undefined) return { kind: 'forward' };
  const room = roomFor(query.edns, transport, out, 1232);
  return { kind: 'answered', length: writeAnswer(message, query, answer, out, room, random) };
}

/** The answer over the wire, read by the tests' own decoder; `forward` and `silence` as such. */
export function answerTo(
  names: ClusterNames,
  name: string,
  type: string,
  options: Asked = {},
): DecodedMessage | 'forward' | 'silence' {
  const message = questionFor(name, type, options);
  const out = Buffer.alloc(65_535, 0xee);
  const transport = options.transport ?? 'udp';
  const outcome = answerQuery(names, message, message.length, out, transport, () => 0);
  return outcome.kind === 'answered' ? decodeMessage(out.subarray(0, outcome.length)) : outcome.kind;
}

/** `NOERROR 10.96.1.1`, `NXDOMAIN`, `NOERROR` alone for NODATA, `forward`. */
export function summaryOf(answer: DecodedMessage | 'forward' | 'silence'): string {
  if (typeof answer === 'string') return answer;
  return [answer.rcode, ...answer.answers.map(({ type, data }) => `${type} ${data}`)].join(' | ');
}
