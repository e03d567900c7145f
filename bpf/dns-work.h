/* SPDX-License-Identifier: (Apache-2.0 OR GPL-2.0) */
/* The message of the question that is being answered, and what is known of it. */
#pragma once

#include <stdbool.h>
#include <bpf/bpf_endian.h>
#include "dns-maps.h"

#define HEADER 12
#define LONGEST_NAME 255
/* Behind the name: type and class. */
#define TAIL 4
#define LONGEST_MESSAGE 512
#define MOST_LABELS 32
#define LABEL_BITS 0x3f
#define OPT_LENGTH 11
#define MOST_OPTIONS 4
#define TYPE_A 1
#define TYPE_AAAA 28
#define TYPE_OPT 41
#define CLASS_IN 1
#define QR 0x80
#define OPCODE 0x78
#define AA 0x04
#define RD 0x01
#define CD 0x10
#define DO 0x80
#define NXDOMAIN 3
#define HOPS 64

/* What is known of the packet, and the message; one question at a time on a processor. */
struct work {
	/* The message as it came, then as it goes; what is behind it is zeros up to a word. */
	__u8 message[LONGEST_MESSAGE + 320];
	/* Where labels begin. */
	__u16 labels[MOST_LABELS];
	__u32 label_count;
	__u32 name_end;
	__u64 secret[2];
	struct name_hash hash;
	struct name name;
	struct addresses addresses;
	struct settings settings;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct work);
} works SEC(".maps");

/* Where the parts of the frame are, and what the question is. */
struct frame {
	__u32 message_at;
	__u32 length;
	bool is6;
	bool is_aaaa;
	bool has_opt;
	bool dnssec_ok;
	__u16 room;
};

/* The compiler may not reckon back from what it knows of a bound: the verifier has to see it at the value that is used. */
#define SEEN(value) asm volatile("" : "+r"(value))

static __always_inline __u16 word_at(const struct work *work, __u32 at)
{
	return (__u16)work->message[at & 0x1ff] << 8 | work->message[(at + 1) & 0x1ff];
}

static __always_inline void put16(struct work *work, __u32 at, __u16 value)
{
	*(__u16 *)&work->message[at & 0x1ff] = bpf_htons(value);
}
