// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * pulse: the kubelet's heartbeat, heard where it is made.
 *
 * Hooks: user probes on five functions of the kubelet (entries, and the return
 * instructions of one), BTF tracepoints sched_process_exit and signal_generate.
 * Needs: Linux 5.8 (ring buffer) with BTF; CAP_BPF and CAP_PERFMON. User
 * probes also need 6.6 (uprobe_multi links) or CAP_SYS_ADMIN.
 * Maps: ring buffer of 256 KiB; 8 watched processes; 64 streams that wait for
 * an answer, the oldest forgotten first; counters per CPU.
 * Can be lost: events for which the ring buffer had no room, and Go values
 * whose page was not in memory. Both are counted in `lost`.
 */
#include "include/types.h"
#include "include/helpers.h"
#include "include/maps.h"
#include "include/core.h"
#include "include/registers.h"
#include "include/task.h"
#include "include/go.h"
#include "include/pulse.h"
#include "include/accounting.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

/* The probe's own pid namespace, set before loading: ids in `watched` are ids in it. */
const volatile u64 namespace_device = 0;
const volatile u64 namespace_inode = 0;

struct {
	MAP_UINT(type, BPF_MAP_TYPE_RINGBUF);
	MAP_UINT(max_entries, 256 * 1024);
} events SEC(".maps");

struct {
	MAP_UINT(type, BPF_MAP_TYPE_HASH);
	MAP_UINT(max_entries, 8);
	MAP_TYPE(key, u32);
	MAP_TYPE(value, u32);
} watched SEC(".maps");

/* An HTTP/2 stream that carries a Lease, until its answer comes. */
struct stream_key {
	u64 connection;
	u32 process;
	u32 stream;
};

struct {
	MAP_UINT(type, BPF_MAP_TYPE_LRU_HASH);
	MAP_UINT(max_entries, 64);
	MAP_TYPE(key, struct stream_key);
	MAP_TYPE(value, u64);
} asked SEC(".maps");

/*
 * The event structs are only used inside of programs, and such types do not
 * reach BTF. As the argument of a function that nothing calls they do, and
 * the mirrors in src/pulse.rs can be compared with them.
 */
struct pulse_events {
	struct pulse_call call;
	struct pulse_return returned;
	struct pulse_write write;
	struct pulse_headers headers;
	struct pulse_exit exit;
	struct pulse_signal signal;
};

__attribute__((noinline, used)) int pulse_layouts(struct pulse_events *events_in_btf)
{
	return events_in_btf != NULL;
}

/* The current process's id in the probe's namespace when it is watched, else 0. */
INLINE u32 watched_current(void)
{
	struct bpf_pidns_info ids = {};

	if (bpf_get_ns_current_pid_tgid(namespace_device, namespace_inode, &ids, sizeof(ids)))
		return 0;
	return bpf_map_lookup_elem(&watched, &ids.tgid) ? ids.tgid : 0;
}

INLINE void fill_header(struct pulse_header *header, u64 time_ns, u32 kind, u32 process,
			struct pt_regs *registers)
{
	header->time_ns = time_ns;
	header->kind = kind;
	header->process = process;
	header->goroutine = registers ? GO_GOROUTINE(registers) : 0;
	header->stack = registers ? GO_STACK(registers) : 0;
}

/* Entry of a method of the lease controller: whose Lease, and when. */
INLINE void controller_call(struct pt_regs *registers, u64 began, u32 kind, u32 program)
{
	u32 process = watched_current();
	struct go_string holder = {};
	struct pulse_call *event;

	if (!process)
		return;
	event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	if (!event) {
		count_loss(program);
		return;
	}
	fill_header(&event->header, began, kind, process, registers);
	event->controller = GO_FIRST(registers);
	event->unused = 0;
	event->holder_length = 0;
	if (USER_READ(&holder, event->controller, CONTROLLER_HOLDER) && holder.length &&
	    holder.length <= HOLDER_BYTES) {
		u32 length = holder.length;

		OPAQUE(length);
		if (length <= HOLDER_BYTES &&
		    bpf_probe_read_user(event->holder, length, (void *)holder.data) == 0)
			event->holder_length = length;
	}
	bpf_ringbuf_submit(event, 0);
}

SEC("uprobe")
int lease_sync(struct pt_regs *registers)
{
	u64 began = bpf_ktime_get_ns();

	controller_call(registers, began, PULSE_SYNC, PROGRAM_SYNC);
	account(PROGRAM_SYNC, began);
	return 0;
}

SEC("uprobe")
int new_lease(struct pt_regs *registers)
{
	u64 began = bpf_ktime_get_ns();

	controller_call(registers, began, PULSE_NEW_LEASE, PROGRAM_NEW_LEASE);
	account(PROGRAM_NEW_LEASE, began);
	return 0;
}

INLINE void emit_return(struct pt_regs *registers, u64 began)
{
	u32 process = watched_current();
	struct pulse_return *event;

	if (!process)
		return;
	event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	if (!event) {
		count_loss(PROGRAM_RETRY_RETURN);
		return;
	}
	fill_header(&event->header, began, PULSE_RETRY_RETURN, process, registers);
	event->error = GO_FIRST(registers);
	bpf_ringbuf_submit(event, 0);
}

SEC("uprobe")
int retry_return(struct pt_regs *registers)
{
	u64 began = bpf_ktime_get_ns();

	emit_return(registers, began);
	account(PROGRAM_RETRY_RETURN, began);
	return 0;
}

/* Eight characters as the integer they are in memory. */
#define WORD(a, b, c, d, e, f, g, h)                                                       \
	((u64)(u8)(a) | (u64)(u8)(b) << 8 | (u64)(u8)(c) << 16 | (u64)(u8)(d) << 24 |      \
	 (u64)(u8)(e) << 32 | (u64)(u8)(f) << 40 | (u64)(u8)(g) << 48 | (u64)(u8)(h) << 56)

/*
 * The start of a buffer, shifted by seven bytes: the HTTP/2 frame header takes
 * nine, so the body's words come to lie aligned.
 */
struct start {
	u8 shift[7];
	u8 frame[9];
	u64 body[4];
	u32 rest[2];
};
#define START_BYTES (sizeof(struct start) - 7)

INLINE u32 lease_format(const struct start *start)
{
	/* An HTTP/2 frame of type DATA. */
	if (start->frame[3] == 0) {
		if (start->body[0] == WORD('k', '8', 's', 0, 0x0a, 0x1f, 0x0a, 0x16) &&
		    start->body[1] == WORD('c', 'o', 'o', 'r', 'd', 'i', 'n', 'a') &&
		    start->body[2] == WORD('t', 'i', 'o', 'n', '.', 'k', '8', 's') &&
		    start->body[3] == WORD('.', 'i', 'o', '/', 'v', '1', 0x12, 0x05) &&
		    start->rest[0] == (u32)WORD('L', 'e', 'a', 's', 0, 0, 0, 0) &&
		    (start->rest[1] & 0xffff) == ('e' | 0x12 << 8))
			return FORMAT_PROTOBUF;
		if (start->body[0] == WORD('{', '"', 'k', 'i', 'n', 'd', '"', ':') &&
		    start->body[1] == WORD('"', 'L', 'e', 'a', 's', 'e', '"', ',') &&
		    start->body[2] == WORD('"', 'a', 'p', 'i', 'V', 'e', 'r', 's'))
			return FORMAT_JSON;
		return 0;
	}
	/* "PUT /apis/coordination..." and "POST /apis/coordination...", nine bytes in. */
	if (start->frame[0] == 'P' && start->frame[1] == 'U' && start->frame[2] == 'T' &&
	    start->body[0] == WORD('/', 'c', 'o', 'o', 'r', 'd', 'i', 'n'))
		return FORMAT_HTTP1;
	if (start->frame[0] == 'P' && start->frame[1] == 'O' && start->frame[2] == 'S' &&
	    start->body[0] == WORD('s', '/', 'c', 'o', 'o', 'r', 'd', 'i'))
		return FORMAT_HTTP1;
	return 0;
}

INLINE void match_write(struct pt_regs *registers, u64 began)
{
	u64 buffer = GO_SECOND(registers), size = GO_THIRD(registers);
	struct start start;
	struct pulse_write *event;
	struct stream_key key = {};
	u32 format, length;

	/* No Lease is shorter than its constant bytes and its renewTime; none is a megabyte. */
	if (size < TAIL_BYTES || size > 1024 * 1024)
		return;
	key.process = watched_current();
	if (!key.process)
		return;
	if (bpf_probe_read_user(start.frame, START_BYTES, (void *)buffer)) {
		count_loss(PROGRAM_TLS_WRITE);
		return;
	}
	format = lease_format(&start);
	if (!format)
		return;

	key.connection = GO_FIRST(registers);
	if (format != FORMAT_HTTP1) {
		key.stream = (start.frame[5] & 0x7f) << 24 | start.frame[6] << 16 |
			     start.frame[7] << 8 | start.frame[8];
		/* Noted before the bytes leave, so the answer cannot come first. */
		bpf_map_update_elem(&asked, &key, &began, BPF_ANY);
	}
	event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	if (!event) {
		count_loss(PROGRAM_TLS_WRITE);
		return;
	}
	fill_header(&event->header, began, PULSE_WRITE, key.process, registers);
	event->connection = key.connection;
	event->stream = key.stream;
	event->format = format;
	event->length = size;
	event->unused = 0;
	length = size > HEAD_BYTES ? HEAD_BYTES : size;
	OPAQUE(length);
	if (length > HEAD_BYTES)
		length = HEAD_BYTES;
	if (bpf_probe_read_user(event->head, length, (void *)buffer) ||
	    bpf_probe_read_user(event->tail, TAIL_BYTES, (void *)(buffer + size - TAIL_BYTES))) {
		event->length = 0;
		count_loss(PROGRAM_TLS_WRITE);
	}
	bpf_ringbuf_submit(event, 0);
}

SEC("uprobe")
int tls_write(struct pt_regs *registers)
{
	u64 began = bpf_ktime_get_ns();

	match_write(registers, began);
	account(PROGRAM_TLS_WRITE, began);
	return 0;
}

INLINE void match_headers(struct pt_regs *registers, u64 began)
{
	struct stream_key key = {};
	struct go_string name = {}, status = {};
	u64 frame = GO_SECOND(registers), headers = 0, client = 0, fields = 0;
	struct pulse_headers *event;

	key.process = watched_current();
	if (!key.process)
		return;
	if (!USER_READ(&headers, frame, FRAME_HEADERS) ||
	    !USER_READ(&key.stream, headers, HEADERS_STREAM) ||
	    !USER_READ(&client, GO_FIRST(registers), READ_LOOP_CONNECTION) ||
	    !USER_READ(&key.connection, client, CLIENT_CONNECTION_DATA)) {
		count_loss(PROGRAM_PROCESS_HEADERS);
		return;
	}
	if (!bpf_map_lookup_elem(&asked, &key))
		return;
	if (!USER_READ(&fields, frame, FRAME_FIELDS) || !USER_READ(&name, fields, FIELD_NAME) ||
	    !USER_READ(&status, fields, FIELD_VALUE)) {
		count_loss(PROGRAM_PROCESS_HEADERS);
		return;
	}
	/* ":status" and three digits; trailers have neither. */
	if (name.length != 7 || status.length != 3)
		return;
	event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	if (!event) {
		count_loss(PROGRAM_PROCESS_HEADERS);
		return;
	}
	fill_header(&event->header, began, PULSE_HEADERS, key.process, registers);
	event->connection = key.connection;
	event->stream = key.stream;
	event->status[3] = 0;
	if (bpf_probe_read_user(event->status, 3, (void *)status.data)) {
		event->status[0] = 0;
		count_loss(PROGRAM_PROCESS_HEADERS);
	}
	/* A 1xx answer is followed by the real one. */
	if (event->status[0] != '1')
		bpf_map_delete_elem(&asked, &key);
	bpf_ringbuf_submit(event, 0);
}

SEC("uprobe")
int process_headers(struct pt_regs *registers)
{
	u64 began = bpf_ktime_get_ns();

	match_headers(registers, began);
	account(PROGRAM_PROCESS_HEADERS, began);
	return 0;
}

INLINE void emit_exit(struct task_struct *task, u64 began)
{
	struct pulse_exit *event;
	u32 process;

	/* The leader's status is the process's; other threads come and go. */
	if (task->pid != task->tgid)
		return;
	process = task_process_in(task, namespace_inode);
	if (!process || !bpf_map_lookup_elem(&watched, &process))
		return;
	event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	if (!event) {
		count_loss(PROGRAM_PROCESS_EXIT);
		return;
	}
	fill_header(&event->header, began, PULSE_EXIT, process, NULL);
	event->code = task->exit_code;
	event->unused = 0;
	bpf_ringbuf_submit(event, 0);
}

SEC("tp_btf/sched_process_exit")
int process_exit(u64 *arguments)
{
	u64 began = bpf_ktime_get_ns();

	emit_exit((struct task_struct *)arguments[0], began);
	account(PROGRAM_PROCESS_EXIT, began);
	return 0;
}

/* Stop and continue, and what ends a process; not SIGURG, by which Go preempts itself. */
#define BIT(signal) (1ULL << (signal))
#define SIGNALS                                                                             \
	(BIT(1) | BIT(2) | BIT(3) | BIT(4) | BIT(6) | BIT(7) | BIT(8) | BIT(9) | BIT(11) |  \
	 BIT(15) | BIT(18) | BIT(19) | BIT(20) | BIT(21) | BIT(22) | BIT(31))

INLINE void emit_signal(u64 *arguments, u64 began)
{
	s32 signal = arguments[0];
	u64 information = arguments[1];
	struct bpf_pidns_info ids = {};
	struct pulse_signal *event;
	u32 process;

	if (signal < 1 || signal > 31 || !(SIGNALS & BIT(signal)))
		return;
	process = task_process_in((struct task_struct *)arguments[2], namespace_inode);
	if (!process || !bpf_map_lookup_elem(&watched, &process))
		return;
	event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	if (!event) {
		count_loss(PROGRAM_SIGNAL);
		return;
	}
	fill_header(&event->header, began, PULSE_SIGNAL, process, NULL);
	event->signal = signal;
	event->result = arguments[4];
	/* A sender in another pid namespace is named by its id in the first one. */
	if (bpf_get_ns_current_pid_tgid(namespace_device, namespace_inode, &ids, sizeof(ids)))
		ids.tgid = bpf_get_current_pid_tgid() >> 32;
	event->sender = ids.tgid;
	/* SEND_SIG_PRIV (include/linux/sched/signal.h): the kernel itself, such as its OOM killer. */
	event->from_kernel = information == 1;
	bpf_get_current_comm(event->sender_name, sizeof(event->sender_name));
	bpf_ringbuf_submit(event, 0);
}

SEC("tp_btf/signal_generate")
int signal_generate(u64 *arguments)
{
	u64 began = bpf_ktime_get_ns();

	emit_signal(arguments, began);
	account(PROGRAM_SIGNAL, began);
	return 0;
}
