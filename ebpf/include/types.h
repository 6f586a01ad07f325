/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The few base types and attributes every program needs. */
#ifndef EARTHWORM_TYPES_H
#define EARTHWORM_TYPES_H

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef int s32;
typedef unsigned long long u64;
typedef long long s64;
typedef _Bool bool;
#define true 1
#define false 0

#define NULL ((void *)0)
#define SEC(name) __attribute__((section(name), used))
#define INLINE static inline __attribute__((always_inline))

/* Keeps the compiler from proving a bound away that the verifier still wants to see. */
#define OPAQUE(variable) asm volatile("" : "+r"(variable))

#endif
