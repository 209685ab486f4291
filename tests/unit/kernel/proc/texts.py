# SPDX-License-Identifier: Apache-2.0
"""Texts of the two files as the modules write them."""

from __future__ import annotations

#: The fixed lines, word for word as they were promised.
MEMORY_FIXED = b"""\
AI Memory Allocator Status
===========================
Total Pool Size: 256 MB
Block Size: 4 KB
Total Blocks: 65536
Allocated: 8192 bytes
"""

MEMORY_ADDED = b"""\
Filled: 268435456 bytes
Peak: 1052672 bytes
Orphaned: 4096 bytes
Owners: 2
Exports: 1
"""

MEMORY_TABLES = b"""
Node\tFilled\tAllocated
0\t134217728\t8192
1\t134217728\t0

PID\tUID\tBytes\tCgroup
812\t0\t4096\t/system.slice/codex\\x2dagent.service
0\t4294967295\t4096\tunavailable
"""

MEMORY = MEMORY_FIXED + MEMORY_ADDED + MEMORY_TABLES

GPU_TITLE = b"""\
AI GPU Direct Access Status
============================
"""

GPU_FIXED = b"""\
Status: Active
Device: 1234:11e8
DMA Buffer: 1 MB

Statistics:
  Transfers to GPU: 3
  Transfers from GPU: 2
  Bytes to GPU: 5 MB
  Bytes from GPU: 4 MB
  Kernel launches: 7
"""

GPU_ADDED = b"""\
  Interrupts: 12
  Bounced bytes: 4096
  Timeouts: 1
  Resets: 1
  Queued: 6
  Bytes to GPU (exact): 5242881
  Bytes from GPU (exact): 4194305
"""

GPU_BLOCK = GPU_FIXED + GPU_ADDED

GPU_OBSERVED = b"""
Observed Functions:
0000:01:00.0\t10de:2330\tdriver=nvidia\tlink=2.5 GT/s x8\tmax=32.0 GT/s x16\tport=2.5 GT/s x8\
\tport_max=16.0 GT/s x16\tnode=1\tpower=D0\taer_correctable=0x00000001\taer_uncorrectable=0x00000000
10000:81:1f.7\t1002:73bf\tdriver=none\tlink=unavailable\tmax=unavailable\tport=unavailable\
\tport_max=unavailable\tnode=unavailable\tpower=D3cold\taer_correctable=unavailable\
\taer_uncorrectable=unavailable
"""

GPU = GPU_TITLE + GPU_BLOCK + GPU_OBSERVED
GPU_FAILED = GPU_BLOCK.replace(b"Active", b"Not initialized")
GPU_TWO = GPU_TITLE + b"GPU 0:\n" + GPU_BLOCK + b"\nGPU 2:\n" + GPU_FAILED
GPU_NONE = GPU_TITLE + b"Status: Not initialized\n"
