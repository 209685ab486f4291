# SPDX-License-Identifier: Apache-2.0
"""What a C program prints with the formats of the headers is what Python reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_agent.kernel.abi.form import Link
from codex_agent.kernel.proc import parse_gpu, parse_memory
from tests.unit.kernel import compiled
from tests.unit.kernel.proc import texts

if TYPE_CHECKING:
    from pathlib import Path

MEMORY = """
#include <stdio.h>
#include <codex/ai_mem_proc.h>
int main(void)
{
	printf(AI_MEM_PROC_TITLE);
	printf(AI_MEM_PROC_POOL_SIZE, 256ULL);
	printf(AI_MEM_PROC_BLOCK_SIZE, 4U);
	printf(AI_MEM_PROC_TOTAL_BLOCKS, 65536ULL);
	printf(AI_MEM_PROC_ALLOCATED, 8192ULL);
	printf(AI_MEM_PROC_FILLED, 268435456ULL);
	printf(AI_MEM_PROC_PEAK, 1052672ULL);
	printf(AI_MEM_PROC_ORPHANED, 4096ULL);
	printf(AI_MEM_PROC_OWNERS, 2U);
	printf(AI_MEM_PROC_EXPORTS, 1U);
	printf(AI_MEM_PROC_NODE_HEAD);
	printf(AI_MEM_PROC_NODE_ROW, 0, 134217728ULL, 8192ULL);
	printf(AI_MEM_PROC_NODE_ROW, 1, 134217728ULL, 0ULL);
	printf(AI_MEM_PROC_OWNER_HEAD);
	printf(AI_MEM_PROC_OWNER_ROW, 812, 0U, 4096ULL, "/system.slice/codex\\\\x2dagent.service");
	printf(AI_MEM_PROC_OWNER_ROW, 0, 4294967295U, 4096ULL, AI_MEM_PROC_UNAVAILABLE);
	return 0;
}
"""

BLOCK = """
	printf(AI_GPU_PROC_STATUS, AI_GPU_PROC_STATUS_ACTIVE);
	printf(AI_GPU_PROC_DEVICE, 0x1234, 0x11e8);
	printf(AI_GPU_PROC_DMA_BUFFER, 1ULL);
	printf(AI_GPU_PROC_STATISTICS);
	printf(AI_GPU_PROC_TRANSFERS_TO, 3ULL);
	printf(AI_GPU_PROC_TRANSFERS_FROM, 2ULL);
	printf(AI_GPU_PROC_MIB_TO, 5ULL);
	printf(AI_GPU_PROC_MIB_FROM, 4ULL);
	printf(AI_GPU_PROC_LAUNCHES, 7ULL);
	printf(AI_GPU_PROC_INTERRUPTS, 12ULL);
	printf(AI_GPU_PROC_BOUNCED_BYTES, 4096ULL);
	printf(AI_GPU_PROC_TIMEOUTS, 1ULL);
	printf(AI_GPU_PROC_RESETS, 1ULL);
	printf(AI_GPU_PROC_QUEUED, 6U);
	printf(AI_GPU_PROC_BYTES_TO, 5242881ULL);
	printf(AI_GPU_PROC_BYTES_FROM, 4194305ULL);
"""

GPU = f"""
#include <stdio.h>
#include <codex/ai_gpu_proc.h>
int main(void)
{{
	printf(AI_GPU_PROC_TITLE);
	printf(AI_GPU_PROC_GPU, 0U);
{BLOCK}
	printf(AI_GPU_PROC_GAP);
	printf(AI_GPU_PROC_GPU, 1U);
{BLOCK}
	printf(AI_GPU_PROC_OBSERVED_HEAD);
	printf(AI_GPU_PROC_OBSERVED_FUNCTION, "0000:01:00.0", 0x10de, 0x2330);
	printf(AI_GPU_PROC_OBSERVED_DRIVER_NONE);
	printf(AI_GPU_PROC_OBSERVED_LINK, "8.0", 4U);
	printf(AI_GPU_PROC_OBSERVED_MAX, "64.0", 16U);
	printf(AI_GPU_PROC_OBSERVED_PORT_UNAVAILABLE);
	printf(AI_GPU_PROC_OBSERVED_PORT_MAX, "2.5", 1U);
	printf(AI_GPU_PROC_OBSERVED_NODE, 3);
	printf(AI_GPU_PROC_OBSERVED_POWER, "D3hot");
	printf(AI_GPU_PROC_OBSERVED_AER_CORRECTABLE, 0xffffffffU);
	printf(AI_GPU_PROC_OBSERVED_AER_UNCORRECTABLE_UNAVAILABLE);
	printf(AI_GPU_PROC_OBSERVED_END);
	return 0;
}}
"""


def test_memory(tmp_path: Path) -> None:
    printed = compiled.output(MEMORY, tmp_path)
    assert printed == texts.MEMORY
    assert parse_memory(printed) == parse_memory(texts.MEMORY)


def test_gpu(tmp_path: Path) -> None:
    printed = compiled.output(GPU, tmp_path)
    block = texts.GPU_BLOCK
    assert printed.startswith(texts.GPU_TITLE + b"GPU 0:\n" + block + b"\nGPU 1:\n" + block)
    gpu = parse_gpu(printed)
    assert [device.gpu for device in gpu.devices] == [0, 1]
    assert gpu.observed is not None
    (function,) = gpu.observed
    assert (function.driver, function.port, function.aer_uncorrectable) == (None, None, None)
    assert (function.link, function.max) == (Link(8.0, 4), Link(64.0, 16))
    assert (function.node, function.power, function.aer_correctable) == (3, "D3hot", 2**32 - 1)
