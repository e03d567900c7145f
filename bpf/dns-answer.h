/* SPDX-License-Identifier: (Apache-2.0 OR GPL-2.0) */
/* Writes the answer, as the server would, and turns the packet round. */
#pragma once

#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>
#include "dns-work.h"

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
