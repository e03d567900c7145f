import type { Address } from '../../base/ip.ts';

/** What a record says, by its type (RFC 1035 section 3.3, 3596, 2782). Names are texts without a dot at the end. */
export type RecordData =
  | { readonly type: 'A'; readonly address: Address }
  | { readonly type: 'AAAA'; readonly address: Address }
  | { readonly type: 'PTR'; readonly target: string }
  | { readonly type: 'CNAME'; readonly target: string }
  | { readonly type: 'NS'; readonly target: string }
  | { readonly type: 'TXT'; readonly strings: readonly string[] }
  | {
      readonly type: 'SRV';
      readonly priority: number;
      readonly weight: number;
      readonly port: number;
      readonly target: string;
    }
  | {
      readonly type: 'SOA';
      readonly nameServer: string;
      readonly mailbox: string;
      readonly serial: number;
      readonly refresh: number;
      readonly retry: number;
      readonly expire: number;
      /** How long "there is none" may be kept, in seconds (RFC 2308 section 4). */
      readonly minimum: number;
    };

export type RecordType = RecordData['type'];

export interface ResourceRecord {
  readonly name: string;
  /** Seconds. */
  readonly ttl: number;
  readonly data: RecordData;
}
