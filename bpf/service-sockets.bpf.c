// SPDX-License-Identifier: (Apache-2.0 OR GPL-2.0)
/*
 * Translates a Service's address into an endpoint's where a pod's socket connects or sends, once, instead of every packet.
 * All programs let everything pass: what is not in the maps goes on to the Service's address, which nftables knows.
 *
 *   connect            frontends ─▶ slot ─▶ endpoint; the peer is remembered until the socket is closed
 *   sendmsg            the same for sockets that are not connected; a flow keeps its endpoint while that is one
 *   recvmsg            the answer comes from the Service again
 *   getpeername        so does the peer
 *   sock_release       forgets the peer
 */
#include <stdbool.h>
#include <linux/in.h>
#include <bpf/bpf_endian.h>
#include "service-maps.h"

#define SECOND 1000000000ULL
/* As long as the kernel tracks a flow that is answered (net.netfilter.nf_conntrack_udp_timeout_stream). */
#define FLOW_NANOSECONDS (120 * SECOND)
/* The third word of ::ffff:0:0/96. */
#define MAPPED bpf_htonl(0xffff)
#define PASS 1

static __always_inline struct address mapped(__u32 ip4)
{
	return (struct address){{0, 0, MAPPED, ip4}};
}

static __always_inline bool is_ip4(const struct address *address)
{
	return address->words[0] == 0 && address->words[1] == 0 && address->words[2] == MAPPED;
}

static __always_inline bool is_same(const struct address *a, const struct address *b)
{
	return a->words[0] == b->words[0] && a->words[1] == b->words[1] && a->words[2] == b->words[2] &&
	       a->words[3] == b->words[3];
}

static __always_inline bool is_known(__u32 protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP;
}

/* What the socket asks for: the address is written here, the rest is the same in both families. */
static __always_inline struct place place_of(struct bpf_sock_addr *ctx, struct address address)
{
	return (struct place){
		.address = address,
		.port = (__u16)ctx->user_port,
		.protocol = (__u8)ctx->protocol,
	};
}

static __always_inline struct address address6(struct bpf_sock_addr *ctx)
{
	return (struct address){{ctx->user_ip6[0], ctx->user_ip6[1], ctx->user_ip6[2], ctx->user_ip6[3]}};
}

static __always_inline void count(const struct place *frontend, const struct endpoint *endpoint)
{
	struct counted key = {.frontend = *frontend, .endpoint = endpoint->address, .port = endpoint->port};
	__u64 one = 1;
	__u64 *present = bpf_map_lookup_elem(&connections, &key);

	if (present)
		*present += 1;
	else
		bpf_map_update_elem(&connections, &key, &one, BPF_NOEXIST);
}

/* Would nftables have to masquerade, because the client is one of the endpoints, or not known well enough to tell? */
static __always_inline bool may_meet_itself(const struct place *at, __u64 namespace)
{
	struct local key = {.frontend = *at};
	const struct own *mine = bpf_map_lookup_elem(&own, &namespace);
	const struct address none = {};

	if (!mine)
		return true;
	for (int index = 0; index < MOST_OWN; index++) {
		key.endpoint = mine->addresses[index];
		if (is_same(&key.endpoint, &none))
			return false;
		if (is_ip4(&key.endpoint) == is_ip4(&at->address) && bpf_map_lookup_elem(&locals, &key))
			return true;
	}
	return false;
}

static __always_inline struct endpoint *draw(const struct place *at, const struct frontend *frontend)
{
	struct slot key = {.frontend = *at, .slot = bpf_get_prandom_u32() % frontend->choices};

	return bpf_map_lookup_elem(&endpoints, &key);
}

static __always_inline struct endpoint *by_id(const struct place *at, __u32 id)
{
	struct slot key = {.frontend = *at, .slot = BY_ID | id};

	return bpf_map_lookup_elem(&endpoints, &key);
}

/* A client that was here before gets the endpoint that it had (core/v1 sessionAffinity ClientIP). */
static __always_inline struct endpoint *stay(const struct place *at, const struct frontend *frontend, __u64 namespace)
{
	struct client key = {
		.namespace = namespace,
		.affinity_port = frontend->affinity_port,
		.family = is_ip4(&at->address) ? 4 : 6,
	};
	struct choice made = {.used_at = bpf_ktime_get_ns()};
	struct choice *before = bpf_map_lookup_elem(&affinity, &key);
	struct endpoint *endpoint = NULL;

	if (before && made.used_at - before->used_at < frontend->affinity_seconds * SECOND)
		endpoint = by_id(at, before->id);
	if (!endpoint)
		endpoint = draw(at, frontend);
	if (!endpoint)
		return NULL;
	made.id = endpoint->id;
	bpf_map_update_elem(&affinity, &key, &made, BPF_ANY);
	return endpoint;
}

/* NULL: nftables is to translate. */
static __always_inline struct endpoint *choose(struct bpf_sock_addr *ctx, const struct place *at)
{
	struct frontend *frontend = bpf_map_lookup_elem(&frontends, at);
	struct endpoint *endpoint;
	struct settings *set;
	__u64 namespace;
	__u32 first = 0;

	if (!frontend || frontend->choices == 0)
		return NULL;
	namespace = bpf_get_netns_cookie(ctx);
	set = bpf_map_lookup_elem(&settings, &first);
	if (!set || set->node_namespace == namespace)
		return NULL;
	if (frontend->flags & HAS_LOCAL && may_meet_itself(at, namespace))
		return NULL;
	endpoint = frontend->affinity_seconds ? stay(at, frontend, namespace) : draw(at, frontend);
	if (endpoint)
		count(at, endpoint);
	return endpoint;
}

/* A socket may connect again, to somebody else: it must not be answered for, nor ended, as if it had not. */
static __always_inline void forget(__u32 protocol, __u64 *socket)
{
	if (protocol == IPPROTO_TCP) {
		if (bpf_map_lookup_elem(&tcp_peers, socket))
			bpf_map_delete_elem(&tcp_peers, socket);
	} else if (bpf_map_lookup_elem(&udp_peers, socket)) {
		bpf_map_delete_elem(&udp_peers, socket);
	}
}

static __always_inline struct endpoint *connecting(struct bpf_sock_addr *ctx, struct address address)
{
	struct place at = place_of(ctx, address);
	struct endpoint *endpoint;
	struct peer peer = {};
	__u64 socket;
	long full;

	if (!is_known(ctx->protocol))
		return NULL;
	socket = bpf_get_socket_cookie(ctx);
	forget(ctx->protocol, &socket);
	endpoint = choose(ctx, &at);
	if (!endpoint)
		return NULL;
	peer.service = at;
	peer.endpoint = endpoint->address;
	peer.port = endpoint->port;
	peer.namespace = bpf_get_netns_cookie(ctx);
	if (ctx->protocol == IPPROTO_TCP)
		full = bpf_map_update_elem(&tcp_peers, &socket, &peer, BPF_ANY);
	else
		full = bpf_map_update_elem(&udp_peers, &socket, &peer, BPF_ANY);
	return full ? NULL : endpoint;
}

/*
 * Whom a UDP socket is connected to; NULL where it is not: connecting to AF_UNSPEC, or being ended, takes the peer away
 * without any hook.
 */
static __always_inline struct peer *udp_peer(struct bpf_sock_addr *ctx, __u64 *socket)
{
	struct bpf_sock *sock = ctx->sk;

	if (!sock || sock->state != BPF_TCP_ESTABLISHED)
		return NULL;
	return bpf_map_lookup_elem(&udp_peers, socket);
}

/* True where `to` and `port` say an endpoint. */
static __always_inline bool sending(struct bpf_sock_addr *ctx, struct address address, struct address *to, __u16 *port)
{
	struct place at = place_of(ctx, address);
	struct flow key = {.service = at};
	struct choice made = {}, *before;
	struct answer answer = {};
	struct endpoint *endpoint = NULL;
	struct peer *peer;

	if (ctx->protocol != IPPROTO_UDP || !bpf_map_lookup_elem(&frontends, &at))
		return false;
	key.socket = bpf_get_socket_cookie(ctx);
	peer = udp_peer(ctx, &key.socket);
	/* A connected socket that names its peer hears nobody else. */
	if (peer && peer->service.port == at.port && is_same(&peer->service.address, &at.address)) {
		*to = peer->endpoint;
		*port = peer->port;
		return true;
	}
	made.used_at = bpf_ktime_get_ns();
	before = bpf_map_lookup_elem(&flows, &key);
	if (before && made.used_at - before->used_at < FLOW_NANOSECONDS)
		endpoint = by_id(&at, before->id);
	if (!endpoint)
		endpoint = choose(ctx, &at);
	if (!endpoint)
		return false;
	made.id = endpoint->id;
	answer.socket = key.socket;
	answer.endpoint = *to = endpoint->address;
	answer.port = *port = endpoint->port;
	return !bpf_map_update_elem(&flows, &key, &made, BPF_ANY) &&
	       !bpf_map_update_elem(&answers, &answer, &at, BPF_ANY);
}

/* The Service behind whose endpoint the other side of a socket is; NULL: it is whoever it says. */
static __always_inline struct place *service_of(struct bpf_sock_addr *ctx, struct address address, bool answered)
{
	__u64 socket = bpf_get_socket_cookie(ctx);
	__u16 port = (__u16)ctx->user_port;
	struct answer key = {.socket = socket, .endpoint = address, .port = port};
	struct peer *peer;

	if (ctx->protocol == IPPROTO_TCP)
		peer = bpf_map_lookup_elem(&tcp_peers, &socket);
	else
		peer = udp_peer(ctx, &socket);
	if (peer && peer->port == port && is_same(&peer->endpoint, &address))
		return &peer->service;
	return answered ? bpf_map_lookup_elem(&answers, &key) : NULL;
}

static __always_inline void lead4(struct bpf_sock_addr *ctx, const struct address *address, __u16 port)
{
	ctx->user_ip4 = address->words[3];
	ctx->user_port = port;
}

static __always_inline void lead6(struct bpf_sock_addr *ctx, const struct address *address, __u16 port)
{
	ctx->user_ip6[0] = address->words[0];
	ctx->user_ip6[1] = address->words[1];
	ctx->user_ip6[2] = address->words[2];
	ctx->user_ip6[3] = address->words[3];
	ctx->user_port = port;
}

SEC("cgroup/connect4")
int connect4(struct bpf_sock_addr *ctx)
{
	struct endpoint *endpoint = connecting(ctx, mapped(ctx->user_ip4));

	if (endpoint)
		lead4(ctx, &endpoint->address, endpoint->port);
	return PASS;
}

SEC("cgroup/connect6")
int connect6(struct bpf_sock_addr *ctx)
{
	struct endpoint *endpoint = connecting(ctx, address6(ctx));

	if (endpoint)
		lead6(ctx, &endpoint->address, endpoint->port);
	return PASS;
}

SEC("cgroup/sendmsg4")
int sendmsg4(struct bpf_sock_addr *ctx)
{
	struct address to;
	__u16 port;

	if (sending(ctx, mapped(ctx->user_ip4), &to, &port))
		lead4(ctx, &to, port);
	return PASS;
}

SEC("cgroup/sendmsg6")
int sendmsg6(struct bpf_sock_addr *ctx)
{
	struct address to;
	__u16 port;

	if (sending(ctx, address6(ctx), &to, &port))
		lead6(ctx, &to, port);
	return PASS;
}

SEC("cgroup/recvmsg4")
int recvmsg4(struct bpf_sock_addr *ctx)
{
	struct place *service = service_of(ctx, mapped(ctx->user_ip4), true);

	if (service)
		lead4(ctx, &service->address, service->port);
	return PASS;
}

SEC("cgroup/recvmsg6")
int recvmsg6(struct bpf_sock_addr *ctx)
{
	struct place *service = service_of(ctx, address6(ctx), true);

	if (service)
		lead6(ctx, &service->address, service->port);
	return PASS;
}

SEC("cgroup/getpeername4")
int getpeername4(struct bpf_sock_addr *ctx)
{
	struct place *service = service_of(ctx, mapped(ctx->user_ip4), false);

	if (service)
		lead4(ctx, &service->address, service->port);
	return PASS;
}

SEC("cgroup/getpeername6")
int getpeername6(struct bpf_sock_addr *ctx)
{
	struct place *service = service_of(ctx, address6(ctx), false);

	if (service)
		lead6(ctx, &service->address, service->port);
	return PASS;
}

SEC("cgroup/sock_release")
int sock_release(struct bpf_sock *sock)
{
	__u64 socket;

	if (!is_known(sock->protocol))
		return PASS;
	socket = bpf_get_socket_cookie(sock);
	if (sock->protocol == IPPROTO_TCP)
		bpf_map_delete_elem(&tcp_peers, &socket);
	else
		bpf_map_delete_elem(&udp_peers, &socket);
	return PASS;
}

char _license[] SEC("license") = "GPL";
