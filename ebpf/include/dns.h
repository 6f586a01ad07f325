/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The part of the flows probe that looks into datagrams: questions to DNS
 * servers and their answers, at the side that asks. A question is one from a
 * port above to port 53, its answer comes back to the same port from the same
 * server and has the same number.
 *
 * Asked again by the same number before there was an answer, the first question
 * has none. One that never has any is found by who reads `dns_pending`.
 *
 * Not seen: DNS over TCP. An answer that the owner's own network translates
 * belongs to no question, unless the socket that asked is connected.
 */
#ifndef EARTHWORM_DNS_H
#define EARTHWORM_DNS_H

#include "accounting.h"
#include "context.h"
#include "flows.h"

#define DNS_PORT 53
/* Bits of the flags in the header (RFC 1035, 4.1.1), in the order of the host. */
#define DNS_IS_ANSWER 0x8000
#define DNS_CODE 0x000f

struct dns_header {
	u16 number;
	u16 flags;
	u16 counts[4];
};

struct {
	MAP_UINT(type, BPF_MAP_TYPE_HASH);
	MAP_UINT(max_entries, 8192);
	MAP_TYPE(key, struct dns_question);
	MAP_TYPE(value, u64); /* when it was asked, CLOCK_MONOTONIC */
} dns_pending SEC(".maps");

struct {
	MAP_UINT(type, BPF_MAP_TYPE_HASH);
	MAP_UINT(max_entries, 4096);
	MAP_TYPE(key, struct dns_key);
	MAP_TYPE(value, struct dns_count);
} dns SEC(".maps");

/* Larger than the stack likes. */
const struct dns_count no_dns = {};

INLINE struct dns_count *count_dns(struct dns_question *question, u8 kind, u32 program)
{
	struct dns_key key = { .network = question->network, .kind = kind };
	struct dns_count *count;

	__builtin_memcpy(key.server, question->server, sizeof(key.server));
	count = bpf_map_lookup_elem(&dns, &key);
	if (!count) {
		/* Another processor may be about to do the same: that is no failure. */
		bpf_map_update_elem(&dns, &key, &no_dns, BPF_NOEXIST);
		count = bpf_map_lookup_elem(&dns, &key);
	}
	if (!count) {
		count_loss(program);
		return NULL;
	}
	__sync_fetch_and_add(&count->count, 1);
	return count;
}

/* The highest bit of the number of microseconds; 0 for less than two. */
INLINE u32 dns_bucket(u64 micros)
{
	u32 bucket = 0;

	for (int bit = 0; bit < DNS_BUCKETS - 1; bit++) {
		micros >>= 1;
		if (!micros)
			break;
		bucket++;
	}
	return bucket;
}

INLINE void add_latency(struct dns_count *count, u64 nanoseconds)
{
	u64 micros = nanoseconds / 1000;
	u32 bucket = dns_bucket(micros);

	__sync_fetch_and_add(&count->timed, 1);
	__sync_fetch_and_add(&count->micros, micros);
	OPAQUE(bucket);
	if (bucket < DNS_BUCKETS)
		__sync_fetch_and_add(&count->buckets[bucket], 1);
}

/* A datagram to or from port 53 of another end; its payload begins at `at`. */
INLINE void look_at_dns(struct __sk_buff *packet, u32 at, struct dns_question *question,
			bool sending, u32 program)
{
	struct dns_header header;
	u64 *asked;
	u64 now;
	u16 flags;

	if (bpf_skb_load_bytes(packet, at, &header, sizeof(header)))
		return;
	flags = __builtin_bswap16(header.flags);
	/* A question that comes back, or an answer that is sent, is none. */
	if (sending == !!(flags & DNS_IS_ANSWER))
		return;
	question->number = __builtin_bswap16(header.number);
	now = bpf_ktime_get_ns();
	asked = bpf_map_lookup_elem(&dns_pending, question);
	if (sending) {
		if (asked)
			count_dns(question, DNS_UNANSWERED, program);
		count_dns(question, DNS_QUESTIONS, program);
		if (bpf_map_update_elem(&dns_pending, question, &now, BPF_ANY))
			count_loss(program);
	} else {
		struct dns_count *count = count_dns(question, flags & DNS_CODE, program);

		if (count && asked)
			add_latency(count, now - *asked);
		bpf_map_delete_elem(&dns_pending, question);
	}
}

#endif
