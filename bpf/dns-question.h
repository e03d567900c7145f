/* SPDX-License-Identifier: (Apache-2.0 OR GPL-2.0) */
/* Reads the packet and the question. Whatever is not exactly as it should be is no question for the program. */
#pragma once

#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>
#include "dns-work.h"

/* Where labels begin and the name ends; not 0 for one that is none, or has too many. */
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
