import { libbpf } from '../ffi/libbpf.ts';
import { addressOf } from '../ffi/memory.ts';
import { done } from './error.ts';
import type { BpfProgram } from './object.ts';

export interface TestRun {
  /** The program's verdict: TC_ACT_OK is 0, TC_ACT_REDIRECT 7. */
  readonly verdict: number;
  /** The frame as the program left it. */
  readonly frame: Uint8Array;
  /** Nanoseconds of one run, of the mean. */
  readonly nanoseconds: number;
}

const longestFrame = 2048;

/**
 * Runs a program of type `tc` on one frame, from its Ethernet header on, without any link (BPF_PROG_TEST_RUN). The frame
 * has come in by loopback, whose address is all zeros. With `times` the frame is the same buffer again and again.
 */
export function testRun(program: Pick<BpfProgram, 'name' | 'fd'>, frame: Uint8Array, times = 1): TestRun {
  const input = Uint8Array.from(frame); // a buffer of its own
  const output = new Uint8Array(longestFrame);
  // struct bpf_test_run_opts { size_t sz; void *data_in, *data_out; __u32 size_in, size_out; void *ctx_in, *ctx_out;
  //   __u32 ctx_size_in, ctx_size_out, retval; int repeat; __u32 duration, flags, cpu, batch_size; }
  const options = new Uint8Array(80);
  const view = new DataView(options.buffer);
  view.setBigUint64(0, BigInt(options.length), true);
  view.setBigUint64(8, addressOf(input), true);
  view.setBigUint64(16, addressOf(output), true);
  view.setUint32(24, input.length, true);
  view.setUint32(28, output.length, true);
  view.setInt32(60, times, true);
  done(libbpf().bpf_prog_test_run_opts(program.fd, options), `test the program ${program.name}`);
  return {
    verdict: view.getUint32(56, true),
    frame: output.slice(0, view.getUint32(28, true)),
    nanoseconds: view.getUint32(64, true),
  };
}
