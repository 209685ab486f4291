# SPDX-License-Identifier: Apache-2.0
"""Memory that processor, devices and io_uring share without a copy."""

from codex_agent.kernel.memory.backend import Pinned, PoolStat
from codex_agent.kernel.memory.buffer import Buffer
from codex_agent.kernel.memory.dmabuf import DmaBuf
from codex_agent.kernel.memory.pool import Pool
from codex_agent.kernel.memory.ring import BlockRing

__all__ = ["BlockRing", "Buffer", "DmaBuf", "Pinned", "Pool", "PoolStat"]
