/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Sockets, dropped packets and datagrams as the flows probe reports them.
 * src/flows.rs mirrors them, and a test compares both by the object's BTF.
 */
#ifndef EARTHWORM_FLOWS_H
#define EARTHWORM_FLOWS_H

#include "types.h"

/* A task's name with its zero (TASK_COMM_LEN). */
#define NAME_BYTES 16

enum flow_flags {
	/* Its connection began after the probe came. */
	FLOW_NEW = 1,
	/* It connected. */
	FLOW_OUTGOING = 2,
	/* It was accepted by a listening socket. */
	FLOW_INCOMING = 4,
	/* It has been established since the probe came. */
	FLOW_OPENED = 8,
	/* The other end has said that it sends no more. */
	FLOW_FIN_RECEIVED = 16,
};

/* Positions in the maps `cost` and `lost`. */
enum flow_program {
	PROGRAM_SOCKETS,
	PROGRAM_SOCKET_STATE,
	PROGRAM_PACKET_DROP,
	PROGRAM_DATAGRAM_OUT,
	PROGRAM_DATAGRAM_IN,
	PROGRAMS,
};

/* Packets that the kernel threw away, by what they have in common. */
struct drop_key {
	u32 reason; /* enum skb_drop_reason of the running kernel */
	u32 network; /* inode of the network namespace */
	u16 port; /* destination; 0: none, or no room to tell ports apart */
	u8 protocol; /* of IP */
	u8 unused;
	u8 source[16]; /* IPv4 as mapped IPv6; zeros: no room to tell addresses apart */
	u8 destination[16];
};

struct drop_count {
	u64 packets;
	u64 bytes; /* from the IP header on */
};

/* Who serves, as the owner of a UDP socket sees it. */
enum datagram_direction {
	DATAGRAM_OUTGOING = 1, /* the other end */
	DATAGRAM_INCOMING = 2, /* the owner */
};

/* Datagrams by what they have in common. */
struct datagram_key {
	u32 network; /* inode of the network namespace */
	u16 port; /* of the end that serves */
	u8 direction;
	u8 unused;
	u8 local[16]; /* the owner's; IPv4 as mapped IPv6 */
	u8 remote[16];
};

struct datagram_count {
	u64 sent_packets;
	u64 sent_bytes; /* payload */
	u64 received_packets;
	u64 received_bytes;
	u16 own_port; /* the first one that was seen */
	u16 has_other_ports;
	u32 unused;
};

/* A question to a DNS server that waits for its answer. */
struct dns_question {
	u32 network; /* inode of the network namespace that asks */
	u16 port; /* of who asks */
	u16 number; /* of the question */
	u8 client[16]; /* IPv4 as mapped IPv6 */
	u8 server[16];
};

/* Kinds beside the codes of answers, which are below 16. */
enum dns_kind {
	DNS_QUESTIONS = 16,
	/* Asked again by the same number before there was an answer. */
	DNS_UNANSWERED = 17,
};

struct dns_key {
	u32 network;
	u8 kind; /* the answer's code (RFC 1035, RCODE), or one of `dns_kind` */
	u8 unused[3];
	u8 server[16];
};

/* The last one is of all that is longer: 2^23 microseconds are 8 seconds. */
#define DNS_BUCKETS 24

struct dns_count {
	u64 count;
	u64 timed; /* those whose question was seen */
	u64 micros; /* of these, from question to answer */
	u64 buckets[DNS_BUCKETS]; /* of these, by the highest bit of the microseconds */
};

/* A TCP socket, or, without anything that is counted, a UDP socket. */
struct flow_socket {
	u64 cookie;
	u64 bytes_sent; /* payload, repeated bytes too */
	u64 bytes_retransmitted; /* payload */
	u64 bytes_received; /* sequence numbers: payload, and one for the FIN */
	u32 segments_sent;
	u32 segments_received;
	u32 retransmits;
	u32 smoothed_rtt; /* eighths of a microsecond; 0: none yet */
	u32 minimum_rtt; /* microseconds; all ones: none yet */
	u32 network; /* inode of the network namespace */
	u32 process; /* that has it open; in the probe's own pid namespace, 0: unknown */
	u32 creator; /* the process that connected, likewise */
	s32 error; /* errno */
	u16 family;
	u16 local_port;
	u16 remote_port;
	u8 state;
	u8 state_before; /* of one that ended */
	u8 flags;
	u8 protocol; /* of IP */
	u8 unused[2];
	u8 local[16];
	u8 remote[16];
	u8 creator_name[NAME_BYTES];
};

#endif
