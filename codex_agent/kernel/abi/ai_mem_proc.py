# SPDX-License-Identifier: Apache-2.0
# Made from codex_agent/kernel/schema/ai_mem.toml by `python -m codex_agent.kernel.schema`.
"""What /proc/ai_memory says: its lines, and the types that hold their values."""

from __future__ import annotations

from dataclasses import dataclass

from codex_agent.kernel.abi.form import Column, Line

PATH = "/proc/ai_memory"
TITLE = "AI Memory Allocator Status"
RULE = "==========================="
LINES = (
    Line("pool_size_mib", "Total Pool Size", "u64", unit="MB", fixed=True),
    Line("block_size_kib", "Block Size", "u32", unit="KB", fixed=True),
    Line("total_blocks", "Total Blocks", "u64", fixed=True),
    Line("allocated_bytes", "Allocated", "u64", unit="bytes", fixed=True),
    Line("filled_bytes", "Filled", "u64", unit="bytes"),
    Line("peak_bytes", "Peak", "u64", unit="bytes"),
    Line("orphaned_bytes", "Orphaned", "u64", unit="bytes"),
    Line("owners", "Owners", "u32"),
    Line("exports", "Exports", "u32"),
)
NODE_HEAD = "Node\tFilled\tAllocated"
NODE = (
    Column("node", "s32"),
    Column("filled_bytes", "u64"),
    Column("allocated_bytes", "u64"),
)
OWNER_HEAD = "PID\tUID\tBytes\tCgroup"
OWNER = (
    Column("pid", "s32"),
    Column("uid", "u32"),
    Column("bytes", "u64"),
    Column("cgroup", "path"),
)


@dataclass(frozen=True, slots=True)
class Status:
    """What /proc/ai_memory says about the module; None: it does not say."""

    #: the pool's limit
    pool_size_mib: int
    #: size of a block
    block_size_kib: int
    #: blocks of the whole pool
    total_blocks: int
    #: of all owners, orphaned included
    allocated_bytes: int
    #: memory that the pool holds now
    filled_bytes: int | None = None
    #: most ever allocated at once
    peak_bytes: int | None = None
    #: of dead owners, kept by a device or by SHARED
    orphaned_bytes: int | None = None
    #: open files that hold memory
    owners: int | None = None
    #: dma-bufs that are open
    exports: int | None = None


@dataclass(frozen=True, slots=True)
class Node:
    """The pool's share on a NUMA node."""

    #: NUMA node
    node: int
    #: memory that the pool holds there
    filled_bytes: int
    #: of that, given to owners
    allocated_bytes: int


@dataclass(frozen=True, slots=True)
class Owner:
    """An open file that holds memory."""

    #: who opened it, in the reader's PID namespace; 0: not there
    pid: int
    #: whose it is, in the reader's user namespace
    uid: int
    #: what it holds
    bytes: int
    #: its path as the reader sees it
    cgroup: str | None
