# SPDX-License-Identifier: Apache-2.0
"""Reads /proc/ai_memory: the pool, its share on each NUMA node, and who holds memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from codex_agent.host.root import Root
from codex_agent.kernel.abi import ai_mem_proc as abi
from codex_agent.kernel.proc import text

if TYPE_CHECKING:
    from codex_agent.kernel.abi.form import Column


@dataclass(frozen=True, slots=True)
class Memory:
    """All of the file; a table that it does not have is None."""

    status: abi.Status
    nodes: tuple[abi.Node, ...] | None
    owners: tuple[abi.Owner, ...] | None


def parse_memory(data: bytes) -> Memory:
    """Return what the text of the file says, or raise ``Unavailable`` that names the line."""
    return text.parse(abi.PATH, data, _parse)


def read_memory(root: Root | None = None) -> Memory:
    """Return what the kernel says now, or raise ``Unavailable``."""
    return parse_memory(text.read(root or Root(), abi.PATH, "ai_mem"))


def _parse(lines: text.Lines) -> Memory:
    lines.expect(abi.TITLE)
    lines.expect(abi.RULE)
    status: dict[str, Any] = lines.labelled(abi.LINES)
    nodes = _table(lines, abi.NODE_HEAD, abi.NODE)
    owners = _table(lines, abi.OWNER_HEAD, abi.OWNER)
    return Memory(
        abi.Status(**status),
        None if nodes is None else tuple(abi.Node(**row) for row in nodes),
        None if owners is None else tuple(abi.Owner(**row) for row in owners),
    )


def _table(
    lines: text.Lines, head: str, columns: tuple[Column, ...]
) -> list[dict[str, Any]] | None:
    """Take a table if it is the one that follows."""
    if lines.peek() != "" or lines.peek(1) != head:
        return None
    lines.expect("")
    lines.expect(head)
    return lines.rows(columns)
