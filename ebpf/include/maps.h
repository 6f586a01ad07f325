/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Map definitions as BTF members, and the map types in use. */
#ifndef EARTHWORM_MAPS_H
#define EARTHWORM_MAPS_H

#include "types.h"

/* A number becomes the length of an array type, which is what ends up in BTF. */
#define MAP_UINT(name, value) int(*name)[value]
#define MAP_TYPE(name, type) typeof(type) *name

enum bpf_map_type_used {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_PERCPU_ARRAY = 6,
	BPF_MAP_TYPE_LRU_HASH = 9,
	BPF_MAP_TYPE_RINGBUF = 27,
};

#define BPF_ANY 0

#endif
