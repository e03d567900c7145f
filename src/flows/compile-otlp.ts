import type { FlowEnd, FlowEvent } from '../base/flow-event.ts';
import { objectNameOf } from '../base/provenance.ts';

/** `AnyValue` and `KeyValue` of the OpenTelemetry protocol 1.x, in JSON. */
type AnyValue =
  | { readonly stringValue: string }
  /** 64 bits are strings in JSON. */
  | { readonly intValue: string }
  | { readonly arrayValue: { readonly values: readonly AnyValue[] } };
interface KeyValue {
  readonly key: string;
  readonly value: AnyValue;
}

/** SeverityNumber: what was dropped is worth a look, what passed is not. */
const severities = { allowed: [9, 'INFO'], audited: [13, 'WARN'], dropped: [13, 'WARN'] } as const;

/**
 * `ExportLogsServiceRequest`: one log record an event, with the attributes of the semantic conventions for networks and
 * Kubernetes where there are some. Pure.
 */
export function compileOtlpLogs(
  events: readonly FlowEvent[],
  resource: { readonly cluster: string; readonly node: string },
): object {
  return {
    resourceLogs: [
      {
        resource: {
          attributes: attributesOf([
            ['service.name', 'fairlead-agent'],
            ['k8s.cluster.name', resource.cluster],
            ['k8s.node.name', resource.node],
          ]),
        },
        scopeLogs: [{ scope: { name: 'fairlead.flows' }, logRecords: events.map(recordOf) }],
      },
    ],
  };
}

function recordOf(event: FlowEvent): object {
  const { at, destination, direction, id, packets, protocol, service, source, verdict, why } = event;
  const [severityNumber, severityText] = severities[verdict];
  const time = `${Date.parse(at)}000000`;
  const isSix = source.address.includes(':');
  return {
    timeUnixNano: time,
    observedTimeUnixNano: time,
    severityNumber,
    severityText,
    body: { stringValue: `${nameOf(source)} → ${nameOf(destination)} ${verdict}: ${why.sentence}` },
    attributes: attributesOf([
      ['event.name', 'fairlead.flow'],
      ['fairlead.flow.id', id],
      ['fairlead.verdict', verdict],
      ['fairlead.direction', direction],
      ['fairlead.rule', why.rule],
      ['fairlead.rules', (why.rules ?? []).map(rule => String(rule.id))],
      ['fairlead.policies', why.policies.map(objectNameOf)],
      ['fairlead.packets', packets],
      ['network.transport', protocol.toLowerCase()],
      ['network.type', isSix ? 'ipv6' : 'ipv4'],
      ...endAttributes('source', source),
      ...endAttributes('destination', destination),
      ['fairlead.service.address', service?.address],
      ['fairlead.service.port', service?.port],
      ['fairlead.service.name', service?.name],
    ]),
  };
}

type Entry = readonly [string, string | number | readonly string[] | undefined];

const endAttributes = (side: 'source' | 'destination', end: FlowEnd): readonly Entry[] => {
  const [namespace, name] = (end.pod ?? '/').split('/');
  return [
    [`${side}.address`, end.address],
    [`${side}.port`, end.port],
    [`${side}.k8s.namespace.name`, namespace === '' ? undefined : namespace],
    [`${side}.k8s.pod.name`, name === '' ? undefined : name],
    [`${side}.k8s.node.name`, end.node],
    [`${side}.domain`, end.names],
    [`${side}.gateway`, end.gateway],
    [`${side}.k8s.services`, end.services],
  ];
};

/** Without what is not known. */
const attributesOf = (entries: readonly Entry[]): readonly KeyValue[] =>
  entries.flatMap(([key, value]): readonly KeyValue[] => {
    if (value === undefined || (Array.isArray(value) && value.length === 0)) return [];
    if (typeof value === 'number') return [{ key, value: { intValue: String(value) } }];
    if (typeof value === 'string') return [{ key, value: { stringValue: value } }];
    return [{ key, value: { arrayValue: { values: value.map(text => ({ stringValue: text })) } } }];
  });

const nameOf = ({ pod, names, node, address }: FlowEnd): string =>
  pod ?? names?.[0] ?? (node === undefined ? address : `node ${node}`);
