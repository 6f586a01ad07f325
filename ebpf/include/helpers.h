/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Kernel helpers by number (include/uapi/linux/bpf.h, ___BPF_FUNC_MAPPER): the
 * numbers are ABI, so no generated header is needed. Each names the first
 * kernel that has it.
 */
#ifndef EARTHWORM_HELPERS_H
#define EARTHWORM_HELPERS_H

#include "types.h"

static void *(*const bpf_map_lookup_elem)(void *map, const void *key) = (void *)1; /* 3.18 */
static long (*const bpf_map_update_elem)(void *map, const void *key, const void *value,
					 u64 flags) = (void *)2; /* 3.18 */
static long (*const bpf_map_delete_elem)(void *map, const void *key) = (void *)3; /* 3.18 */
static u64 (*const bpf_ktime_get_ns)(void) = (void *)5; /* 4.1 */
static u64 (*const bpf_get_current_pid_tgid)(void) = (void *)14; /* 4.2 */
static long (*const bpf_get_current_comm)(void *buffer, u32 size) = (void *)16; /* 4.2 */
static long (*const bpf_skb_load_bytes)(const void *packet, u32 offset, void *to,
					u32 size) = (void *)26; /* 4.5 */
static u64 (*const bpf_get_current_task)(void) = (void *)35; /* 4.8 */
/* In tracing programs from 5.12 on. */
static u64 (*const bpf_get_socket_cookie)(void *socket) = (void *)46; /* 4.12 */
static void *(*const bpf_sk_fullsock)(void *socket) = (void *)95; /* 5.1 */
/* In tracing programs from 5.11 on. */
static void *(*const bpf_sk_storage_get)(void *map, void *socket, void *value,
					 u64 flags) = (void *)107; /* 5.2 */
static long (*const bpf_probe_read_user)(void *to, u32 size, const void *from) =
	(void *)112; /* 5.5 */
static long (*const bpf_probe_read_kernel)(void *to, u32 size, const void *from) =
	(void *)113; /* 5.5 */

/* Process and thread id as another pid namespace sees them. */
struct bpf_pidns_info {
	u32 pid;
	u32 tgid;
};

static long (*const bpf_get_ns_current_pid_tgid)(u64 device, u64 inode,
						 struct bpf_pidns_info *out,
						 u32 size) = (void *)120; /* 5.7 */
static long (*const bpf_seq_write)(void *file, const void *data, u32 length) =
	(void *)127; /* 5.7 */
static void *(*const bpf_ringbuf_reserve)(void *ring, u64 size, u64 flags) =
	(void *)131; /* 5.8 */
static void (*const bpf_ringbuf_submit)(void *data, u64 flags) = (void *)132; /* 5.8 */
static u64 (*const bpf_ringbuf_query)(void *ring, u64 flags) = (void *)134; /* 5.8 */
static void *(*const bpf_skc_to_tcp_sock)(void *socket) = (void *)137; /* 5.9 */
static void *(*const bpf_sock_from_file)(void *file) = (void *)162; /* 5.11 */

#endif
