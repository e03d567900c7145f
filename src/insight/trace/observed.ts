import type { Protocol } from '../../kube/types/scalars.ts';

/** What was seen of a request that was really sent. Plain data that survives JSON. */
export interface Observed {
  /** Absent for an address, and where nobody was asked. */
  readonly name?: ObservedName;
  /** Absent where there was no address to send to. */
  readonly connection?: ObservedConnection;
  /** Who did not answer, in sentences. */
  readonly silent: readonly string[];
}

export interface ObservedName {
  readonly nameservers: readonly string[];
  readonly searches: readonly string[];
  /** /etc/hosts knows the name: nobody was asked. */
  readonly isInHosts: boolean;
  readonly questions: readonly {
    readonly name: string;
    readonly type: string;
    readonly server: string;
    /** An rcode, `no answer`, or what went wrong. */
    readonly answer: string;
    readonly values: readonly string[];
    readonly milliseconds: number;
  }[];
  /** The name that had addresses. */
  readonly hit?: string;
  readonly addresses: readonly string[];
  /** Questions that policies dropped, where some had no answer. */
  readonly drops: readonly DropReport[];
}

export interface ObservedConnection {
  readonly to: { readonly address: string; readonly port: number };
  readonly protocol: Protocol;
  /** For UDP, `connected` is that something came back. */
  readonly outcome: 'connected' | 'refused' | 'timed-out' | 'unreachable';
  /** Until it stood, or was given up. */
  readonly milliseconds: number;
  readonly local?: { readonly address: string; readonly port: number };
  /** What went wrong in TLS or HTTP, on a connection that stood. */
  readonly failure?: string;
  readonly tls?: { readonly protocol: string; readonly subject: string };
  readonly response?: {
    readonly status: number;
    readonly headers: Readonly<Record<string, string>>;
    readonly milliseconds: number;
  };
  /** Entries of connection tracking that begin at this connection's own end. */
  readonly tracked: readonly TrackedConnection[];
  readonly counters: readonly CounterChange[];
  /** Of the Service's address, on the node whose rules translate; absent where it is no Service's. */
  readonly service?: ServiceChange;
  /** What the kernels reported of packets of this connection that policies dropped. */
  readonly drops: readonly DropReport[];
  /** How the nodes concerned reach the pods of other nodes. */
  readonly ways: readonly {
    readonly from: string;
    readonly node: string;
    readonly prefix: string;
    readonly way: string;
  }[];
  /** The line that a Gateway's proxy wrote about the request; absent where it was not found. */
  readonly proxy?: ProxyLine;
}

/** Of a proxy's access log; what it does not know is absent. */
export interface ProxyLine {
  /** `namespace/name` of the proxy. */
  readonly by: string;
  readonly status: number;
  /** Empty where a backend answered. */
  readonly why: string;
  /** `HTTPRoute/namespace/name` and the field of the rule. */
  readonly route?: string;
  readonly field?: string;
  /** `namespace/name:port` */
  readonly backend?: string;
  /** `10.244.1.5:8080` */
  readonly endpoint?: string;
  readonly pod?: string;
  readonly milliseconds: number;
}

export interface TrackedConnection {
  readonly node: string;
  readonly original: TrackedTuple;
  /** Its source is who answers: behind a Service the endpoint. */
  readonly reply: TrackedTuple;
  readonly mark: number;
}

export interface TrackedTuple {
  readonly source: string;
  readonly destination: string;
  readonly sourcePort?: number;
  readonly destinationPort?: number;
}

/** How much a Service's counters grew; others' connections count there too. */
export interface ServiceChange {
  readonly node: string;
  /** New connections that were translated, refused for want of endpoints, and dropped. */
  readonly accepted: number;
  readonly rejected: number;
  readonly dropped: number;
  /** Those that were drawn. */
  readonly endpoints: readonly { readonly address: string; readonly port: number; readonly drawn: number }[];
}

export interface DropReport {
  readonly node: string;
  readonly direction: 'egress' | 'ingress';
  /** `10.244.1.5:8080` */
  readonly source: string;
  readonly destination: string;
  readonly packets: number;
  /** The kernel's name of what decided. */
  readonly rule: string;
  readonly sentence: string;
}

/** A counter of the kernel, before and after the request; others' connections count there too. */
export interface CounterChange {
  readonly node: string;
  readonly source: string;
  readonly destination: string;
  readonly direction: 'egress' | 'ingress';
  readonly does: 'allow' | 'drop';
  /** The chain, or the element of a set. */
  readonly place: string;
  /** `Kind/namespace/name field`: the rules that the element is made of; else the policies that isolate. */
  readonly by: readonly string[];
  readonly isRule: boolean;
  readonly before: number;
  readonly after: number;
}
