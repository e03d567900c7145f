import type {
  Ending,
  GatewayHop,
  Hop,
  Judgement,
  NameHop,
  Place,
  Reference,
  ServiceFrontend,
  Side,
} from '../../insight/trace/index.ts';
import { bad, faint, good, strong } from './text-blocks.ts';
import type { Block, Row } from './text-blocks.ts';

/** What the model says of a hop, for people: rows of each section align. */
export function hopBlock(hop: Hop): Block {
  switch (hop.hop) {
    case 'origin':
      return {
        label: 'from',
        sections: [[[hop.sentence]], hop.addresses.length === 0 ? [] : [[faint(hop.addresses.join('  '))]]],
      };
    case 'name':
      return { label: 'name', sections: nameSections(hop) };
    case 'service':
      return { label: 'service', sections: hop.frontends.flatMap(frontendSections) };
    case 'policy':
      return { label: 'policy', sections: [policyRows(hop.choices)] };
    case 'route':
      return { label: 'route', sections: [routeRows(hop.choices)] };
    case 'gateway':
      return { label: 'gateway', sections: gatewaySections(hop) };
    case 'arrival':
      return { label: 'arrival', sections: [arrivalRows(hop.choices)] };
    default:
      return hop satisfies never;
  }
}

export const atField = ({ object, field }: Reference): string => `${object} ${field}`;

/** `10.244.1.5:8080`, `[fd00::5]:8080` */
export function endOf({ address, port }: Pick<Place, 'address' | 'port'>): string {
  const host = address.includes(':') ? `[${address}]` : address;
  return port === undefined ? address : `${host}:${port}`;
}

const where = ({ pod, node }: Place): string =>
  [pod ?? '', node === undefined ? '' : `on ${node}`].filter(part => part !== '').join(' ');

function nameSections(hop: NameHop): Block['sections'] {
  const { access, asked, near, outcome, resolver, sentence } = hop;
  const rows: Row[] = [[outcome === 'found' ? sentence : bad(sentence)]];
  if (hop.by !== 'dns') return [rows];
  if (resolver !== undefined) {
    const search = resolver.searches.length === 0 ? '' : `, search ${resolver.searches.join(' ')}`;
    rows.push([
      faint(`asks ${resolver.nameservers.join(', ')} (${resolver.policy}${search}, ndots ${resolver.ndots})`),
    ]);
  }
  rows.push(...accessRows(access));
  const answers = asked.flatMap(({ name, outcome: answer, records }): readonly Row[] =>
    records.length === 0
      ? [[name, faint(answerWords[answer])]]
      : records.map(({ type, value, ...from }, index) => [
          index === 0 ? name : '',
          `${type} ${value}`,
          faint(atField(from)),
        ]),
  );
  return [rows, answers, near.length > 0 ? [[`there is ${near.join(', ')}`]] : []];
}

const answerWords = {
  found: 'found',
  'no-name': 'no such name',
  'no-data': 'no address',
  elsewhere: 'not a name of the cluster',
  invalid: 'not a domain name',
} as const;

function accessRows(access: readonly Judgement[]): readonly Row[] {
  return uniqueRows(
    access.map(judgement => {
      const side = judgement.egress.allowed ? judgement.ingress : judgement.egress;
      const decider = judgement.egress.allowed ? judgement.egress : side;
      return judgement.allowed
        ? [faint(`may ask it: ${sideWords(decider)}`)]
        : [bad(`may not ask ${judgement.to.address}: ${side.sentence}`)];
    }),
  );
}

function frontendSections(frontend: ServiceFrontend): Block['sections'] {
  const { endpoints, leftOut, outcome, sentence, service } = frontend;
  const head: Row = [
    strong(endOf(frontend)),
    outcome === 'forwarded' ? sentence : bad(`${outcome}: ${sentence}`),
    faint(atField(service)),
  ];
  return [
    [head],
    [
      ...endpoints.map((endpoint): Row => [
        `  ${endOf(endpoint)}`,
        where(endpoint),
        faint(atField(endpoint.from)),
      ]),
      ...leftOut.map((endpoint): Row => [
        faint(`  ${endOf(endpoint)}`),
        faint(`${where(endpoint)}: ${endpoint.why}`),
        faint(atField(endpoint.from)),
      ]),
    ],
  ];
}

/** Connections that are decided alike are shown once. */
function policyRows(choices: readonly Judgement[]): readonly Row[] {
  const groups = Map.groupBy(choices, ({ allowed, egress, ingress }) =>
    JSON.stringify([allowed, keyOf(egress), keyOf(ingress)]),
  );
  return [...groups.values()].flatMap(group => {
    const [first] = group;
    if (first === undefined) return [];
    const to = [...new Set(group.map(({ to: place }) => place.pod ?? place.address))];
    const head: Row[] = groups.size > 1 ? [[strong(`to ${to.join(', ')}`)]] : [];
    return [...head, ...sideRows('out', first.egress), ...sideRows('in', first.ingress)];
  });
}

const keyOf = ({ allowed, allowedBy, isolatedBy, misses, reason }: Side): unknown => [
  allowed,
  reason,
  allowedBy,
  isolatedBy,
  misses.map(({ field, object }) => `${object} ${field}`),
];

/** Of endings that are alike the first is told, and how many there are. */
function arrivalRows(choices: readonly Ending[]): readonly Row[] {
  const groups = Map.groupBy(choices, ({ decidedBy, outcome, to, sentence }) =>
    outcome === 'reaches' ? sentence : JSON.stringify([outcome, decidedBy, to === undefined]),
  );
  return [...groups.values()].flatMap(group => {
    const [first] = group;
    if (first === undefined) return [];
    const { outcome, sentence } = first;
    if (outcome === 'reaches') return [[good(sentence)]];
    const places = new Set(group.map(({ to }) => to?.pod ?? to?.address));
    const more = places.size > 1 ? ` (and ${places.size - 1} more alike)` : '';
    return [[bad(`${sentence}${more}`)]];
  });
}

function sideRows(name: string, side: Side): readonly Row[] {
  const verdict = side.allowed ? good('allowed') : bad('dropped');
  const rows: Row[] = [[name.padEnd(3), verdict, sideWords(side)]];
  for (const miss of side.misses) rows.push(['', faint('nearest'), `${atField(miss)}: ${miss.sentence}`]);
  return rows;
}

function sideWords({ allowedBy, isolatedBy, sentence }: Side): string {
  if (allowedBy === undefined) return sentence;
  const fields = [...new Set([allowedBy.peerField, allowedBy.portField])].join(' and ');
  const others = isolatedBy.map(({ object }) => object).filter(object => object !== allowedBy.object);
  const also = others.length === 0 ? '' : `; isolated also by ${[...new Set(others)].join(', ')}`;
  return `${allowedBy.object} ${fields}${also}`;
}

function routeRows(choices: Extract<Hop, { hop: 'route' }>['choices']): readonly Row[] {
  return uniqueRows(
    choices.map(({ to, sentence, way }) => [
      choices.length === 1 ? '' : (to.pod ?? to.address),
      way === 'none' ? bad(sentence) : sentence,
    ]),
  ).map(row => (row[0] === '' ? row.slice(1) : row));
}

function gatewaySections(hop: GatewayHop): Block['sections'] {
  const { backends, filters, gateway, hostname, listener, others, outcome, problems } = hop;
  const { rule, second } = hop;
  const said = `${gateway}: ${hop.sentence}`;
  const rows: Row[] = [];
  if (listener !== undefined) rows.push([faint('listener'), listener.name, faint(atField(listener))]);
  if (hostname !== undefined) rows.push([faint('host'), hostname]);
  if (rule !== undefined) rows.push([faint('rule'), rule.match, faint(atField(rule))]);
  for (const filter of filters) rows.push([faint('filter'), filter]);
  if (second !== undefined) rows.push([faint('second'), second.sentence, faint(atField(second))]);
  const leads = backends.flatMap(({ endpoints, from, service, share }): readonly Row[] => [
    [
      strong(service ?? 'nowhere'),
      endpoints.length === 0 ? bad(`${percent(share)}, no endpoint`) : percent(share),
      faint(atField(from)),
    ],
    ...endpoints.map((endpoint): Row => [`  ${endOf(endpoint)}`, where(endpoint)]),
  ]);
  return [
    [[outcome === 'answered' || outcome === 'no-handshake' ? bad(said) : said]],
    rows,
    others.map((other): Row => [faint('not'), faint(`${other.sentence}: ${atField(other)}`)]),
    leads,
    problems.map((problem): Row => [bad(problem)]),
  ];
}

const percent = (share: number): string => `${Math.round(share * 100)} %`;

function uniqueRows(rows: readonly Row[]): readonly Row[] {
  return [...new Map(rows.map(row => [JSON.stringify(row), row])).values()];
}
