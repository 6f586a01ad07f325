/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The kernel's view of a process, cut down to the fields in use. */
#ifndef EARTHWORM_TASK_H
#define EARTHWORM_TASK_H

#include "core.h"

struct ns_common {
	u32 inum;
} KERNEL_STRUCT;

struct pid_namespace {
	struct ns_common ns;
} KERNEL_STRUCT;

struct upid {
	s32 nr;
	struct pid_namespace *ns;
} KERNEL_STRUCT;

struct pid {
	u32 level;
	struct upid numbers[1];
} KERNEL_STRUCT;

struct task_struct {
	s32 pid;
	s32 tgid;
	s32 exit_code;
	struct task_struct *group_leader;
	struct pid *thread_pid;
} KERNEL_STRUCT;

/* Deepest nesting of pid namespaces (MAX_PID_NS_LEVEL, include/linux/pid_namespace.h). */
#define DEEPEST_PID_NAMESPACE 32

/*
 * The process id of `task`'s leader in the pid namespace with inode
 * `namespace_inode`, if that is the namespace the task itself lives in; else 0.
 * A node that is itself a container (kind, minikube) has such a namespace, and
 * there the ids of /proc are not those of bpf_get_current_pid_tgid().
 */
INLINE u32 task_process_in(struct task_struct *task, u32 namespace_inode)
{
	struct task_struct *leader = NULL;
	struct pid *pid = NULL;
	struct pid_namespace *space = NULL;
	u32 level = 0, inode = 0;
	s32 number = 0;

	if (KERNEL_READ(&leader, task, group_leader) || KERNEL_READ(&pid, leader, thread_pid))
		return 0;
	if (!pid || KERNEL_READ(&level, pid, level) || level > DEEPEST_PID_NAMESPACE)
		return 0;

	u64 stride = __builtin_preserve_type_info(*(struct upid *)0, 1);
	struct upid *slot =
		(void *)((u64)__builtin_preserve_access_index(&pid->numbers[0]) + level * stride);
	if (KERNEL_READ(&space, slot, ns) || KERNEL_READ(&inode, space, ns.inum))
		return 0;
	if (inode != namespace_inode || KERNEL_READ(&number, slot, nr))
		return 0;
	return number;
}

/* Deepest pid namespace in which a probe is looked for; a node in a container has 1. */
#define DEEPEST_PROBE 8

/*
 * The process id of `task`'s leader as the pid namespace with inode
 * `namespace_inode` sees it, from inside or from above; 0 when it does not.
 */
INLINE u32 task_process_seen_from(struct task_struct *task, u32 namespace_inode)
{
	struct task_struct *leader = NULL;
	struct pid *pid = NULL;
	u32 deepest = 0;
	u64 stride = __builtin_preserve_type_info(*(struct upid *)0, 1);

	if (KERNEL_READ(&leader, task, group_leader) || KERNEL_READ(&pid, leader, thread_pid))
		return 0;
	if (!pid || KERNEL_READ(&deepest, pid, level))
		return 0;
	u64 first = (u64)__builtin_preserve_access_index(&pid->numbers[0]);
	for (u32 level = 0; level < DEEPEST_PROBE && level <= deepest; level++) {
		struct upid *slot = (void *)(first + level * stride);
		struct pid_namespace *space = NULL;
		u32 inode = 0;
		s32 number = 0;

		if (KERNEL_READ(&space, slot, ns) || KERNEL_READ(&inode, space, ns.inum))
			return 0;
		if (inode == namespace_inode)
			return KERNEL_READ(&number, slot, nr) ? 0 : number;
	}
	return 0;
}

#endif
