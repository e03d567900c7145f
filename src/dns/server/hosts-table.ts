import { formatAddress, parseAddress } from '../../base/ip.ts';
import { compileAnswer } from '../compile-answer.ts';
import type { CompiledAnswer } from '../compile-answer.ts';
import { addressData, reverseName } from '../compile-names.ts';
import type { NamedRecord } from '../compile-names.ts';
import type { HostsConfig } from '../config/config.ts';
import { encodeName, keyOfName, types } from '../wire/index.ts';
import type { NameKey } from '../wire/index.ts';
import { nothing } from './reply.ts';

const mostLines = 200_000;

/** Names with addresses that an operator wrote down; what it does not have is others' to answer. */
export class HostsTable {
  readonly #ttl: number;
  readonly #names = new Map<NameKey, NamedRecord[]>();

  /** `text`: of the file that the configuration names, as hosts(5). */
  constructor(config: HostsConfig, text: string) {
    this.#ttl = config.ttl;
    for (const { name, addresses } of config.entries)
      for (const address of addresses) this.#add(name, address, config.reverse, 'hosts.entries');
    for (const line of text.split('\n', mostLines)) {
      const [address = '', ...names] = line.replace(/#.*$/, '').trim().split(/\s+/);
      for (const name of names) this.#add(name, address, config.reverse, config.file ?? '');
    }
  }

  get size(): number {
    return this.#names.size;
  }

  /** Undefined where the table does not know the name; without records where it knows no such type of it. */
  answer(key: NameKey, type: number): CompiledAnswer | undefined {
    const records = this.#names.get(key);
    if (records === undefined) return undefined;
    const wanted =
      type === types.A ? 'A' : type === types.AAAA ? 'AAAA' : type === types.PTR ? 'PTR' : undefined;
    const answers = records.filter(({ data }) => data.type === wanted);
    // A reverse name may have more than the table says of it.
    const isReverse = records.every(({ data }) => data.type === 'PTR');
    if (answers.length === 0) return isReverse ? undefined : { rcode: 0, authoritative: true, ...nothing };
    const rules = { ttl: this.#ttl, negativeTtl: this.#ttl };
    return compileAnswer({ outcome: 'answer', answers, additional: [] }, key, { rules, serial: 0 });
  }

  #add(text: string, addressText: string, reverse: boolean, field: string): void {
    const address = parseAddress(addressText);
    const name = text.toLowerCase().replace(/\.$/, '');
    if (address === undefined || encodeName(name) === undefined || name === '') return;
    const from = { object: `Hosts/${formatAddress(address)}`, field };
    this.#put({ name, data: addressData(address), from });
    if (reverse) this.#put({ name: reverseName(address), data: { type: 'PTR', target: name }, from });
  }

  #put(record: NamedRecord): void {
    const key = keyOfName(record.name);
    const present = this.#names.get(key);
    if (present === undefined) this.#names.set(key, [record]);
    else present.push(record);
  }
}
