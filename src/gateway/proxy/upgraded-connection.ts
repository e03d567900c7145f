import type { RequestRecord } from './request-record.ts';
import type { ExchangeClient, ExchangeUpstream } from './sides.ts';

/** A connection that another protocol has taken over: octets go both ways, each side waits for the other and may end first. */
export class UpgradedConnection {
  readonly #client: ExchangeClient;
  readonly #upstream: ExchangeUpstream;
  readonly #record: RequestRecord;
  #ends = 0;

  constructor(client: ExchangeClient, upstream: ExchangeUpstream, record: RequestRecord) {
    this.#client = client;
    this.#upstream = upstream;
    this.#record = record;
  }

  fromUpstream(bytes: Buffer, start: number, end: number): void {
    this.#client.heard();
    this.#record.sent += end - start;
    this.#client.tunnelData(bytes, start, end);
    if (this.#client.isFull) this.#upstream.pause();
  }

  fromClient(bytes: Buffer, start: number, end: number): void {
    this.#record.received += end - start;
    this.#upstream.data(bytes, start, end);
    if (this.#upstream.isFull) this.#client.pause();
  }

  /** One side has no more to say; whether neither has. */
  ended(side: 'client' | 'upstream'): boolean {
    this.#ends++;
    if (side === 'client') this.#upstream.tunnelEnd();
    else this.#client.tunnelEnd();
    return this.#ends === 2;
  }
}
