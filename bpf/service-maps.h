/* SPDX-License-Identifier: (Apache-2.0 OR GPL-2.0) */
/*
 * What the agent writes for the socket hooks of Services, and what these keep themselves. Everything is in network byte
 * order but counts, ids and times; IPv4 addresses are written as IPv4-mapped IPv6 addresses (RFC 4291, 2.5.5.2), so that
 * sockets of both families meet in the same entries. src/services/compile-ebpf.ts has the same shapes.
 */
#pragma once

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct address {
	__u32 words[4];
};

/* A Service's virtual address, protocol (IANA) and port. */
struct place {
	struct address address;
	__u16 port;
	__u8 protocol;
	__u8 zero;
};

/* One of the endpoints is on this node: a pod that may be itself among them is left to nftables. */
#define HAS_LOCAL 1

struct frontend {
	/* Slots 0 to choices - 1 lead to endpoints. */
	__u32 choices;
	__u32 flags;
	/* 0: none. */
	__u32 affinity_seconds;
	__u32 zero;
	/* Shared by the addresses of one Service port. */
	__u64 affinity_port;
};

/* Set in a slot: the rest of it is an endpoint's id, for those that come again. */
#define BY_ID 0x80000000

struct slot {
	struct place frontend;
	__u32 slot;
};

struct endpoint {
	struct address address;
	__u16 port;
	__u16 zero;
	/* Of this endpoint for as long as it is one, whatever its slot. */
	__u32 id;
};

struct local {
	struct place frontend;
	struct address endpoint;
};

/* A pod's own addresses, of both families; the rest is zeros. */
#define MOST_OWN 16

struct own {
	struct address addresses[MOST_OWN];
};

/* The network namespace of the node: what is in it is left to nftables. */
struct settings {
	__u64 node_namespace;
};

/* Whom a connected socket believes to speak to, and with whom it does. */
struct peer {
	struct place service;
	struct address endpoint;
	__u16 port;
	__u16 zero;
	__u64 namespace;
};

struct client {
	__u64 namespace;
	__u64 affinity_port;
	__u32 family;
	__u32 zero;
};

struct choice {
	__u64 used_at;
	__u32 id;
	__u32 zero;
};

/* What an unconnected socket sends to a Service. */
struct flow {
	__u64 socket;
	struct place service;
	__u32 zero;
};

/* Whence an unconnected socket is answered. */
struct answer {
	__u64 socket;
	struct address endpoint;
	__u16 port;
	__u16 zero;
	__u32 zero_too;
};

struct counted {
	struct place frontend;
	struct address endpoint;
	__u16 port;
	__u16 zero;
};

/* Written by the agent. How large the first three are, it says when it loads them. */

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 16384);
	__type(key, struct place);
	__type(value, struct frontend);
} frontends SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 65536);
	__type(key, struct slot);
	__type(value, struct endpoint);
} endpoints SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 65536);
	__type(key, struct local);
	__type(value, __u32);
} locals SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 4096);
	__type(key, __u64);
	__type(value, struct own);
} own SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct settings);
} settings SEC(".maps");

/* Kept by the hooks. Peers are exact, and go with their sockets; where there is no room, nftables translates. */

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 131072);
	__type(key, __u64);
	__type(value, struct peer);
} tcp_peers SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 65536);
	__type(key, __u64);
	__type(value, struct peer);
} udp_peers SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct flow);
	__type(value, struct choice);
} flows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct answer);
	__type(value, struct place);
} answers SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 32768);
	__type(key, struct client);
	__type(value, struct choice);
} affinity SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 131072);
	__type(key, struct counted);
	__type(value, __u64);
} connections SEC(".maps");
