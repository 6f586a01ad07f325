// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * flows: what every TCP connection has carried, at no cost per packet, and what
 * UDP sockets carry, counted per packet.
 *
 * Hooks: iterator task_file (walks the sockets of all processes, in all
 * network namespaces, when somebody reads it), BTF tracepoint
 * inet_sock_set_state (connections that begin and end), kfree_skb (packets
 * that are thrown away; with a reason from Linux 5.17 on), and cgroup_skb of
 * the root of the unified control groups (datagrams; include/datagrams.h).
 * Needs: Linux 5.12 with BTF (bpf_sock_from_file 5.11, cookies of sockets in
 * tracing programs 5.12); CAP_BPF, CAP_PERFMON; for cgroup_skb CAP_NET_ADMIN.
 * Maps: ring buffer of 2 MiB for connections that ended; a storage of 24 bytes
 * in each socket that connected since; 4,096 kinds of dropped packets and
 * 512 of crowds of them; 8,192 kinds of datagrams; 4,096 kinds of answers of
 * DNS servers and 8,192 questions that wait for one; counters per CPU.
 * Can be lost: ended connections for which the ring buffer had no room, and
 * dropped packets and datagrams of a kind for which the map had none; counted
 * in `lost`.
 * Not seen while they live: sockets that belong to no process (closed by it,
 * but not done yet; paths of an MPTCP connection); they are told when they end.
 */
#include "include/types.h"
#include "include/helpers.h"
#include "include/maps.h"
#include "include/core.h"
#include "include/task.h"
#include "include/packet.h"
#include "include/socket.h"
#include "include/flows.h"
#include "include/accounting.h"
#include "include/datagrams.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

/* The probe's own pid namespace, set before loading: processes have the ids they have there. */
const volatile u32 pid_namespace_inode = 0;

/* The running kernel's SKB_DROP_REASON_QUEUE_PURGE, likewise; all ones: it has none. */
const volatile u32 reason_queue_purge = ~0U;

#define ENDED_BYTES (2 * 1024 * 1024)

struct {
	MAP_UINT(type, BPF_MAP_TYPE_RINGBUF);
	MAP_UINT(max_entries, ENDED_BYTES);
} ended SEC(".maps");

/* What is known of a connection since it began. */
struct beginning {
	u32 creator;
	u32 flags;
	u8 creator_name[NAME_BYTES];
};

struct {
	MAP_UINT(type, BPF_MAP_TYPE_SK_STORAGE);
	MAP_UINT(map_flags, BPF_F_NO_PREALLOC);
	MAP_TYPE(key, s32);
	MAP_TYPE(value, struct beginning);
} beginnings SEC(".maps");

/* As in pulse.bpf.c: only types of arguments reach BTF. */
struct flow_structs {
	struct flow_socket socket;
	struct drop_key key;
	struct drop_count count;
	struct datagram_key datagram;
	struct datagram_count datagrams;
	struct dns_question question;
	struct dns_key dns_key;
	struct dns_count dns;
};

__attribute__((noinline, used)) int flow_layouts(struct flow_structs *structs_in_btf)
{
	return structs_in_btf != NULL;
}

INLINE void copy_address(u8 *to, struct in6_addr *from)
{
	for (int index = 0; index < 16; index++)
		to[index] = from->bytes[index];
}

/* Where a socket is; false when that is not in IP. */
INLINE bool locate(struct flow_socket *out, struct sock *socket)
{
	struct sock_common *common = &socket->__sk_common;
	u16 port = 0;

	out->family = common->skc_family;
	out->protocol = socket->sk_protocol == IPPROTO_UDP ? IPPROTO_UDP : IPPROTO_TCP;
	if (out->family == AF_INET) {
		*(u32 *)out->local = common->skc_rcv_saddr;
		*(u32 *)out->remote = common->skc_daddr;
	} else if (out->family == AF_INET6) {
		copy_address(out->local, &common->skc_v6_rcv_saddr);
		copy_address(out->remote, &common->skc_v6_daddr);
	} else {
		return false;
	}
	/* Not skc_num: a port that was given back is 0 there when its socket ends. */
	if (KERNEL_READ(&port, (struct inet_sock *)socket, inet_sport))
		return false;
	out->local_port = __builtin_bswap16(port);
	out->remote_port = __builtin_bswap16(common->skc_dport);
	out->network = common->skc_net.net->ns.inum;
	out->state = common->skc_state;
	out->cookie = bpf_get_socket_cookie(socket);
	return true;
}

/* What a TCP socket has carried; false when it is another one. */
INLINE bool describe(struct flow_socket *out, struct sock *socket)
{
	struct tcp_sock *tcp;

	if (!locate(out, socket))
		return false;
	tcp = bpf_skc_to_tcp_sock(socket);
	if (!tcp)
		return false;
	out->bytes_sent = tcp->bytes_sent;
	out->bytes_retransmitted = tcp->bytes_retrans;
	out->bytes_received = tcp->bytes_received;
	out->segments_sent = tcp->segs_out;
	out->segments_received = tcp->segs_in;
	out->retransmits = tcp->total_retrans;
	out->smoothed_rtt = tcp->srtt_us;
	out->minimum_rtt = tcp->rtt_min.s[0].v;
	out->error = socket->sk_err;
	if (socket->__sk_common.skc_flags & (1UL << SOCK_DONE))
		out->flags |= FLOW_FIN_RECEIVED;
	return true;
}

/*
 * Programs in Go listen with MPTCP where the kernel has it, and are then
 * connected to by plain TCP: who listens has to be seen all the same.
 */
INLINE bool describe_listener(struct flow_socket *out, struct sock *socket)
{
	return socket->__sk_common.skc_state == TCP_LISTEN && locate(out, socket);
}

INLINE void add_beginning(struct flow_socket *out, struct sock *socket)
{
	struct beginning *beginning = bpf_sk_storage_get(&beginnings, socket, NULL, 0);

	if (beginning) {
		out->creator = beginning->creator;
		out->flags |= beginning->flags;
		__builtin_memcpy(out->creator_name, beginning->creator_name, NAME_BYTES);
	}
}

struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
} KERNEL_STRUCT;

struct file;

struct bpf_iter__task_file {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
	struct file *file;
} KERNEL_STRUCT;

SEC("iter/task_file")
int sockets(struct bpf_iter__task_file *context)
{
	struct file *file = context->file;
	struct task_struct *task = context->task;
	struct flow_socket out = {};
	struct socket *socket;
	struct sock *sock;

	if (!file || !task)
		return 0;
	socket = bpf_sock_from_file(file);
	if (!socket)
		return 0;
	sock = socket->sk;
	if (!sock)
		return 0;
	if (sock->sk_protocol == IPPROTO_TCP) {
		if (!describe(&out, sock) || out.state == TCP_CLOSE)
			return 0;
		add_beginning(&out, sock);
	} else if (sock->sk_protocol == IPPROTO_UDP) {
		/* Who has which port. */
		if (!locate(&out, sock) || !out.local_port)
			return 0;
	} else if (sock->sk_protocol != IPPROTO_MPTCP || !describe_listener(&out, sock)) {
		return 0;
	}
	out.process = task_process_seen_from(task, pid_namespace_inode);
	/* When there is no room it is called again for the same file. */
	bpf_seq_write(context->meta->seq, &out, sizeof(out));
	return 0;
}

/* A connection begins: from here on it is known that all of it was seen. */
INLINE void begin(struct sock *socket, u32 creator, u32 flags)
{
	struct beginning *beginning =
		bpf_sk_storage_get(&beginnings, socket, NULL, BPF_SK_STORAGE_GET_F_CREATE);

	if (!beginning)
		return;
	/* The same socket may connect again after it was disconnected. */
	if (creator) {
		beginning->creator = creator;
		bpf_get_current_comm(beginning->creator_name, NAME_BYTES);
	}
	beginning->flags = flags;
}

INLINE void tell_end(struct sock *socket, u32 state_before)
{
	struct flow_socket out = {};
	struct flow_socket *event;
	u64 waiting;

	if (!describe(&out, socket))
		return;
	add_beginning(&out, socket);
	out.state = TCP_CLOSE;
	out.state_before = state_before;
	event = bpf_ringbuf_reserve(&ended, sizeof(out), 0);
	if (!event) {
		count_loss(PROGRAM_SOCKET_STATE);
		return;
	}
	*event = out;
	/* They are fetched once per interval; sooner only when the room gets scarce. */
	waiting = bpf_ringbuf_query(&ended, BPF_RB_AVAIL_DATA);
	bpf_ringbuf_submit(event, waiting > ENDED_BYTES / 4 ? BPF_RB_FORCE_WAKEUP :
							      BPF_RB_NO_WAKEUP);
}

SEC("tp_btf/inet_sock_set_state")
int socket_state(u64 *context)
{
	u64 began = bpf_ktime_get_ns();
	struct sock *socket = (struct sock *)context[0];
	s32 before = context[1];
	s32 after = context[2];

	if (socket->sk_protocol != IPPROTO_TCP)
		return 0;
	if (after == TCP_SYN_SENT) {
		struct task_struct *task = (void *)bpf_get_current_task();

		begin(socket, task_process_seen_from(task, pid_namespace_inode),
		      FLOW_NEW | FLOW_OUTGOING);
	} else if (after == TCP_ESTABLISHED && before == TCP_SYN_SENT) {
		begin(socket, 0, FLOW_NEW | FLOW_OUTGOING | FLOW_OPENED);
	} else if (after == TCP_ESTABLISHED && before == TCP_SYN_RECV) {
		begin(socket, 0, FLOW_NEW | FLOW_INCOMING | FLOW_OPENED);
	} else if (after == TCP_CLOSE && before != TCP_LISTEN && before != TCP_CLOSE) {
		tell_end(socket, before);
	}
	account(PROGRAM_SOCKET_STATE, began);
	return 0;
}

struct {
	MAP_UINT(type, BPF_MAP_TYPE_PERCPU_HASH);
	MAP_UINT(max_entries, 4096);
	MAP_TYPE(key, struct drop_key);
	MAP_TYPE(value, struct drop_count);
} drops SEC(".maps");

/* The same without ports and addresses, for what `drops` has no room for. */
struct {
	MAP_UINT(type, BPF_MAP_TYPE_PERCPU_HASH);
	MAP_UINT(max_entries, 512);
	MAP_TYPE(key, struct drop_key);
	MAP_TYPE(value, struct drop_count);
} crowds SEC(".maps");

/* What the headers of IP tell; false when there are none. */
INLINE bool read_headers(struct drop_key *key, struct sk_buff *packet)
{
	unsigned char *network = packet->head + packet->network_header;
	u16 ethernet_type = __builtin_bswap16(packet->protocol);
	unsigned char *transport;

	if (ethernet_type == ETH_P_IP) {
		struct ipv4_header header;

		if (bpf_probe_read_kernel(&header, sizeof(header), network))
			return false;
		if (header.version_length >> 4 != 4)
			return false;
		key->protocol = header.protocol;
		map_address(key->source, header.source);
		map_address(key->destination, header.destination);
		/* Only the first fragment has ports. */
		if (header.fragment & __builtin_bswap16(0x1fff))
			return true;
		transport = network + (header.version_length & 0xf) * 4;
	} else if (ethernet_type == ETH_P_IPV6) {
		struct ipv6_header header;

		if (bpf_probe_read_kernel(&header, sizeof(header), network))
			return false;
		key->protocol = header.next_header;
		__builtin_memcpy(key->source, header.source, sizeof(key->source));
		__builtin_memcpy(key->destination, header.destination, sizeof(key->destination));
		transport = network + sizeof(header);
	} else {
		return false;
	}
	if (key->protocol == IPPROTO_TCP || key->protocol == IPPROTO_UDP) {
		u16 port = 0;

		if (!bpf_probe_read_kernel(&port, sizeof(port), transport + 2))
			key->port = __builtin_bswap16(port);
	}
	return true;
}

INLINE bool count_drop(void *map, struct drop_key *key, u64 bytes)
{
	struct drop_count *known = bpf_map_lookup_elem(map, key);
	struct drop_count none = {};

	if (!known) {
		/* Another processor may be about to do the same: that is no failure. */
		bpf_map_update_elem(map, key, &none, BPF_NOEXIST);
		known = bpf_map_lookup_elem(map, key);
		if (!known)
			return false;
	}
	/* An interrupt on the same processor may drop packets too. */
	__sync_fetch_and_add(&known->packets, 1);
	__sync_fetch_and_add(&known->bytes, bytes);
	return true;
}

SEC("tp_btf/kfree_skb")
int packet_drop(u64 *context)
{
	u64 began = bpf_ktime_get_ns();
	struct sk_buff *packet = (struct sk_buff *)context[0];
	struct drop_key key = { .reason = context[2] };
	struct net_device *device = packet->dev;
	struct sock *socket = packet->sk;
	u64 bytes;

	/*
	 * Every connection that ends leaves the other end's FIN in a queue, which
	 * goes with its socket: nothing is lost with it.
	 */
	if (key.reason == reason_queue_purge && packet->len == 0)
		return 0;
	if (!read_headers(&key, packet))
		return 0;
	if (device)
		key.network = device->nd_net.net->ns.inum;
	else if (socket)
		key.network = socket->__sk_common.skc_net.net->ns.inum;
	/* `len` counts from `data`, which moves from header to header. */
	bytes = packet->len + (u64)(packet->data - packet->head) - packet->network_header;
	if (bytes > 0xffffff)
		bytes = packet->len;
	if (!count_drop(&drops, &key, bytes)) {
		/* Crowds are told together. */
		struct drop_key crowd = { .reason = key.reason, .network = key.network };

		if (!count_drop(&crowds, &crowd, bytes))
			count_loss(PROGRAM_PACKET_DROP);
	}
	account(PROGRAM_PACKET_DROP, began);
	return 0;
}
