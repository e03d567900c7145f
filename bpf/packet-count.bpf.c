// SPDX-License-Identifier: (Apache-2.0 OR GPL-2.0)
/* Counts packets and bytes by where they were seen. It lets everything pass. */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>

struct count {
	__u64 packets;
	__u64 bytes;
};

enum place { FROM_LINK, TO_LINK, FROM_CGROUP };

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, struct count);
} packet_count SEC(".maps");

static __always_inline void add(struct __sk_buff *skb, __u32 place)
{
	struct count first = {.packets = 1, .bytes = skb->len};
	struct count *present = bpf_map_lookup_elem(&packet_count, &place);

	if (!present) {
		bpf_map_update_elem(&packet_count, &place, &first, BPF_ANY);
		return;
	}
	__sync_fetch_and_add(&present->packets, 1);
	__sync_fetch_and_add(&present->bytes, skb->len);
}

SEC("tc")
int from_link(struct __sk_buff *skb)
{
	add(skb, FROM_LINK);
	return TC_ACT_OK;
}

SEC("tc")
int to_link(struct __sk_buff *skb)
{
	add(skb, TO_LINK);
	return TC_ACT_OK;
}

SEC("cgroup_skb/egress")
int from_cgroup(struct __sk_buff *skb)
{
	add(skb, FROM_CGROUP);
	return 1;
}

char _license[] SEC("license") = "GPL";
