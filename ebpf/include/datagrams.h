/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The part of the flows probe that runs per packet: what UDP sockets send and
 * receive, counted at the root of the unified control groups, so for every
 * socket of every network namespace. Both programs let everything pass.
 *
 * A datagram is counted where it is whole: before it is cut into fragments on
 * its way out, and after it was put together on its way in. So one that travels
 * in fragments is one packet. One that the kernel segments (UDP_SEGMENT), or
 * has put together from several of a flow (UDP_GRO), is as many as on the wire.
 *
 * Received is what reached a socket; the kernel may then still throw it away,
 * when the socket's buffer is full or its checksum is wrong.
 *
 * Not seen: what the kernel's own tunnels (VXLAN, WireGuard) carry; raw
 * sockets.
 */
#ifndef EARTHWORM_DATAGRAMS_H
#define EARTHWORM_DATAGRAMS_H

#include "accounting.h"
#include "context.h"
#include "dns.h"
#include "flows.h"
#include "packet.h"

/* Where the ports begin that Linux gives to clients (ip_local_port_range). */
#define FIRST_EPHEMERAL_PORT 32768
/* Headers between that of IPv6 and that of UDP that are stepped over. */
#define MOST_EXTENSION_HEADERS 4
/* include/uapi/linux/in6.h */
#define IPPROTO_HOPOPTS 0
#define IPPROTO_ROUTING 43
#define IPPROTO_DSTOPTS 60

#define PASS 1

struct {
	MAP_UINT(type, BPF_MAP_TYPE_PERCPU_HASH);
	MAP_UINT(max_entries, 8192);
	MAP_TYPE(key, struct datagram_key);
	MAP_TYPE(value, struct datagram_count);
} datagrams SEC(".maps");

/* Ports of one packet, or of several in one piece. */
struct datagram {
	u16 own;
	u16 other;
	u32 header; /* where the header of UDP is */
};

/* Where the header behind that of IPv6 is that is UDP's; 0 when there is none. */
INLINE u32 find_udp(struct __sk_buff *packet, u8 next)
{
	u32 at = sizeof(struct ipv6_header);

	for (int count = 0; count <= MOST_EXTENSION_HEADERS; count++) {
		u8 extension[2];

		if (next == IPPROTO_UDP)
			return at;
		if (next != IPPROTO_HOPOPTS && next != IPPROTO_ROUTING && next != IPPROTO_DSTOPTS)
			return 0;
		if (bpf_skb_load_bytes(packet, at, extension, sizeof(extension)))
			return 0;
		next = extension[0];
		at += ((u32)extension[1] + 1) * 8;
	}
	return 0;
}

/*
 * Where the header of UDP is; 0 when there is none. The addresses go to where
 * source and destination have their place in the key.
 */
INLINE u32 read_addresses(struct __sk_buff *packet, u8 *source, u8 *destination)
{
	void *data = (void *)(long)packet->data;
	void *end = (void *)(long)packet->data_end;

	/* By the first bytes alone, since most packets are TCP's. */
	if (packet->protocol == __builtin_bswap16(ETH_P_IP)) {
		struct ipv4_header *header = data;

		if ((void *)(header + 1) > end || header->protocol != IPPROTO_UDP)
			return 0;
		map_address(source, header->source);
		map_address(destination, header->destination);
		return (header->version_length & 0xf) * 4;
	}
	if (packet->protocol == __builtin_bswap16(ETH_P_IPV6)) {
		struct ipv6_header *header = data;

		if ((void *)(header + 1) > end || header->next_header == IPPROTO_TCP)
			return 0;
		copy_words(source, header->source);
		copy_words(destination, header->destination);
		return find_udp(packet, header->next_header);
	}
	return 0;
}

INLINE bool read_ports(struct datagram *out, struct __sk_buff *packet, bool sending)
{
	u16 ports[2];

	if (bpf_skb_load_bytes(packet, out->header, ports, sizeof(ports)))
		return false;
	out->own = __builtin_bswap16(ports[sending ? 0 : 1]);
	out->other = __builtin_bswap16(ports[sending ? 1 : 0]);
	return true;
}

/* The verifier knows the socket by fields of its own; the kernel's are read by address. */
INLINE u32 network_of(struct bpf_sock *socket)
{
	u64 known = (u64)socket;
	struct sock *address = NULL;
	struct net *net = NULL;
	u32 inode = 0;

	/* What is read from memory is a number to the verifier, no longer that type. */
	if (bpf_probe_read_kernel(&address, sizeof(address), &known) ||
	    KERNEL_READ(&net, address, __sk_common.skc_net.net) ||
	    KERNEL_READ(&inode, net, ns.inum))
		return 0;
	return inode;
}

INLINE bool is_unspecified(const u32 *address)
{
	return !(address[0] | address[1] | address[2] | address[3]);
}

/*
 * A packet on its way out may have other addresses than its socket by now,
 * when the owner's own network translates them (as that of the node does for
 * services). Answers are translated back before they are seen here, so the
 * socket's word counts, as far as it has one.
 */
INLINE void prefer_socket(struct datagram *datagram, struct datagram_key *key,
			  struct bpf_sock *socket, bool is_ipv4)
{
	u32 local[4], remote[4];
	u16 port = __builtin_bswap16((u16)socket->dst_port);

	if (socket->src_port)
		datagram->own = socket->src_port;
	if (socket->state != TCP_ESTABLISHED || !port)
		return;
	datagram->other = port;
	if (is_ipv4) {
		map_address(key->local, socket->src_ip4);
		map_address(key->remote, socket->dst_ip4);
		return;
	}
	for (int word = 0; word < 4; word++) {
		local[word] = socket->src_ip6[word];
		remote[word] = socket->dst_ip6[word];
	}
	if (!is_unspecified(local) && !is_unspecified(remote)) {
		copy_words(key->local, local);
		copy_words(key->remote, remote);
	}
}

const struct datagram_count no_datagrams = {};

INLINE struct datagram_count *known_as(struct datagram_key *key, u8 direction, u16 port)
{
	key->direction = direction;
	key->port = port;
	return bpf_map_lookup_elem(&datagrams, key);
}

/*
 * The counter of a packet, by who serves: whoever has the lower port, when that
 * is below the ports of clients; else whoever did not send first, as far as
 * that was seen. A client's port is not part of the key.
 */
INLINE struct datagram_count *find_count(struct datagram_key *key, u16 own, u16 other, bool sending)
{
	struct datagram_count *known;
	u16 lower = own < other ? own : other;

	if (own != other && lower < FIRST_EPHEMERAL_PORT) {
		known = own < other ? known_as(key, DATAGRAM_INCOMING, own) :
				      known_as(key, DATAGRAM_OUTGOING, other);
	} else if (sending) {
		known = known_as(key, DATAGRAM_INCOMING, own);
		if (!known)
			known = known_as(key, DATAGRAM_OUTGOING, other);
	} else {
		known = known_as(key, DATAGRAM_OUTGOING, other);
		if (!known)
			known = known_as(key, DATAGRAM_INCOMING, own);
	}
	if (known)
		return known;
	/* Another processor may be about to do the same: that is no failure. */
	bpf_map_update_elem(&datagrams, key, &no_datagrams, BPF_NOEXIST);
	return bpf_map_lookup_elem(&datagrams, key);
}

INLINE u32 packets_of(struct __sk_buff *packet, u64 bytes)
{
	if (packet->gso_segs)
		return packet->gso_segs;
	/* Drivers of virtual machines may leave it to others to count. */
	if (packet->gso_size)
		return (bytes + packet->gso_size - 1) / packet->gso_size;
	return 1;
}

/* Counts it in its own direction, which is one and the same for each of the two programs. */
INLINE void add_datagram(struct datagram_count *count, bool sending, u64 packets, u64 bytes)
{
	/* An interrupt, or a task that takes over, may count on the same processor. */
	if (sending) {
		__sync_fetch_and_add(&count->sent_packets, packets);
		__sync_fetch_and_add(&count->sent_bytes, bytes);
	} else {
		__sync_fetch_and_add(&count->received_packets, packets);
		__sync_fetch_and_add(&count->received_bytes, bytes);
	}
}

INLINE void count_datagram(struct __sk_buff *packet, bool sending, u32 program)
{
	struct datagram_count *count;
	struct datagram_key key = {};
	struct datagram datagram;
	struct bpf_sock *socket;
	u64 bytes;

	datagram.header = read_addresses(packet, sending ? key.local : key.remote,
					 sending ? key.remote : key.local);
	if (!datagram.header)
		return;
	socket = packet->sk;
	if (!socket)
		return;
	socket = bpf_sk_fullsock(socket);
	if (!socket || socket->protocol != IPPROTO_UDP || socket->type != SOCK_DGRAM)
		return;
	if (!read_ports(&datagram, packet, sending)) {
		count_loss(program);
		return;
	}
	if (sending)
		prefer_socket(&datagram, &key, socket,
			      packet->protocol == __builtin_bswap16(ETH_P_IP));
	key.network = network_of(socket);
	if (datagram.other == DNS_PORT && datagram.own > DNS_PORT) {
		struct dns_question question = { .network = key.network, .port = datagram.own };

		copy_words(question.client, key.local);
		copy_words(question.server, key.remote);
		look_at_dns(packet, datagram.header + UDP_HEADER_BYTES, &question, sending,
			    program);
	}
	count = find_count(&key, datagram.own, datagram.other, sending);
	if (!count) {
		count_loss(program);
		return;
	}
	/* `len` counts from the header of IP. */
	bytes = packet->len - datagram.header - UDP_HEADER_BYTES;
	add_datagram(count, sending, packets_of(packet, bytes), bytes);
	if (count->own_port == datagram.own)
		return;
	if (!count->own_port)
		count->own_port = datagram.own;
	else if (!count->has_other_ports)
		count->has_other_ports = 1;
}

SEC("cgroup_skb/egress")
int datagram_out(struct __sk_buff *packet)
{
	u64 began = begin_sample(PROGRAM_DATAGRAM_OUT);

	count_datagram(packet, true, PROGRAM_DATAGRAM_OUT);
	account_sample(PROGRAM_DATAGRAM_OUT, began);
	return PASS;
}

SEC("cgroup_skb/ingress")
int datagram_in(struct __sk_buff *packet)
{
	u64 began = begin_sample(PROGRAM_DATAGRAM_IN);

	count_datagram(packet, false, PROGRAM_DATAGRAM_IN);
	account_sample(PROGRAM_DATAGRAM_IN, began);
	return PASS;
}

#endif
