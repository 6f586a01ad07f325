/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The kernel's view of a packet, cut down to the fields in use. */
#ifndef EARTHWORM_PACKET_H
#define EARTHWORM_PACKET_H

#include "core.h"
#include "socket.h"

/* include/uapi/linux/if_ether.h */
#define ETH_P_IP 0x0800
#define ETH_P_IPV6 0x86dd
/* include/uapi/linux/in.h */
#define IPPROTO_UDP 17
/* struct udphdr, include/uapi/linux/udp.h */
#define UDP_HEADER_BYTES 8

struct net_device {
	possible_net_t nd_net;
} KERNEL_STRUCT;

struct sk_buff {
	struct net_device *dev;
	struct sock *sk;
	u32 len;
	u16 protocol;
	u16 transport_header;
	u16 network_header;
	u16 mac_len;
	unsigned char *head;
	unsigned char *data;
} KERNEL_STRUCT;

/* The parts of the headers of IP that are looked at; the wire's, never relocated. */
struct ipv4_header {
	u8 version_length;
	u8 service;
	u16 length;
	u16 identifier;
	u16 fragment;
	u8 lifetime;
	u8 protocol;
	u16 checksum;
	u32 source;
	u32 destination;
};

struct ipv6_header {
	u32 version_class_flow;
	u16 payload_length;
	u8 next_header;
	u8 hop_limit;
	u8 source[16];
	u8 destination[16];
};

/* Headers of IP, and what stands for an address here, are aligned to words. */
INLINE void copy_words(void *to, const void *from)
{
	for (int word = 0; word < 4; word++)
		((u32 *)to)[word] = ((const u32 *)from)[word];
}

/* IPv4 in the form of IPv6. */
INLINE void map_address(u8 *to, u32 address)
{
	__builtin_memset(to, 0, 8);
	*(u32 *)(to + 8) = __builtin_bswap32(0xffff);
	*(u32 *)(to + 12) = address;
}

#endif
