import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { runInChild } from '../../src/kernel/nft/index.ts';
import { createNamespace, deleteNamespace, inNamespace } from '../../src/kernel/ns/index.ts';
import { RouteSocket } from '../../src/kernel/netlink/index.ts';
import { setSysctl } from '../../src/kernel/sysctl/index.ts';
import { unpackDebian } from '../harness/debian.ts';
import { fillerAddress } from './objects.ts';

/** A node that routes between a client and a server, all three network namespaces, without anything of ours. */
export interface PeerRig extends Disposable {
  readonly client: string;
  readonly node: string;
  readonly server: string;
}

const nftProgram = 'nft';
export const serverAddress = '10.244.1.2';
/** The Service of the server, in the middle of all. */
export const virtualAddress = '10.96.255.1';

export function startPeerRig(name: string): PeerRig {
  const names = ['client', 'node', 'server'].map(part => `fairlead-bench-${name}-${part}-${process.pid}`);
  const [client, node, server] = names.map(createNamespace) as [string, string, string];
  for (const [index, peer] of [client, server].entries()) {
    using own = RouteSocket.open(node);
    using other = RouteSocket.open(peer);
    own.apply([
      { do: 'link-add', kind: 'veth', name: `pod${index}`, peer: { name: 'eth0', namespace: peer } },
      { do: 'address-add', dev: `pod${index}`, address: `10.244.${index}.1/24` },
      { do: 'link-set', dev: `pod${index}`, up: true },
    ]);
    other.apply([
      { do: 'address-add', dev: 'eth0', address: `10.244.${index}.2/24` },
      { do: 'link-set', dev: 'eth0', up: true },
      { do: 'route-replace', dst: '0.0.0.0/0', via: `10.244.${index}.1`, dev: 'eth0' },
    ]);
  }
  setSysctl(node, 'net.ipv4.ip_forward', 1);
  return {
    client,
    node,
    server,
    [Symbol.dispose]: () => {
      for (const each of names) deleteNamespace(each);
    },
  };
}

/** The Services of a peer: the measured one stands in the middle of the others. */
function* services(
  count: number,
): Generator<{ readonly address: string; readonly endpoints: readonly string[]; readonly port: number }> {
  for (let index = 0; index < count; index++) {
    if (index === count >> 1) yield { address: virtualAddress, endpoints: [serverAddress], port: 9000 };
    else
      yield {
        address: `10.96.${index >> 8}.${index & 255}`,
        endpoints: Array.from({ length: 10 }, (_, each) => fillerAddress(index * 10 + each)),
        port: 8080,
      };
  }
}

/** A verdict map to a chain a Service, a chain an endpoint: the shape that kube-proxy's nftables mode has. */
export async function loadNftables(node: string, count: number): Promise<string> {
  const lines = [
    'add table ip peer',
    'add chain ip peer mark-masquerade { meta mark set meta mark or 0x4000 ; }',
    'add map ip peer service-ips { type ipv4_addr . inet_proto . inet_service : verdict ; }',
    'add set ip peer cluster-ips { type ipv4_addr ; }',
    'add chain ip peer services { ip daddr . meta l4proto . th dport vmap @service-ips ; }',
    'add chain ip peer prerouting { type nat hook prerouting priority -100 ; jump services ; }',
    'add chain ip peer output { type nat hook output priority -100 ; jump services ; }',
    'add chain ip peer postrouting { type nat hook postrouting priority 100 ; meta mark and 0x4000 != 0 masquerade fully-random ; }',
    'add chain ip peer unknown { ip daddr @cluster-ips reject ; }',
    'add chain ip peer forward { type filter hook forward priority -110 ; ct state new jump unknown ; }',
  ];
  const elements: string[] = [];
  const addresses: string[] = [];
  let index = 0;
  for (const { address, endpoints, port } of services(count)) {
    const service = `service-${index++}`;
    const chains = endpoints.map((endpoint, each) => {
      const name = `endpoint-${index}-${each}`;
      lines.push(
        `add chain ip peer ${name} { ip saddr ${endpoint} jump mark-masquerade ; meta l4proto tcp dnat to ${endpoint}:${port} ; }`,
      );
      return `${each} : goto ${name}`;
    });
    lines.push(
      `add chain ip peer ${service} { ip daddr ${address} tcp dport 80 ip saddr != 10.244.0.0/16 jump mark-masquerade ; numgen random mod ${endpoints.length} vmap { ${chains.join(', ')} } ; }`,
    );
    elements.push(`${address} . tcp . 80 : goto ${service}`);
    addresses.push(address);
  }
  lines.push(
    `add element ip peer service-ips { ${elements.join(', ')} }`,
    `add element ip peer cluster-ips { ${addresses.join(', ')} }`,
  );
  await runInChild(lines.join('\n'), node);
  const { stdout } = spawnSync(nftProgram, ['--version'], { encoding: 'utf8' });
  return `rules in the shape of kube-proxy's nftables mode, ${stdout.trim()}`;
}

/** Undefined where this kernel or this machine cannot. */
export function loadIptables(node: string, count: number, say: (text: string) => void): string | undefined {
  try {
    const unpacked = unpackDebian(['iptables'], say);
    const library = join(unpacked.root, 'usr/lib');
    const machine = readdirSync(library).find(name => name.endsWith('-linux-gnu')) ?? '';
    const env = { ...unpacked.environment, XTABLES_LIBDIR: join(library, machine, 'xtables') };
    const { status, stderr, error } = inNamespace(node, () =>
      spawnSync(join(unpacked.root, 'usr/sbin/xtables-nft-multi'), ['iptables-restore'], {
        input: iptablesRules(count),
        encoding: 'utf8',
        env,
        maxBuffer: 2 ** 26,
      }),
    );
    if (status !== 0) throw new Error(error?.message ?? stderr.slice(0, 300));
    return `rules in the shape of kube-proxy's iptables mode, iptables ${unpacked.version('iptables')} (nf_tables)`;
  } catch (error) {
    say(`no iptables beside us: ${String(error).slice(0, 300)}`);
    return undefined;
  }
}

/** A rule a Service in one list, a chain a Service, a chain an endpoint, chosen by probability. */
function iptablesRules(count: number): string {
  const chains: string[] = [];
  const rules: string[] = [];
  let index = 0;
  for (const { address, endpoints, port } of services(count)) {
    const service = `SVC-${index++}`;
    chains.push(`:${service} - [0:0]`);
    rules.push(`-A SERVICES -d ${address}/32 -p tcp -m tcp --dport 80 -j ${service}`);
    for (const [each, endpoint] of endpoints.entries()) {
      const name = `SEP-${index}-${each}`;
      const left = endpoints.length - each;
      const by = left === 1 ? '' : `-m statistic --mode random --probability ${(1 / left).toFixed(10)} `;
      chains.push(`:${name} - [0:0]`);
      rules.push(
        `-A ${service} ${by}-j ${name}`,
        `-A ${name} -s ${endpoint}/32 -j MARK --set-xmark 0x4000/0x4000`,
        `-A ${name} -p tcp -m tcp -j DNAT --to-destination ${endpoint}:${port}`,
      );
    }
  }
  return [
    '*nat',
    ':SERVICES - [0:0]',
    ...chains,
    '-A PREROUTING -j SERVICES',
    '-A OUTPUT -j SERVICES',
    '-A POSTROUTING -m mark --mark 0x4000/0x4000 -j MASQUERADE',
    ...rules,
    'COMMIT',
    '',
  ].join('\n');
}
