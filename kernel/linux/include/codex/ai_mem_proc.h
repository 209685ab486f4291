/* SPDX-License-Identifier: GPL-2.0-only */
/* Made from codex_agent/kernel/schema/ai_mem.toml by `python -m codex_agent.kernel.schema`. */
#ifndef _CODEX_AI_MEM_PROC_H
#define _CODEX_AI_MEM_PROC_H

/* /proc/ai_memory: formats for seq_printf(), in the order of the file */
#define AI_MEM_PROC_TITLE \
	"AI Memory Allocator Status\n" \
	"===========================\n"
#define AI_MEM_PROC_NAME		"ai_memory"
#define AI_MEM_PROC_UNAVAILABLE		"unavailable"
#define AI_MEM_PROC_POOL_SIZE		"Total Pool Size: %llu MB\n"
#define AI_MEM_PROC_BLOCK_SIZE		"Block Size: %u KB\n"
#define AI_MEM_PROC_TOTAL_BLOCKS	"Total Blocks: %llu\n"
#define AI_MEM_PROC_ALLOCATED		"Allocated: %llu bytes\n"
#define AI_MEM_PROC_FILLED		"Filled: %llu bytes\n"
#define AI_MEM_PROC_PEAK		"Peak: %llu bytes\n"
#define AI_MEM_PROC_ORPHANED		"Orphaned: %llu bytes\n"
#define AI_MEM_PROC_OWNERS		"Owners: %u\n"
#define AI_MEM_PROC_EXPORTS		"Exports: %u\n"
#define AI_MEM_PROC_NODE_HEAD		"\nNode\tFilled\tAllocated\n"
#define AI_MEM_PROC_NODE_ROW		"%d\t%llu\t%llu\n"
#define AI_MEM_PROC_OWNER_HEAD		"\nPID\tUID\tBytes\tCgroup\n"
#define AI_MEM_PROC_OWNER_ROW		"%d\t%u\t%llu\t%s\n"

#endif
