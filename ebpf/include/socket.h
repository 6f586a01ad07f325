/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The kernel's view of a socket, cut down to the fields in use. */
#ifndef EARTHWORM_SOCKET_H
#define EARTHWORM_SOCKET_H

#include "core.h"
#include "task.h"

/* include/linux/socket.h, include/uapi/linux/in.h: ABI. */
#define AF_INET 2
#define AF_INET6 10
#define IPPROTO_TCP 6
#define IPPROTO_MPTCP 262

/* include/net/tcp_states.h: ABI, by way of ss(8) and /proc/net/tcp. */
enum tcp_state {
	TCP_ESTABLISHED = 1,
	TCP_SYN_SENT = 2,
	TCP_SYN_RECV = 3,
	TCP_CLOSE = 7,
	TCP_LISTEN = 10,
};

/* Bit in skc_flags (enum sock_flags, include/net/sock.h): the other end's FIN came. */
#define SOCK_DONE 1

struct in6_addr {
	u8 bytes[16];
};

struct net {
	struct ns_common ns;
} KERNEL_STRUCT;

typedef struct {
	struct net *net;
} KERNEL_STRUCT possible_net_t;

struct sock_common {
	u32 skc_daddr;
	u32 skc_rcv_saddr;
	u16 skc_dport;
	u16 skc_family;
	volatile u8 skc_state;
	possible_net_t skc_net;
	unsigned long skc_flags;
	struct in6_addr skc_v6_daddr;
	struct in6_addr skc_v6_rcv_saddr;
} KERNEL_STRUCT;

struct sock {
	struct sock_common __sk_common;
	u16 sk_protocol;
	s32 sk_err;
} KERNEL_STRUCT;

struct socket {
	struct sock *sk;
} KERNEL_STRUCT;

/* include/linux/win_minmax.h: the smallest value is in the first sample. */
struct minmax_sample {
	u32 v;
} KERNEL_STRUCT;

struct minmax {
	struct minmax_sample s[3];
} KERNEL_STRUCT;

struct inet_sock {
	u16 inet_sport;
} KERNEL_STRUCT;

struct inet_connection_sock {
	struct inet_sock icsk_inet;
} KERNEL_STRUCT;

struct tcp_sock {
	struct inet_connection_sock inet_conn;
	u64 bytes_sent;
	u64 bytes_retrans;
	u64 bytes_received;
	u32 segs_out;
	u32 segs_in;
	u32 total_retrans;
	u32 srtt_us;
	struct minmax rtt_min;
} KERNEL_STRUCT;

#endif
