/**
 * Opens connections from wherever it is started, one after the other, and says what each took: by the system calls
 * themselves, so that no event loop is measured. `node connect.ts` reads one line of JSON after the other: targets and how
 * many connections to each; it answers with the microseconds of each, by target. Targets alternate by ten.
 */
import { createInterface } from 'node:readline';
import { bytesOf, parseAddress } from '../../src/base/ip.ts';
import { constants, libc } from '../../src/kernel/ffi/libc.ts';
import { inNamespace } from '../../src/kernel/ns/index.ts';

export interface ConnectRequest {
  readonly targets: readonly {
    readonly host: string;
    readonly port: number;
    /** Path of the network namespace that the connection is opened in; absent: where the process was started. */
    readonly from?: string;
  }[];
  readonly count: number;
}

/** Microseconds of each connect(2), by target. */
export type ConnectAnswer = readonly (readonly number[])[];

const lingerOption = 13;
/** struct linger: on, no time. Closing resets, and leaves nothing behind. */
const linger = Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0);
const turn = 10;

if (import.meta.main) {
  for await (const line of createInterface({ input: process.stdin })) {
    const { count, targets } = JSON.parse(line) as ConnectRequest;
    const names = targets.map(({ from, host, port }) => ({ from, name: nameOf(host, port) }));
    const samples = targets.map((): number[] => []);
    for (let done = 0; done < count; done += turn)
      for (const [index, { from, name }] of names.entries())
        for (let each = 0; each < turn; each++) samples[index]?.push(connectOnce(name, from));
    process.stdout.write(`${JSON.stringify(samples)}\n`);
  }
}

function connectOnce(name: Uint8Array, from: string | undefined): number {
  const calls = libc();
  const make = () => calls.socket(constants.AF_INET, constants.SOCK_STREAM | constants.SOCK_CLOEXEC, 0);
  const fd = from === undefined ? make() : inNamespace(from, make);
  calls.setsockopt(fd, constants.SOL_SOCKET, lingerOption, linger, linger.length);
  const started = process.hrtime.bigint();
  const result = calls.connect(fd, name, name.length);
  const took = Number(process.hrtime.bigint() - started) / 1000;
  calls.close(fd);
  if (result !== 0) throw new Error('a connection was refused');
  return took;
}

/** struct sockaddr_in */
function nameOf(host: string, port: number): Uint8Array {
  const address = parseAddress(host);
  if (address?.family !== 4) throw new Error(`${host} is no IPv4 address`);
  return Uint8Array.of(2, 0, port >> 8, port & 255, ...bytesOf(address), 0, 0, 0, 0, 0, 0, 0, 0);
}
