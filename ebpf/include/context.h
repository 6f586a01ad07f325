/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * What programs of control groups are given of a packet and of its socket
 * (struct __sk_buff and struct bpf_sock, include/uapi/linux/bpf.h). The layout
 * is ABI: the kernel rewrites every access.
 */
#ifndef EARTHWORM_CONTEXT_H
#define EARTHWORM_CONTEXT_H

#include "types.h"

/* include/linux/net.h */
#define SOCK_DGRAM 2

struct bpf_sock {
	u32 bound_dev_if;
	u32 family;
	u32 type;
	u32 protocol;
	u32 mark;
	u32 priority;
	u32 src_ip4;
	u32 src_ip6[4];
	u32 src_port; /* in the order of the host */
	u32 dst_port; /* in that of the network, in the lower half; 16 bits from 5.18 on */
	u32 dst_ip4;
	u32 dst_ip6[4];
	u32 state;
	s32 rx_queue_mapping;
};

struct __sk_buff {
	u32 len;
	u32 pkt_type;
	u32 mark;
	u32 queue_mapping;
	u32 protocol;
	u32 vlan_present;
	u32 vlan_tci;
	u32 vlan_proto;
	u32 priority;
	u32 ingress_ifindex;
	u32 ifindex;
	u32 tc_index;
	u32 cb[5];
	u32 hash;
	u32 tc_classid;
	u32 data;
	u32 data_end;
	u32 napi_id;
	u32 family;
	u32 remote_ip4;
	u32 local_ip4;
	u32 remote_ip6[4];
	u32 local_ip6[4];
	u32 remote_port;
	u32 local_port;
	u32 data_meta;
	void *flow_keys __attribute__((aligned(8)));
	u64 tstamp;
	u32 wire_len;
	u32 gso_segs;
	struct bpf_sock *sk __attribute__((aligned(8)));
	u32 gso_size;
};

#endif
