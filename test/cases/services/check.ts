import assert from 'node:assert/strict';
import { formatAddress } from '../../../src/base/ip.ts';
import { buildServiceModel, decideService } from '../../../src/services/index.ts';
import type { ServiceDecision } from '../../../src/services/index.ts';
import type { CasePacket, PlaceName, ServiceCase } from './case.ts';
import {
  addressOf,
  addresses,
  families,
  nodeName,
  objectsOf,
  placeOf,
  servicePrefixes,
  sources,
  zone,
} from './objects.ts';
import type { CaseFamily } from './objects.ts';

/** What became of one packet: the server that answered, and the address that it saw. */
export type Seen =
  | { readonly place: PlaceName; readonly port: number; readonly from: string }
  | 'DROP'
  | 'REJECT';

export interface Ask {
  readonly from: CasePacket['from'];
  readonly address: string;
  readonly port: number;
  readonly protocol: 'TCP' | 'UDP';
}

/** Sends one new connection's first packet on its way, and waits for what becomes of it. */
export type Reach = (ask: Ask) => Promise<Seen>;

/** Draws enough that an endpoint which is never chosen is missed with a likelihood below one in 10^9. */
const drawsFor = (endpoints: number): number => Math.ceil(21 / -Math.log(1 - 1 / endpoints + 1e-9));

/** What a data path does with the packets of a case; its objects are in force. */
export async function checkDataPath(one: ServiceCase, reach: Reach): Promise<void> {
  await Promise.all(
    families.flatMap(family => packetsOf(one, family).map(packet => checkPacket(one, family, packet, reach))),
  );
}

const packetsOf = ({ packets }: ServiceCase, family: CaseFamily): readonly CasePacket[] =>
  packets.filter(packet => (packet.family ?? family) === family);

async function checkPacket(
  one: ServiceCase,
  family: CaseFamily,
  packet: CasePacket,
  reach: Reach,
): Promise<void> {
  const { at = 8080, from, gets, masquerade = from === 'node', port = 80, protocol = 'TCP', to } = packet;
  const ask: Ask = { from, address: addresses[family][to], port, protocol };
  const what = `${one.name}: ${protocol} from ${from} to ${ask.address} port ${port}`;
  if (gets === 'ROUTED') {
    // It is on its way to where nobody is, or to the node itself, which refuses it.
    const seen = await reach(ask);
    assert.ok(typeof seen === 'string', `${what}: reached ${JSON.stringify(seen)}, and is no Service's`);
    return;
  }
  if (typeof gets === 'string') {
    assert.deepEqual(await reach(ask), gets, what);
    return;
  }
  const missing = new Set(gets);
  const draws = gets.length === 1 ? 2 : drawsFor(gets.length);
  for (let drawn = 0; drawn < draws && (missing.size > 0 || drawn < 2); drawn++) {
    const seen = await reach(ask);
    assert.ok(
      typeof seen !== 'string',
      `${what}: ${typeof seen === 'string' ? seen : seen.place} instead of ${gets.join(', ')}`,
    );
    assert.ok(gets.includes(seen.place), `${what}: reached ${seen.place} instead of ${gets.join(', ')}`);
    assert.equal(seen.port, at, `${what}: the port of the endpoint`);
    missing.delete(seen.place);
    const source = sources[family][from];
    // What the node itself sends has an address of the node either way.
    if (from !== 'node') assert.equal(seen.from !== source, masquerade, `${what}: seen from ${seen.from}`);
  }
  assert.deepEqual([...missing], [], `${what}: endpoints that are never drawn`);
}

/** What the engine says of the packets of a case. */
export function checkEngine(one: ServiceCase): void {
  const { services, slices } = objectsOf(one);
  const nodeAddresses = families.map(family => addressOf(addresses[family].node));
  const model = buildServiceModel(services, slices, nodeAddresses, servicePrefixes);
  for (const family of families)
    for (const packet of packetsOf(one, family)) {
      const { from, gets, masquerade = from === 'node', port = 80, protocol = 'TCP', to } = packet;
      const decision = decideService(
        model,
        { address: addressOf(addresses[family][to]), port, protocol },
        {
          place: from === 'a' ? 'pod' : from,
          node: nodeName,
          zone,
          address: addressOf(sources[family][from]),
          addresses: nodeAddresses,
        },
      );
      const what = `${one.name}: ${protocol} from ${from} to ${to} port ${port}, IPv${family}`;
      assert.deepEqual(briefly(decision), typeof gets === 'string' ? gets : gets.toSorted(), what);
      // A pod that reaches itself is masqueraded whatever holds for others.
      if (decision.verdict === 'forward' && from !== 'a')
        assert.equal(decision.masquerade, masquerade, `${what}: masquerade`);
    }
}

function briefly(decision: ServiceDecision): readonly PlaceName[] | string {
  switch (decision.verdict) {
    case 'forward':
      return decision.endpoints.flatMap(({ address }) => placeOf(formatAddress(address)) ?? []).toSorted();
    case 'reject':
      return 'REJECT';
    case 'drop':
      return 'DROP';
    case 'not-a-service':
      return 'ROUTED';
    default:
      return decision satisfies never;
  }
}
