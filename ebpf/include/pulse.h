/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Events of the pulse probe as they lie in the ring buffer. src/pulse.rs
 * mirrors them, and a test compares both by the object's BTF.
 */
#ifndef EARTHWORM_PULSE_H
#define EARTHWORM_PULSE_H

#include "types.h"

/* Longest name of a node: a DNS subdomain has up to 253 bytes. */
#define HOLDER_BYTES 256
/* A Lease with its field ownership is 300-500 bytes; longer ones are cut. */
#define HEAD_BYTES 1024
/* renewTime is among the last 48 bytes of a request. */
#define TAIL_BYTES 64

enum pulse_kind {
	PULSE_SYNC = 1,
	PULSE_NEW_LEASE = 2,
	PULSE_RETRY_RETURN = 3,
	PULSE_WRITE = 4,
	PULSE_HEADERS = 5,
	PULSE_EXIT = 6,
	PULSE_SIGNAL = 7,
};

enum pulse_format {
	/* HTTP/2 DATA frame with a protobuf body. */
	FORMAT_PROTOBUF = 1,
	/* HTTP/2 DATA frame with a JSON body. */
	FORMAT_JSON = 2,
	/* HTTP/1.1 request line, headers and body in one buffer. */
	FORMAT_HTTP1 = 3,
};

/* Positions in the maps `cost` and `lost`. */
enum pulse_program {
	PROGRAM_SYNC,
	PROGRAM_NEW_LEASE,
	PROGRAM_RETRY_RETURN,
	PROGRAM_TLS_WRITE,
	PROGRAM_PROCESS_HEADERS,
	PROGRAM_PROCESS_EXIT,
	PROGRAM_SIGNAL,
	PROGRAMS,
};

struct pulse_header {
	u64 time_ns; /* CLOCK_MONOTONIC */
	u32 kind;
	u32 process; /* in the probe's own pid namespace */
	u64 goroutine;
	u64 stack;
};

/* Entry of (*controller).sync or .newLease. */
struct pulse_call {
	struct pulse_header header;
	u64 controller;
	u32 holder_length;
	u32 unused;
	u8 holder[HOLDER_BYTES];
};

/* A return instruction of (*controller).retryUpdateLease. */
struct pulse_return {
	struct pulse_header header;
	u64 error; /* type word of the returned error, 0 for nil */
};

/* A Lease handed to the TLS layer. */
struct pulse_write {
	struct pulse_header header;
	u64 connection;
	u32 stream;
	u32 format;
	u32 length;
	u32 unused;
	u8 head[HEAD_BYTES];
	u8 tail[TAIL_BYTES];
};

/* Response headers of a stream that a Lease was written to. */
struct pulse_headers {
	struct pulse_header header;
	u64 connection;
	u32 stream;
	u8 status[4];
};

struct pulse_exit {
	struct pulse_header header;
	s32 code; /* as in wait(2) */
	u32 unused;
};

struct pulse_signal {
	struct pulse_header header;
	s32 signal;
	s32 result; /* TRACE_SIGNAL_*, include/trace/events/signal.h */
	u32 sender;
	u32 from_kernel;
	u8 sender_name[16];
};

#endif
