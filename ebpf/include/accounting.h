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

/* Of programs that run for every packet, one run in so many is timed: asking the clock costs more than they do. */
#define SAMPLED_RUNS 64

/* Counts the run; gives its beginning when it is one of those, else 0. */
INLINE u64 begin_sample(u32 program)
{
	struct program_cost *own = bpf_map_lookup_elem(&cost, &program);

	if (!own)
		return 0;
	own->runs += 1;
	return own->runs % SAMPLED_RUNS ? 0 : bpf_ktime_get_ns();
}

/* A timed run stands for those that were not. */
INLINE void account_sample(u32 program, u64 began)
{
	struct program_cost *own;

	if (!began)
		return;
	own = bpf_map_lookup_elem(&cost, &program);
	if (own)
		own->run_ns += (bpf_ktime_get_ns() - began) * SAMPLED_RUNS;
}

INLINE void count_loss(u32 program)
{
	u64 *count = bpf_map_lookup_elem(&lost, &program);

	if (count)
		*count += 1;
}

#endif
