/* SPDX-License-Identifier: GPL-2.0-only */
/* Made from codex_agent/kernel/schema/ai_gpu.toml by `python -m codex_agent.kernel.schema`. */
#ifndef _CODEX_AI_GPU_PROC_H
#define _CODEX_AI_GPU_PROC_H

/*
 * /proc/ai_gpu: formats for seq_printf(), in the order of the file: the title once, then the lines
 * for each device. Where there are several, GPU precedes the lines of each and GAP stands between
 * two.
 */
#define AI_GPU_PROC_TITLE \
	"AI GPU Direct Access Status\n" \
	"============================\n"
#define AI_GPU_PROC_NAME			"ai_gpu"
#define AI_GPU_PROC_UNAVAILABLE			"unavailable"
#define AI_GPU_PROC_GAP				"\n"
#define AI_GPU_PROC_GPU				"GPU %u:\n"
#define AI_GPU_PROC_STATUS			"Status: %s\n"
#define AI_GPU_PROC_STATUS_ACTIVE		"Active"
#define AI_GPU_PROC_STATUS_NOT_INITIALIZED	"Not initialized"
#define AI_GPU_PROC_DEVICE			"Device: %04x:%04x\n"
#define AI_GPU_PROC_DMA_BUFFER			"DMA Buffer: %llu MB\n"
#define AI_GPU_PROC_STATISTICS			"\nStatistics:\n"
#define AI_GPU_PROC_TRANSFERS_TO		"  Transfers to GPU: %llu\n"
#define AI_GPU_PROC_TRANSFERS_FROM		"  Transfers from GPU: %llu\n"
#define AI_GPU_PROC_MIB_TO			"  Bytes to GPU: %llu MB\n"
#define AI_GPU_PROC_MIB_FROM			"  Bytes from GPU: %llu MB\n"
#define AI_GPU_PROC_LAUNCHES			"  Kernel launches: %llu\n"
#define AI_GPU_PROC_INTERRUPTS			"  Interrupts: %llu\n"
#define AI_GPU_PROC_BOUNCED_BYTES		"  Bounced bytes: %llu\n"
#define AI_GPU_PROC_TIMEOUTS			"  Timeouts: %llu\n"
#define AI_GPU_PROC_RESETS			"  Resets: %llu\n"
#define AI_GPU_PROC_QUEUED			"  Queued: %u\n"
#define AI_GPU_PROC_BYTES_TO			"  Bytes to GPU (exact): %llu\n"
#define AI_GPU_PROC_BYTES_FROM			"  Bytes from GPU (exact): %llu\n"

/* Observed Functions: the head once, then the columns */
#define AI_GPU_PROC_OBSERVED_HEAD				"\nObserved Functions:\n"
#define AI_GPU_PROC_OBSERVED_FUNCTION				"%s\t%04x:%04x"
#define AI_GPU_PROC_OBSERVED_DRIVER				"\tdriver=%s"
#define AI_GPU_PROC_OBSERVED_DRIVER_NONE			"\tdriver=none"
#define AI_GPU_PROC_OBSERVED_LINK				"\tlink=%s GT/s x%u"
#define AI_GPU_PROC_OBSERVED_LINK_UNAVAILABLE			"\tlink=unavailable"
#define AI_GPU_PROC_OBSERVED_MAX				"\tmax=%s GT/s x%u"
#define AI_GPU_PROC_OBSERVED_MAX_UNAVAILABLE			"\tmax=unavailable"
#define AI_GPU_PROC_OBSERVED_PORT				"\tport=%s GT/s x%u"
#define AI_GPU_PROC_OBSERVED_PORT_UNAVAILABLE			"\tport=unavailable"
#define AI_GPU_PROC_OBSERVED_PORT_MAX				"\tport_max=%s GT/s x%u"
#define AI_GPU_PROC_OBSERVED_PORT_MAX_UNAVAILABLE		"\tport_max=unavailable"
#define AI_GPU_PROC_OBSERVED_NODE				"\tnode=%d"
#define AI_GPU_PROC_OBSERVED_NODE_UNAVAILABLE			"\tnode=unavailable"
#define AI_GPU_PROC_OBSERVED_POWER				"\tpower=%s"
#define AI_GPU_PROC_OBSERVED_POWER_UNAVAILABLE			"\tpower=unavailable"
#define AI_GPU_PROC_OBSERVED_AER_CORRECTABLE			"\taer_correctable=0x%08x"
#define AI_GPU_PROC_OBSERVED_AER_CORRECTABLE_UNAVAILABLE	"\taer_correctable=unavailable"
#define AI_GPU_PROC_OBSERVED_AER_UNCORRECTABLE			"\taer_uncorrectable=0x%08x"
#define AI_GPU_PROC_OBSERVED_AER_UNCORRECTABLE_UNAVAILABLE	"\taer_uncorrectable=unavailable"
#define AI_GPU_PROC_OBSERVED_END				"\n"

#endif
