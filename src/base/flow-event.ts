import type { Provenance } from './provenance.ts';

/** One end of a connection. */
export interface FlowEnd {
  /** As `formatAddress` writes it. */
  readonly address: string;
  /** Absent for protocols without ports, and for fragments. */
  readonly port?: number;
  /** `namespace/name`, where the address is a pod's. */
  readonly pod?: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** `namespace/name` of the Gateway whose proxy the pod is: it speaks for its clients. */
  readonly gateway?: string;
  /** Of the pod, or the node that has the address itself. Absent outside of the cluster. */
  readonly node?: string;
  /** Of a destination: Services (`namespace/name`) that select the pod, and lead to this port of it. */
  readonly services?: readonly string[];
  /** Domain names that policies wait for, and that the cluster's DNS told with this address. */
  readonly names?: readonly string[];
}

/** One line: when, who, whom, how, verdict, why. */
export interface FlowEvent {
  /** `node/number`: grows on a node, with gaps. */
  readonly id: string;
  /** RFC 3339; the first packet and the last one. */
  readonly at: string;
  readonly last: string;
  /** Where it was seen. */
  readonly node: string;
  readonly source: FlowEnd;
  /** Behind a Service its endpoint. */
  readonly destination: FlowEnd;
  /** What the source asked for, where that was a Service. */
  readonly service?: {
    readonly address: string;
    readonly port?: number;
    /** `namespace/name` */
    readonly name?: string;
  };
  readonly protocol: string;
  /** `audited`: it passed, and would not if a policy that is only tried were in force. */
  readonly verdict: FlowVerdict;
  readonly direction: 'egress' | 'ingress';
  /** Packets that were reported; the kernel reports some of many. */
  readonly packets: number;
  readonly why: FlowReason;
  /** Joined by readers: what came over a connection to a Gateway's proxy, or may be why the proxy opened one. */
  readonly requests?: readonly FlowRequest[];
}

/** A request as the proxy's access log tells it. */
export interface FlowRequest {
  /** `X-Request-Id` */
  readonly id: string;
  readonly method: string;
  readonly host: string;
  readonly path: string;
  /** `HTTPRoute/namespace/name` */
  readonly route?: string;
  /** 0 where there was no answer. */
  readonly status: number;
  /** Why it was not answered by a backend alone; empty where it was. */
  readonly why: string;
}

export type FlowVerdict = 'dropped' | 'audited' | 'allowed';

export interface FlowReason {
  /** The kernel's name of what decided: `egress-0badcafe` is a group of policies, `allowed` that nothing dropped it. */
  readonly rule: string;
  /** A whole sentence. */
  readonly sentence: string;
  /** The rules that let it pass, or that deny it; the number is that of the kernel and of counters. */
  readonly rules?: readonly { readonly id: number; readonly provenance: Provenance }[];
  /** Who isolates the pod; of what passed, whose rules let it pass. */
  readonly policies: readonly Provenance[];
  /** The rules that were nearest to allowing it. */
  readonly misses: readonly {
    readonly provenance: Provenance;
    readonly sentence: string;
  }[];
  /** The smallest change of a policy that would allow it. */
  readonly change?: { readonly policy: Provenance; readonly field: string; readonly add: unknown };
}
