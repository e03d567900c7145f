/** The part of CoreDNS's configuration that its stand-in knows: server blocks with a few plugins. */
import { isIP } from 'node:net';

export interface Plugin {
  readonly name: string;
  /** Of `forward`: addresses. */
  readonly upstreams: readonly string[];
}

export type Blocks = readonly {
  /** Lower case, without the final dot; `.` for every name. */
  readonly zones: readonly string[];
  readonly port: number;
  readonly plugins: readonly Plugin[];
}[];

const PLAIN = ['whoami', 'log', 'errors', 'ready'];

/** Throws an Error with a sentence for what the stand-in cannot do. */
export function parseCorefile(text: string): Blocks {
  const lines = text
    .split('\n')
    .map(line => line.replace(/#.*/, '').trim())
    .filter(line => line !== '');
  const blocks: { zones: readonly string[]; port: number; plugins: Plugin[] }[] = [];
  let open: (typeof blocks)[number] | undefined;
  for (const line of lines) {
    if (open === undefined) {
      if (!line.endsWith('{')) throw new Error(`"${line}" begins no server block`);
      blocks.push(
        (open = {
          ...placesOf(
            line
              .slice(0, -1)
              .trim()
              .split(/[\s,]+/),
          ),
          plugins: [],
        }),
      );
    } else if (line === '}') open = undefined;
    else open.plugins.push(pluginOf(line));
  }
  if (open !== undefined) throw new Error('the last server block does not end');
  if (blocks.length === 0) throw new Error('there is no server block');
  return blocks;
}

function placesOf(texts: readonly string[]): { readonly zones: readonly string[]; readonly port: number } {
  const places = texts.map(text => {
    const [, zone = '', port = '53'] = /^(?:dns:\/\/)?([^:]+)(?::(\d{1,5}))?$/.exec(text) ?? [];
    if (zone === '') throw new Error(`"${text}" is no zone`);
    return { zone: zone === '.' ? zone : zone.toLowerCase().replace(/\.$/, ''), port: Number(port) };
  });
  const ports = new Set(places.map(({ port }) => port));
  const [port = 53] = ports;
  if (ports.size > 1) throw new Error(`zones of one block with several ports: ${texts.join(' ')}`);
  return { zones: places.map(({ zone }) => zone), port };
}

function pluginOf(line: string): Plugin {
  const [name = '', ...rest] = line.split(/\s+/);
  if (PLAIN.includes(name) && rest.length === 0) return { name, upstreams: [] };
  const [from, ...upstreams] = rest;
  if (name === 'forward' && from === '.' && upstreams.length > 0 && upstreams.every(to => isIP(to) > 0))
    return { name, upstreams };
  throw new Error(`the stand-in for CoreDNS cannot do "${line}"`);
}
