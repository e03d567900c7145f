import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { inNamespace } from '../../src/kernel/ns/index.ts';
import { timed } from '../harness/rounds.ts';
import { unpackDebian } from '../harness/debian.ts';
import { addressOf, podCount } from './world.ts';
import type { PolicyFacts } from './world.ts';

/** Rules in the shape that iptables-based plugins share: a chain a pod, a chain a policy, a set of addresses a selector. */
export interface Iptables {
  readonly version: string;
  /** Milliseconds that it takes to load all of it into the namespace. */
  load(router: string, facts: readonly PolicyFacts[], wired: readonly [string, string]): Promise<number>;
}

/** Undefined where this kernel or this machine cannot: then rows have no peer. */
export function unpackIptables(say: (text: string) => void): Iptables | undefined {
  try {
    const unpacked = unpackDebian(['iptables', 'ipset'], say);
    const library = join(unpacked.root, 'usr/lib');
    const machine = readdirSync(library).find(name => name.endsWith('-linux-gnu')) ?? '';
    const environment = { ...unpacked.environment, XTABLES_LIBDIR: join(library, machine, 'xtables') };
    const run = (router: string, program: string, words: readonly string[], input: string) => {
      const path = join(unpacked.root, 'usr/sbin', program);
      const { status, stderr, error } = inNamespace(router, () =>
        spawnSync(path, words, { input, encoding: 'utf8', env: environment, maxBuffer: 2 ** 26 }),
      );
      if (status !== 0) throw new Error(`${program} failed: ${error?.message ?? stderr.slice(0, 500)}`);
    };
    return {
      version: `iptables ${unpacked.version('iptables')}, ipset ${unpacked.version('ipset')}`,
      load: (router, facts, wired) => {
        const sets = setsOf(facts, wired);
        const rules = rulesOf(facts, wired);
        return timed(() => {
          run(router, 'ipset', ['restore'], sets);
          run(router, 'xtables-nft-multi', ['iptables-restore'], rules);
          return Promise.resolve();
        });
      },
    };
  } catch (error) {
    say(`no iptables beside us: ${String(error).slice(0, 200)}`);
    return undefined;
  }
}

function setsOf(facts: readonly PolicyFacts[], wired: readonly [string, string]): string {
  const peers = [...new Set(facts.map(({ peer }) => peer))];
  const blocks = facts.filter(({ block }) => block !== undefined);
  return [
    ...peers.flatMap(peer => [`create s${peer} hash:ip`, `add s${peer} ${addressOf(peer, wired)}`]),
    ...blocks.flatMap(({ name, block }) => [`create b${name} hash:net`, `add b${name} ${block?.cidr ?? ''}`]),
    '',
  ].join('\n');
}

function rulesOf(facts: readonly PolicyFacts[], wired: readonly [string, string]): string {
  const subjects = [...new Set(facts.map(({ subject }) => subject))].filter(pod => pod < podCount);
  return [
    '*filter',
    ':FORWARD ACCEPT [0:0]',
    ...subjects.map(pod => `:POD-${pod} - [0:0]`),
    ...facts.map(({ name }) => `:POL-${name} - [0:0]`),
    '-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
    ...subjects.map(pod => `-A FORWARD -d ${addressOf(pod, wired)}/32 -j POD-${pod}`),
    ...facts.map(({ name, subject }) => `-A POD-${subject} -j POL-${name}`),
    ...subjects.map(pod => `-A POD-${pod} -m mark ! --mark 0x10000/0x10000 -j DROP`),
    ...facts.flatMap(({ block, isOpen, name, peer, port, protocol }) => {
      const accept = [
        `-m set --match-set s${peer} src -p ${protocol.toLowerCase()} --dport ${port}`,
        ...(isOpen ? [`-m set --match-set s${peer} src -p tcp --dport ${port}`] : []),
        ...(block === undefined
          ? []
          : [`-m set --match-set b${name} src -p tcp --dport ${block.from}:${block.to}`]),
      ];
      return accept.map(match => `-A POL-${name} ${match} -j MARK --set-xmark 0x10000/0x10000`);
    }),
    'COMMIT',
    '',
  ].join('\n');
}
