/* SPDX-License-Identifier: (Apache-2.0 OR GPL-2.0) */
/*
 * What the DNS server writes for the answers that are given in the kernel, and the agent for the pods that may have them.
 * Octets of the network are in network byte order, all else is in the machine's. src/dns/compile-kernel.ts has the same
 * shapes.
 */
#pragma once

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

/* SipHash-2-4 with 128 bits of a name in wire form, ASCII letters in lower case, by a secret of this node. */
struct name_hash {
	__u64 words[2];
};

/* Questions of this type are the server's to answer. */
#define PASS_A 1
#define PASS_AAAA 2
/* Names below it that are not in the map may exist all the same. */
#define OPEN_BELOW 4
/* Its addresses are in the map of many. */
#define HAS_MANY 8

struct name {
	/* The first word of its hash, here and at the end: an element that was changed while it was read does not count. */
	__u64 check;
	__u16 flags;
	/* Without any it exists, with no record of the type. */
	__u8 a_count;
	__u8 aaaa_count;
	__u32 a;
	__u32 aaaa[4];
	__u64 check_again;
};

#define MOST_ADDRESSES 16

/* Written before the name that it is of: the check at its end is changed by how many there are of each family. */
struct addresses {
	__u64 check;
	__u32 a[MOST_ADDRESSES];
	__u32 aaaa[MOST_ADDRESSES][4];
	__u64 check_again;
};

/* Nothing is answered without it. */
#define ANSWERS 1
/* What is not in the map does not exist. */
#define COMPLETE 2
/* Search lists are completed: what the first entry makes of a name, and nobody has, is the server's to answer. */
#define AUTOPATH 4

#define LONGEST_SOA 128
#define MOST_POINTERS 4

/* How answers look; `version` is another one after each change, and the same at both ends. */
struct settings {
	__u32 version;
	__u32 flags;
	__u64 secret[2];
	/* Of the cluster's domain. */
	struct name_hash zone;
	/* Where questions are asked. */
	__u32 address4;
	__u32 address6[4];
	/* Of addresses; in network byte order. */
	__u32 ttl;
	/* Octets of an answer at most, and those that OPT tells. */
	__u16 largest;
	__u16 told;
	/* Of the cluster's domain, without the root. */
	__u16 zone_labels;
	__u16 zone_length;
	/* The SOA record as it stands behind a question for the domain itself, and where in it pointers to that name are. */
	__u16 soa_length;
	__u16 pointers;
	__u16 pointer_at[MOST_POINTERS];
	__u8 soa[LONGEST_SOA];
	/* Seconds of CLOCK_MONOTONIC; nothing is answered after it. The server puts it off for as long as it lives. */
	__u32 until;
	__u32 version_again;
};

/* What policy lets a pod ask, by the family of the question's packet. */
#define ALLOWED_4 1
#define ALLOWED_6 2

#define LONGEST_LABEL 64

struct pod {
	__u32 flags;
	__u32 zero;
	/* Its length and its letters; the rest is zeros. */
	__u8 namespace[LONGEST_LABEL];
};

/* Upper bounds of octets, as CoreDNS has them; the last is for what is longer. */
#define SIZES 7

enum outcome { ANSWERED, NO_DATA, NO_NAME, OUTCOMES };

/* Why a question went to the server. */
enum reason {
	NOT_ALLOWED,
	UNUSUAL,
	OTHER_TYPE,
	UNKNOWN,
	NO_ROOM,
	CHANGING,
	REASONS
};

/* Of one family. */
struct counts {
	__u64 answers[2][OUTCOMES];
	__u64 passed[REASONS];
	__u64 dnssec;
	__u64 question_sizes[SIZES];
	__u64 question_octets;
	__u64 answer_sizes[SIZES];
	__u64 answer_octets;
};

/* A generation of names is swapped whole; the server makes it, and says how large it is. */
struct names_of_generation {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1024);
	__type(key, struct name_hash);
	__type(value, struct name);
};

struct many_of_generation {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1024);
	__type(key, struct name_hash);
	__type(value, struct addresses);
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, struct names_of_generation);
} names SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, struct many_of_generation);
} many SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct settings);
} settings SEC(".maps");

/* Of what the names in force say; nothing is decided by it. */
struct state {
	/* When the API server last confirmed them, in milliseconds since the epoch; 0: it never did. */
	__u64 confirmed_at;
	__u64 names;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct state);
} state SEC(".maps");

/* By the index of the pod's link in the node. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, struct pod);
} pods SEC(".maps");

/* Namespaces of pods by their addresses (IPv4 as IPv4-mapped): for the server, which completes search lists by them. */
struct client {
	__u32 words[4];
};

struct client_namespace {
	__u8 label[LONGEST_LABEL];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 8192);
	__type(key, struct client);
	__type(value, struct client_namespace);
} clients SEC(".maps");

/* By family: 0 is IPv4. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, struct counts);
} counts SEC(".maps");
