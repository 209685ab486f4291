# SPDX-License-Identifier: Apache-2.0
"""Reads /proc/ai_gpu: the devices that the module drives, and the functions that it observes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from codex_agent.host.root import Root
from codex_agent.kernel.abi import ai_gpu_proc as abi
from codex_agent.kernel.proc import text, values

_BLOCK = re.compile(rf"{abi.BLOCK} (0|[1-9][0-9]{{0,8}}):", re.ASCII)
_ADDRESS = re.compile(r"[0-9a-f]{4,8}:[0-9a-f]{2}:[01][0-9a-f]\.[0-7]", re.ASCII)
_ADDED = re.compile(r"[a-z][a-z0-9_]{0,31}=[ -~]{1,128}", re.ASCII)
ACTIVE, NOT_INITIALIZED = abi.LINES[0].choices


@dataclass(frozen=True, slots=True)
class Gpu:
    """All of the file; ``observed`` is None where it does not say anything about others."""

    devices: tuple[abi.Status, ...]
    observed: tuple[abi.Observed, ...] | None


def parse_gpu(data: bytes) -> Gpu:
    """Return what the text of the file says, or raise ``Unavailable`` that names the line."""
    return text.parse(abi.PATH, data, _parse)


def read_gpu(root: Root | None = None) -> Gpu:
    """Return what the kernel says now, or raise ``Unavailable``."""
    return parse_gpu(text.read(root or Root(), abi.PATH, "ai_gpu"))


def _parse(lines: text.Lines) -> Gpu:
    lines.expect(abi.TITLE)
    lines.expect(abi.RULE)
    devices = _devices(lines)
    return Gpu(devices, _observed(lines))


def _devices(lines: text.Lines) -> tuple[abi.Status, ...]:
    """Take the blocks; a module that drives nothing has only the line that says so."""
    if lines.peek() == f"{abi.LINES[0].label}: {NOT_INITIALIZED}" and not lines.peek(1):
        lines.take("the status")
        return ()
    devices = [_device(lines, -1)]
    while lines.peek() == "" and _BLOCK.fullmatch(lines.peek(1) or ""):
        before = devices[-1].gpu
        lines.expect("")
        if before is None:
            lines.fail("the device above has no number")
        devices.append(_device(lines, before))
    return tuple(devices)


def _device(lines: text.Lines, before: int) -> abi.Status:
    """Take one block; ``before`` is the number of the block above it, -1 for the first."""
    number = None
    if match := _BLOCK.fullmatch(lines.peek() or ""):
        lines.take("the number")
        number = int(match[1])
        if number <= before:
            lines.fail(f"GPU {number} stands below GPU {before}")
    found: dict[str, Any] = lines.labelled(abi.LINES)
    lines.expect("")
    lines.expect(abi.STATISTICS_HEADING)
    found |= lines.labelled(abi.STATISTICS, "  ")
    return abi.Status(gpu=number, **found)


def _observed(lines: text.Lines) -> tuple[abi.Observed, ...] | None:
    if lines.peek() is None:
        return None
    lines.expect("")
    lines.expect(abi.OBSERVED_HEADING)
    rows = []
    while lines.peek():
        rows.append(_function(lines, lines.take("a function").split("\t")))
    return tuple(rows)


def _function(lines: text.Lines, cells: list[str]) -> abi.Observed:
    columns = abi.OBSERVED
    if len(cells) < 2 + len(columns):
        lines.fail(f"it has {len(cells)} columns, not {2 + len(columns)}")
    address, device, *rest = cells
    if not _ADDRESS.fullmatch(address):
        lines.fail(f"{address!r} is not a PCI address")
    found: dict[str, Any] = {}
    for column, cell in zip(columns, rest, strict=False):
        name, _, word = cell.partition("=")
        if name != column.name:
            lines.fail(f"{cell!r} stands where '{column.name}=…' should")
        found[name] = lines.value(values.of_observed, column, word)
    for cell in rest[len(columns) :]:
        if not _ADDED.fullmatch(cell):
            lines.fail(f"{cell!r} is not of the form name=value")
    return abi.Observed(address, lines.value(values.identity, device), **found)
