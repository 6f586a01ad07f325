/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * What every program costs and loses, told by itself: the kernel's own
 * statistics need CAP_SYS_ADMIN. Include it after the enum that ends with
 * PROGRAMS.
 */
#ifndef EARTHWORM_ACCOUNTING_H
#define EARTHWORM_ACCOUNTING_H

#include "helpers.h"
#include "maps.h"

struct program_cost {
	u64 runs;
	u64 run_ns;
};

struct {
	MAP_UINT(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	MAP_UINT(max_entries, PROGRAMS);
	MAP_TYPE(key, u32);
	MAP_TYPE(value, struct program_cost);
} cost SEC(".maps");

struct {
	MAP_UINT(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	MAP_UINT(max_entries, PROGRAMS);
	MAP_TYPE(key, u32);
	MAP_TYPE(value, u64);
} lost SEC(".maps");

INLINE void account(u32 program, u64 began)
{
	struct program_cost *own = bpf_map_lookup_elem(&cost, &program);

	if (own) {
		own->runs += 1;
		own->run_ns += bpf_ktime_get_ns() - began;
	}
}

INLINE void count_loss(u32 program)
{
	u64 *count = bpf_map_lookup_elem(&lost, &program);

	if (count)
		*count += 1;
}

#endif
