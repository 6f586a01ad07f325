/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * What a user probe finds in the registers of a Go function (ABIInternal,
 * go.dev/s/regabi): Go 1.17 and later on amd64, 1.18 and later on arm64.
 * The register layouts are the kernel's ABI towards BPF programs
 * (arch/x86/include/uapi/asm/ptrace.h, arch/arm64/include/uapi/asm/ptrace.h).
 */
#ifndef EARTHWORM_REGISTERS_H
#define EARTHWORM_REGISTERS_H

#include "types.h"

#if defined(__TARGET_ARCH_x86)

struct pt_regs {
	u64 r15, r14, r13, r12, bp, bx, r11, r10, r9, r8, ax, cx, dx, si, di;
	u64 orig_ax, ip, cs, flags, sp, ss;
};
#define GO_FIRST(registers) ((registers)->ax)
#define GO_SECOND(registers) ((registers)->bx)
#define GO_THIRD(registers) ((registers)->cx)
#define GO_GOROUTINE(registers) ((registers)->r14)
#define GO_STACK(registers) ((registers)->sp)

#elif defined(__TARGET_ARCH_arm64)

struct pt_regs {
	u64 regs[31];
	u64 sp, pc, pstate;
};
#define GO_FIRST(registers) ((registers)->regs[0])
#define GO_SECOND(registers) ((registers)->regs[1])
#define GO_THIRD(registers) ((registers)->regs[2])
#define GO_GOROUTINE(registers) ((registers)->regs[28])
#define GO_STACK(registers) ((registers)->sp)

#else
#error "define __TARGET_ARCH_x86 or __TARGET_ARCH_arm64"
#endif

#endif
