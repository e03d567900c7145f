import { parsePrefix } from '../base/ip.ts';
import type { ObjectMeta } from '../kube/types/meta.ts';
import type { TableOptions } from './table.ts';

/** Annotations of a Gateway, for what the Gateway API has no field. */
const prefix = 'fairlead.dev/';

export interface OptionsReading {
  readonly options: TableOptions;
  /** A sentence each; what they are about is as if it were not there. */
  readonly problems: readonly string[];
}

/** A value as it goes into the table, or undefined for one that is none. */
type Reader = (text: string) => Partial<TableOptions> | undefined;

const oneOf =
  (words: Readonly<Record<string, Partial<TableOptions>>>): Reader =>
  text =>
    Object.hasOwn(words, text) ? words[text] : undefined;

const number =
  (least: number, most: number, made: (value: number) => Partial<TableOptions>): Reader =>
  text => {
    const value = /^\d{1,12}$/.test(text) ? Number(text) : Number.NaN;
    return value >= least && value <= most ? made(value) : undefined;
  };

const prefixes =
  (most: number, made: (prefixes: readonly string[]) => Partial<TableOptions>): Reader =>
  text => {
    const all = text.split(',').map(part => part.trim());
    return all.length <= most && all.every(one => parsePrefix(one) !== undefined) ? made(all) : undefined;
  };

const annotations: Readonly<Record<string, { readonly read: Reader; readonly wanted: string }>> = {
  'accept-proxy-protocol': {
    read: oneOf({ true: { acceptsProxyProtocol: true }, false: {} }),
    wanted: 'true or false',
  },
  'send-proxy-protocol': {
    read: oneOf({ v1: { sendsProxyProtocol: 1 }, v2: { sendsProxyProtocol: 2 } }),
    wanted: 'v1 or v2',
  },
  'trusted-hops': {
    read: number(0, 16, trustedHops => (trustedHops === 0 ? {} : { trustedHops })),
    wanted: 'a number from 0 to 16',
  },
  'load-balancing': {
    read: oneOf({
      'round-robin': {},
      'least-requests': { balance: 'least-requests' },
      'client-hash': { balance: 'client-hash' },
    }),
    wanted: 'round-robin, least-requests or client-hash',
  },
  'max-requests-per-endpoint': {
    read: number(1, 1_000_000, mostRequests => ({ mostRequests })),
    wanted: 'a number from 1 to 1000000',
  },
  'max-body-bytes': {
    read: number(0, 1e12 - 1, bodyLimit => ({ bodyLimit })),
    wanted: 'a number of bytes',
  },
  'explain-to': {
    read: prefixes(16, explainsTo => ({ explainsTo })),
    wanted: 'up to 16 prefixes, separated by commas',
  },
  'access-log': {
    read: oneOf({ json: {}, 'ingress-nginx': { accessLog: 'ingress-nginx' }, off: { accessLog: 'off' } }),
    wanted: 'json, ingress-nginx or off',
  },
};

/** What a Gateway wants of its proxy beyond the API's fields. */
export function compileOptions({ annotations: given = {} }: Pick<ObjectMeta, 'annotations'>): OptionsReading {
  let options: TableOptions = {};
  const problems: string[] = [];
  for (const [name, { read, wanted }] of Object.entries(annotations)) {
    const text = given[prefix + name];
    if (text === undefined) continue;
    const value = read(text);
    if (value === undefined)
      problems.push(`annotation ${prefix}${name}: ${JSON.stringify(text.slice(0, 80))} is not ${wanted}`);
    else options = { ...options, ...value };
  }
  return { options, problems };
}
