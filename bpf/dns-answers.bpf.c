// SPDX-License-Identifier: (Apache-2.0 OR GPL-2.0)
/*
 * Answers questions for the cluster's names where a pod's packets come in on its node: the question is turned round, gets
 * the records that the map has, and goes back by the link that it came from. Whatever is not exactly as it should be is let
 * pass, and the DNS server answers it: the two say the same, octet for octet.
 *
 *   frame ─▶ a UDP question for A or AAAA at the DNS address? ─▶ may this pod ask? ─▶ name in the map? ─▶ addresses, NODATA
 *                                                                                        └─ not there, and the map is
 *                                                                                           complete ─▶ NXDOMAIN
 */
#include <stdbool.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>
#include <linux/udp.h>
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

static __always_inline __u16 word_at(const struct work *work, __u32 at)
{
	return (__u16)work->message[at & 0x1ff] << 8 | work->message[(at + 1) & 0x1ff];
}

/* Where labels begin and the name ends; false for one that is none, or has too many. */
__noinline int walk_name(__u32 length)
{
	__u32 first = 0, at = HEADER;
	struct work *work = bpf_map_lookup_elem(&works, &first);

	if (!work)
		return 1;
	for (int index = 0; index < MOST_LABELS; index++) {
		__u32 octet = work->message[at & 0x1ff];

		if (octet == 0) {
			work->label_count = index;
			work->name_end = at + 1;
			return at + 1 + TAIL > length || at + 1 - HEADER > LONGEST_NAME;
		}
		if (octet > LABEL_BITS)
			return 1;
		work->labels[index] = at;
		at += octet + 1;
		if (at >= HEADER + LONGEST_NAME)
			return 1;
	}
	return 1;
}

/* Options behind each other up to the end, as many as programs send. */
__noinline int walk_options(__u32 at, __u32 end)
{
	__u32 first = 0;
	struct work *work = bpf_map_lookup_elem(&works, &first);

	if (!work)
		return 1;
	for (int index = 0; index <= MOST_OPTIONS; index++) {
		if (at == end)
			return 0;
		if (at + 4 > end || at > LONGEST_MESSAGE)
			return 1;
		at += 4 + word_at(work, at + 2);
	}
	return 1;
}

static __always_inline int size_of(__u32 octets)
{
	if (octets <= 100)
		return octets == 0 ? 0 : 1;
	if (octets <= 300)
		return octets <= 200 ? 2 : 3;
	return octets <= 400 ? 4 : octets <= 511 ? 5 : 6;
}

static __always_inline int pass(struct counts *counts, enum reason reason)
{
	counts->passed[reason]++;
	return TC_ACT_OK;
}

/* Into `name`; 0 where it is there, 1 where it is not, -1 where it is being changed. */
__noinline int find_name(__u32 start)
{
	__u32 first = 0;
	struct work *work = bpf_map_lookup_elem(&works, &first);
	struct name *found;
	void *generation;

	if (!work || hash_name(start))
		return -1;
	generation = bpf_map_lookup_elem(&names, &first);
	if (!generation)
		return -1;
	found = bpf_map_lookup_elem(generation, &work->hash);
	if (!found)
		return 1;
	work->name = *found;
	if (work->name.check != work->hash.words[0] || work->name.check_again != work->hash.words[0])
		return -1;
	return 0;
}

/* A name that is not in the map: does it not exist? */
static __always_inline bool is_absent(struct work *work)
{
	__u32 above = work->settings.zone_labels;
	__u32 count = work->label_count;

	if (!(work->settings.flags & COMPLETE) || count < above || above == 0)
		return false;
	if (hash_name(work->labels[(count - above) & (MOST_LABELS - 1)]))
		return false;
	if (work->hash.words[0] != work->settings.zone.words[0] || work->hash.words[1] != work->settings.zone.words[1])
		return false;
	/* SERVICE.NAMESPACE.svc and NAMESPACE.pod may have names below them that are made when they are asked for. */
	for (__u32 depth = 2; depth <= 3; depth++) {
		int missing;

		if (count <= above + depth)
			break;
		missing = find_name(work->labels[(count - above - depth) & (MOST_LABELS - 1)]);
		if (missing < 0 || (missing == 0 && work->name.flags & OPEN_BELOW))
			return false;
		if (missing)
			break;
	}
	return true;
}

/* The first entry of the pod's own search list made the name: others of the list are tried by the server. */
static __always_inline bool is_searched(struct work *work, const struct pod *pod)
{
	__u32 above = work->settings.zone_labels + 2;
	__u32 at;

	if (!(work->settings.flags & AUTOPATH) || work->label_count <= above || pod->namespace[0] == 0)
		return false;
	at = work->labels[(work->label_count - above) & (MOST_LABELS - 1)];
	for (int index = 0; index < LONGEST_LABEL; index += 8) {
		__u64 mine = *(__u64 *)&pod->namespace[index];
		__u64 asked = folded(*(__u64 *)&work->message[(at + index) & 0x1ff]);
		__u32 left = pod->namespace[0] + 1;

		if (index >= left)
			break;
		left -= index;
		if (left < 8)
			asked &= ~0ULL >> (64 - 8 * left);
		if (asked != mine)
			return false;
	}
	return true;
}

static __always_inline void put16(struct work *work, __u32 at, __u16 value)
{
	*(__u16 *)&work->message[at & 0x1ff] = bpf_htons(value);
}

static __always_inline void put_head(struct work *work, __u32 at, __u16 type, __u16 length)
{
	put16(work, at, 0xc000 | HEADER);
	put16(work, at + 2, type);
	put16(work, at + 4, CLASS_IN);
	*(__u32 *)&work->message[(at + 6) & 0x1ff] = work->settings.ttl;
	put16(work, at + 10, length);
}

/* Records of all addresses, from any one on; returns how many, or -1. */
__noinline int put_addresses(__u32 at, __u32 is_aaaa)
{
	__u32 first = 0, count, from;
	struct work *work = bpf_map_lookup_elem(&works, &first);

	if (!work)
		return -1;
	count = is_aaaa ? work->name.aaaa_count : work->name.a_count;
	if (count == 1 && !(work->name.flags & HAS_MANY)) {
		put_head(work, at, is_aaaa ? TYPE_AAAA : TYPE_A, is_aaaa ? 16 : 4);
		if (is_aaaa)
			__builtin_memcpy(&work->message[(at + 12) & 0x1ff], work->name.aaaa, 16);
		else
			*(__u32 *)&work->message[(at + 12) & 0x1ff] = work->name.a;
		return 1;
	}
	if (count > MOST_ADDRESSES || count == 0)
		return -1;
	from = count == 1 ? 0 : bpf_get_prandom_u32() % count;
	for (__u32 index = 0; index < MOST_ADDRESSES; index++) {
		__u32 one = from + index;

		if (index >= count)
			break;
		if (one >= count)
			one -= count;
		put_head(work, at, is_aaaa ? TYPE_AAAA : TYPE_A, is_aaaa ? 16 : 4);
		one &= MOST_ADDRESSES - 1;
		if (is_aaaa)
			__builtin_memcpy(&work->message[(at + 12) & 0x1ff], work->addresses.aaaa[one], 16);
		else
			*(__u32 *)&work->message[(at + 12) & 0x1ff] = work->addresses.a[one];
		at += is_aaaa ? 28 : 16;
	}
	return count;
}

/* Both ends of the message are known: fits the answer? 0 where it does not. */
static __always_inline __u32 end_with(const struct frame *frame, __u32 question_end, __u32 records)
{
	__u32 end = question_end + records + (frame->has_opt ? OPT_LENGTH : 0);

	return end > frame->room || end > LONGEST_MESSAGE ? 0 : end;
}

static __always_inline void put_opt(struct work *work, const struct frame *frame, __u32 at)
{
	work->message[at & 0x1ff] = 0;
	put16(work, at + 1, TYPE_OPT);
	put16(work, at + 3, work->settings.told);
	put16(work, at + 5, 0);
	put16(work, at + 7, frame->dnssec_ok ? DO << 8 : 0);
	put16(work, at + 9, 0);
}

static __always_inline void put_soa(struct work *work, __u32 at)
{
	__u16 pointer = 0xc000 | (work->name_end - work->settings.zone_length);

	for (int index = 0; index < LONGEST_SOA; index += 8)
		*(__u64 *)&work->message[(at & 0x1ff) + index] = *(__u64 *)&work->settings.soa[index];
	for (int index = 0; index < MOST_POINTERS; index++)
		if (index < work->settings.pointers)
			put16(work, at + work->settings.pointer_at[index], pointer);
}

/* Sets the header's second word and the counts, as the server does; flags that a query may not have are not echoed. */
static __always_inline void put_header(struct work *work, const struct frame *frame, __u8 rcode, __u16 answers,
				       __u16 authorities)
{
	work->message[2] = QR | AA | (work->message[2] & (OPCODE | RD));
	work->message[3] = (work->message[3] & CD) | rcode;
	put16(work, 6, answers);
	put16(work, 8, authorities);
	put16(work, 10, frame->has_opt);
}

/* What the packet is: 0 for a question at the DNS address; then `frame` tells where its message is. */
static __always_inline int read_frame(struct __sk_buff *skb, const struct settings *settings, struct frame *frame)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	struct ethhdr *eth = data;
	struct udphdr *udp;
	__u32 payload;

	if ((void *)(eth + 1) > end || skb->pkt_type != 0 || skb->vlan_present)
		return 1;
	if (eth->h_proto == bpf_htons(ETH_P_IP)) {
		struct iphdr *ip = (void *)(eth + 1);

		if ((void *)(ip + 1) > end || ip->version != 4 || ip->ihl != 5 || ip->protocol != IPPROTO_UDP)
			return 1;
		if (ip->daddr != settings->address4 || settings->address4 == 0)
			return 1;
		if (ip->frag_off & bpf_htons(0x3fff))
			return 1;
		udp = (void *)(ip + 1);
		payload = bpf_ntohs(ip->tot_len) - sizeof(*ip);
		frame->is6 = false;
		frame->message_at = sizeof(*eth) + sizeof(*ip) + sizeof(*udp);
	} else if (eth->h_proto == bpf_htons(ETH_P_IPV6)) {
		struct ipv6hdr *ip = (void *)(eth + 1);

		if ((void *)(ip + 1) > end || ip->version != 6 || ip->nexthdr != IPPROTO_UDP)
			return 1;
		for (int index = 0; index < 4; index++)
			if (ip->daddr.in6_u.u6_addr32[index] != settings->address6[index])
				return 1;
		udp = (void *)(ip + 1);
		payload = bpf_ntohs(ip->payload_len);
		frame->is6 = true;
		frame->message_at = sizeof(*eth) + sizeof(*ip) + sizeof(*udp);
	} else {
		return 1;
	}
	if ((void *)(udp + 1) > end || udp->dest != bpf_htons(53) || udp->source == 0)
		return 1;
	/* Without a checksum it is no packet of IPv6 (RFC 8200 section 8.1). */
	if (frame->is6 && udp->check == 0)
		return 1;
	if (payload != bpf_ntohs(udp->len) || skb->len != frame->message_at - sizeof(*udp) + payload)
		return 1;
	frame->length = payload - sizeof(*udp);
	return 0;
}

/* Is the message a question that the program knows? Fills the rest of `frame`. */
static __always_inline enum reason read_question(struct work *work, struct frame *frame)
{
	__u32 end, class;
	__u16 type;

	if (work->message[2] & (QR | OPCODE) || word_at(work, 4) != 1 || word_at(work, 6) || word_at(work, 8))
		return UNUSUAL;
	if (walk_name(frame->length))
		return UNUSUAL;
	end = work->name_end + TAIL;
	type = word_at(work, work->name_end);
	class = word_at(work, work->name_end + 2);
	if (class != CLASS_IN)
		return UNUSUAL;
	if (type != TYPE_A && type != TYPE_AAAA)
		return OTHER_TYPE;
	frame->is_aaaa = type == TYPE_AAAA;
	frame->room = LONGEST_MESSAGE;
	frame->has_opt = false;
	frame->dnssec_ok = false;
	if (word_at(work, 10) == 0)
		return end == frame->length ? REASONS : UNUSUAL;
	if (word_at(work, 10) != 1 || end + OPT_LENGTH > frame->length)
		return UNUSUAL;
	if (work->message[end & 0x1ff] != 0 || word_at(work, end + 1) != TYPE_OPT)
		return UNUSUAL;
	if (work->message[(end + 6) & 0x1ff] != 0)
		return UNUSUAL; /* another version: BADVERS */
	if (end + OPT_LENGTH + word_at(work, end + 9) != frame->length)
		return UNUSUAL;
	if (walk_options(end + OPT_LENGTH, frame->length))
		return UNUSUAL;
	frame->has_opt = true;
	frame->dnssec_ok = work->message[(end + 7) & 0x1ff] & DO;
	if (word_at(work, end + 3) > LONGEST_MESSAGE)
		frame->room = word_at(work, end + 3);
	if (frame->room > work->settings.largest)
		frame->room = work->settings.largest;
	return REASONS;
}

/* The header of the network as the server's would be; the sum of its own is over it alone. */
static __always_inline int turn_network(struct __sk_buff *skb, const struct frame *frame, __u32 length)
{
	if (frame->is6) {
		struct ipv6hdr old, new = {.version = 6, .nexthdr = IPPROTO_UDP, .hop_limit = HOPS};

		if (bpf_skb_load_bytes(skb, sizeof(struct ethhdr), &old, sizeof(old)))
			return 1;
		new.payload_len = bpf_htons(length + sizeof(struct udphdr));
		new.saddr = old.daddr;
		new.daddr = old.saddr;
		return bpf_skb_store_bytes(skb, sizeof(struct ethhdr), &new, sizeof(new), 0);
	}
	struct iphdr old, new = {.version = 4, .ihl = 5, .ttl = HOPS, .protocol = IPPROTO_UDP};
	__s64 sum;

	if (bpf_skb_load_bytes(skb, sizeof(struct ethhdr), &old, sizeof(old)))
		return 1;
	new.tot_len = bpf_htons(length + sizeof(struct udphdr) + sizeof(new));
	new.frag_off = bpf_htons(0x4000);
	new.saddr = old.daddr;
	new.daddr = old.saddr;
	sum = bpf_csum_diff(NULL, 0, (void *)&new, sizeof(new), 0);
	if (sum < 0)
		return 1;
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	new.check = ~sum;
	return bpf_skb_store_bytes(skb, sizeof(struct ethhdr), &new, sizeof(new), 0);
}

/*
 * The checksum of UDP is changed by differences: a packet whose sum is still to be made (CHECKSUM_PARTIAL) has that of the
 * pseudo-header in its place, in which only the length is another; the helper knows which of the two it is.
 */
static __always_inline int turn_round(struct __sk_buff *skb, struct work *work, const struct frame *frame, __u32 length,
				      __s64 difference)
{
	__u32 udp_at = frame->message_at - sizeof(struct udphdr);
	__u32 sum_at = udp_at + __builtin_offsetof(struct udphdr, check);
	__u8 macs[2 * ETH_ALEN], turned[2 * ETH_ALEN];
	struct udphdr old, new;

	if (bpf_skb_load_bytes(skb, udp_at, &old, sizeof(old)) || bpf_skb_load_bytes(skb, 0, macs, sizeof(macs)))
		return 1;
	if (bpf_skb_change_tail(skb, frame->message_at + length, 0))
		return 1;
	/* From here on there is no way back: what fails is dropped, and asked again. */
	if (length == 0 || length > LONGEST_MESSAGE)
		return -1;
	if (bpf_skb_store_bytes(skb, frame->message_at, work->message, length, 0))
		return -1;
	new = (struct udphdr){.source = old.dest, .dest = old.source, .check = old.check};
	new.len = bpf_htons(length + sizeof(new));
	if (bpf_skb_store_bytes(skb, udp_at, &new, sizeof(new), 0) || turn_network(skb, frame, length))
		return -1;
	__builtin_memcpy(turned, macs + ETH_ALEN, ETH_ALEN);
	__builtin_memcpy(turned + ETH_ALEN, macs, ETH_ALEN);
	if (bpf_skb_store_bytes(skb, 0, turned, sizeof(turned), 0))
		return -1;
	if (bpf_l4_csum_replace(skb, sum_at, 0, difference, BPF_F_MARK_MANGLED_0) ||
	    bpf_l4_csum_replace(skb, sum_at, old.len, new.len, BPF_F_MARK_MANGLED_0 | 2) ||
	    bpf_l4_csum_replace(skb, sum_at, old.len, new.len, BPF_F_MARK_MANGLED_0 | BPF_F_PSEUDO_HDR | 2))
		return -1;
	return 0;
}

/* Zeros up to the next word behind the message, and what all of its words add up to. */
static __always_inline __s64 sum_of(struct work *work, __u32 length, __s64 seed)
{
	__u32 whole = (length + 3) & ~3U;

	if (length > LONGEST_MESSAGE)
		return -1;
	*(__u32 *)&work->message[length] = 0;
	SEEN(whole);
	if (whole == 0 || whole > LONGEST_MESSAGE)
		return -1;
	return bpf_csum_diff(NULL, 0, (void *)work->message, whole, seed);
}

SEC("tc")
int answer(struct __sk_buff *skb)
{
	__u32 first = 0, family, question_end, length, ifindex = skb->ifindex;
	struct work *work = bpf_map_lookup_elem(&works, &first);
	struct settings *set = bpf_map_lookup_elem(&settings, &first);
	enum outcome outcome;
	enum reason reason;
	struct counts *counted;
	struct frame frame = {};
	__s64 difference;
	struct pod *pod;
	int missing, turned;
	__u32 many_of = 0;

	if (!work || !set || !(set->flags & ANSWERS) || read_frame(skb, set, &frame))
		return TC_ACT_OK;
	family = frame.is6;
	counted = bpf_map_lookup_elem(&counts, &family);
	if (!counted)
		return TC_ACT_OK;
	pod = bpf_map_lookup_elem(&pods, &ifindex);
	if (!pod || !(pod->flags & (frame.is6 ? ALLOWED_6 : ALLOWED_4)))
		return pass(counted, NOT_ALLOWED);
	length = frame.length;
	if (length < HEADER || length > LONGEST_MESSAGE)
		return pass(counted, UNUSUAL);
	if (bpf_skb_load_bytes(skb, frame.message_at, work->message, length))
		return pass(counted, UNUSUAL);
	work->settings = *set;
	if (work->settings.version != work->settings.version_again)
		return pass(counted, CHANGING);
	work->secret[0] = work->settings.secret[0];
	work->secret[1] = work->settings.secret[1];
	difference = sum_of(work, length, 0);
	if (difference < 0)
		return pass(counted, UNUSUAL);
	reason = read_question(work, &frame);
	if (reason != REASONS)
		return pass(counted, reason);
	question_end = work->name_end + TAIL;

	missing = find_name(HEADER);
	if (missing < 0)
		return pass(counted, CHANGING);
	if (missing) {
		if (!is_absent(work) || is_searched(work, pod))
			return pass(counted, UNKNOWN);
		outcome = NO_NAME;
	} else {
		if (work->name.flags & (frame.is_aaaa ? PASS_AAAA : PASS_A))
			return pass(counted, UNKNOWN);
		many_of = frame.is_aaaa ? work->name.aaaa_count : work->name.a_count;
		outcome = many_of ? ANSWERED : NO_DATA;
	}
	if (outcome == ANSWERED) {
		length = end_with(&frame, question_end, many_of * (frame.is_aaaa ? 28 : 16));
		if (length == 0)
			return pass(counted, NO_ROOM);
		if (work->name.flags & HAS_MANY) {
			void *generation = bpf_map_lookup_elem(&many, &first);
			struct addresses *found = NULL;

			if (generation)
				found = bpf_map_lookup_elem(generation, &work->hash);
			if (!found)
				return pass(counted, CHANGING);
			work->addresses = *found;
			if (work->addresses.check != work->hash.words[0] ||
			    work->addresses.check_again != work->hash.words[0])
				return pass(counted, CHANGING);
		}
		if (put_addresses(question_end, frame.is_aaaa) < 0)
			return pass(counted, UNUSUAL);
		put_header(work, &frame, 0, many_of, 0);
	} else {
		if (work->settings.soa_length == 0)
			return pass(counted, UNKNOWN);
		length = end_with(&frame, question_end, work->settings.soa_length);
		if (length == 0)
			return pass(counted, NO_ROOM);
		put_soa(work, question_end);
		put_header(work, &frame, outcome == NO_NAME ? NXDOMAIN : 0, 0, 1);
	}
	if (frame.has_opt)
		put_opt(work, &frame, length - OPT_LENGTH);
	difference = sum_of(work, length, ~difference & 0xffffffff);
	if (difference < 0)
		return pass(counted, UNUSUAL);
	turned = turn_round(skb, work, &frame, length, difference);
	if (turned)
		return turned < 0 ? TC_ACT_SHOT : pass(counted, UNUSUAL);
	counted->answers[frame.is_aaaa][outcome]++;
	counted->question_sizes[size_of(frame.length)]++;
	counted->question_octets += frame.length;
	counted->answer_sizes[size_of(length)]++;
	counted->answer_octets += length;
	if (frame.dnssec_ok)
		counted->dnssec++;
	/* Straight into the pod's end of the link: as if it had crossed it, without the way through its queue. */
	return bpf_redirect_peer(ifindex, 0);
}

char _license[] SEC("license") = "GPL";
