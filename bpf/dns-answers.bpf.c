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
#include <linux/pkt_cls.h>
#include "dns-answer.h"
#include "dns-hash.h"
#include "dns-maps.h"
#include "dns-question.h"

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
	if (bpf_ktime_get_ns() / 1000000000ULL > set->until)
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
			    work->addresses.check_again !=
				    (work->hash.words[0] ^ work->name.a_count ^ (__u64)work->name.aaaa_count << 8))
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
