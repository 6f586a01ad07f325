/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Compile once, run everywhere: structs marked KERNEL_STRUCT declare only the
 * fields in use; the loader replaces every offset by the running kernel's.
 */
#ifndef EARTHWORM_CORE_H
#define EARTHWORM_CORE_H

#include "helpers.h"

#define KERNEL_STRUCT __attribute__((preserve_access_index))

/* Reads one field through any kernel pointer, also where the verifier no longer knows its type. */
#define KERNEL_READ(to, pointer, field)                                  \
	bpf_probe_read_kernel((to), sizeof(*(to)),                       \
			      __builtin_preserve_access_index(&(pointer)->field))

#endif
