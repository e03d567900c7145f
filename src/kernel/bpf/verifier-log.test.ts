import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BpfError } from './error.ts';
import { verifierReason } from './verifier-log.ts';

/** As Linux 6.18 and libbpf 1.1 wrote it. */
const log = `libbpf: prog 'reads_too_far': -- BEGIN PROG LOAD LOG --
0: R1=ctx() R10=fp0
; void *data = (void *)(long)skb->data; @ bad.bpf.c:5
0: (61) r1 = *(u32 *)(r1 +76)         ; R1=pkt(r=0)
; return *(int *)data; @ bad.bpf.c:6
1: (61) r0 = *(u32 *)(r1 +0)
invalid access to packet, off=0 size=4, R1(id=0,off=0,r=0)
R1 offset is outside of the packet
processed 2 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0
-- END PROG LOAD LOG --
`;

test('of a verifier’s log the reason and the line of source are shown, with the number of lines left out', () => {
  assert.deepEqual(verifierReason(log), {
    reason: 'invalid access to packet, off=0 size=4, R1(id=0,off=0,r=0); R1 offset is outside of the packet',
    source: 'return *(int *)data; @ bad.bpf.c:6',
    omitted: 5,
  });
  const error = new BpfError('load the eBPF object bad.o', 13, [
    "libbpf: prog 'reads_too_far': failed\n",
    log,
  ]);
  assert.match(error.message, /the verifier says of reads_too_far: invalid access to packet/);
  assert.match(error.log, /processed 2 insns/, 'the whole log stays with the error');
});

test('a log without a reason, or without any line, gives none', () => {
  assert.equal(verifierReason(''), undefined);
  assert.equal(verifierReason('0: (b7) r0 = 0\nprocessed 1 insns (limit 1)\n'), undefined);
  assert.equal(verifierReason('unreachable insn 3\n')?.reason, 'unreachable insn 3');
});

test('an error without a verifier’s log shows the first messages of libbpf', () => {
  const messages = ['libbpf: one\n', 'libbpf: two\n', 'libbpf: three\n', 'libbpf: four\n', 'libbpf: five\n'];
  assert.match(
    new BpfError('load x', 22, messages).message,
    /EINVAL: one; two; three; four \(1 more messages\)$/,
  );
});
