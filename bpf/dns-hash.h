/* SPDX-License-Identifier: (Apache-2.0 OR GPL-2.0) */
/* Names by their hashes: SipHash-2-4 with 128 bits (Aumasson and Bernstein, 2012). */
#pragma once

#include "dns-work.h"

#define ROTATE(value, bits) (((value) << (bits)) | ((value) >> (64 - (bits))))

#define SIP_ROUND                                                                                                      \
	do {                                                                                                           \
		v0 += v1;                                                                                              \
		v1 = ROTATE(v1, 13);                                                                                   \
		v1 ^= v0;                                                                                              \
		v0 = ROTATE(v0, 32);                                                                                   \
		v2 += v3;                                                                                              \
		v3 = ROTATE(v3, 16);                                                                                   \
		v3 ^= v2;                                                                                              \
		v0 += v3;                                                                                              \
		v3 = ROTATE(v3, 21);                                                                                   \
		v3 ^= v0;                                                                                              \
		v2 += v1;                                                                                              \
		v1 = ROTATE(v1, 17);                                                                                   \
		v1 ^= v2;                                                                                              \
		v2 = ROTATE(v2, 32);                                                                                   \
	} while (0)

#define ALL(octet) (0x0101010101010101ULL * (octet))

/* Eight octets at once: 'A' to 'Z' become small. Lengths of labels are less than 'A'. */
static __always_inline __u64 folded(__u64 word)
{
	__u64 low = word & ALL(0x7f);
	__u64 from_a = low + ALL(0x80 - 'A');
	__u64 behind_z = low + ALL(0x7f - 'Z');

	return word | (((~word & ALL(0x80)) & (from_a ^ behind_z)) >> 2);
}

/* Of the name from `start` to its end, which is behind the root's octet; into `hash`. */
__noinline int hash_name(__u32 start)
{
	__u32 first = 0;
	struct work *work = bpf_map_lookup_elem(&works, &first);
	__u64 v0, v1, v2, v3, word;
	__u32 left, at;

	if (!work)
		return 1;
	left = work->name_end - start;
	if (start > HEADER + LONGEST_NAME || left > LONGEST_NAME)
		return 1;
	v0 = work->secret[0] ^ 0x736f6d6570736575ULL;
	v1 = work->secret[1] ^ 0x646f72616e646f6dULL ^ 0xee;
	v2 = work->secret[0] ^ 0x6c7967656e657261ULL;
	v3 = work->secret[1] ^ 0x7465646279746573ULL;
	at = start;
	word = (__u64)left << 56;
	for (int index = 0; index < 32; index++) {
		__u64 octets = folded(*(__u64 *)&work->message[at & 0x1ff]);

		if (left < 8) {
			if (left > 0)
				word |= octets & (~0ULL >> (64 - 8 * left));
			break;
		}
		v3 ^= octets;
		SIP_ROUND;
		SIP_ROUND;
		v0 ^= octets;
		left -= 8;
		at += 8;
	}
	v3 ^= word;
	SIP_ROUND;
	SIP_ROUND;
	v0 ^= word;
	v2 ^= 0xee;
	SIP_ROUND;
	SIP_ROUND;
	SIP_ROUND;
	SIP_ROUND;
	work->hash.words[0] = v0 ^ v1 ^ v2 ^ v3;
	v1 ^= 0xdd;
	SIP_ROUND;
	SIP_ROUND;
	SIP_ROUND;
	SIP_ROUND;
	work->hash.words[1] = v0 ^ v1 ^ v2 ^ v3;
	return 0;
}
