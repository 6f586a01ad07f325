/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Reading Go values in a process's memory. */
#ifndef EARTHWORM_GO_H
#define EARTHWORM_GO_H

#include "helpers.h"

struct go_string {
	u64 data;
	u64 length;
};

/* Reads one value at `base + offset`; true when the memory was there. */
#define USER_READ(to, base, offset) \
	(bpf_probe_read_user((to), sizeof(*(to)), (const void *)((u64)(base) + (offset))) == 0)

/*
 * (*controller).holderIdentity: after `client` and `leaseClient`, two
 * interfaces of two words each. The same from component-helpers 0.20 to 0.36.
 */
#define CONTROLLER_HOLDER 32
/* (*clientConnReadLoop).cc, (*ClientConn).tconn's data word, in both copies of http2. */
#define READ_LOOP_CONNECTION 0
#define CLIENT_CONNECTION_DATA 16
/* MetaHeadersFrame: the embedded *HeadersFrame, then the slice of fields. */
#define FRAME_HEADERS 0
#define FRAME_FIELDS 8
/* FrameHeader.StreamID behind valid, Type, Flags and Length. */
#define HEADERS_STREAM 8
/* hpack.HeaderField: Name and Value, both strings. */
#define FIELD_NAME 0
#define FIELD_VALUE 16

#endif
