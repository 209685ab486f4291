# SPDX-License-Identifier: Apache-2.0
"""Typed readings of /proc/ai_memory and /proc/ai_gpu.

What is absent, cut off or not of the schema's form is ``Unavailable`` with the line; never a zero.
"""

from codex_agent.kernel.proc.gpu import Gpu, parse_gpu, read_gpu
from codex_agent.kernel.proc.memory import Memory, parse_memory, read_memory

__all__ = ["Gpu", "Memory", "parse_gpu", "parse_memory", "read_gpu", "read_memory"]
