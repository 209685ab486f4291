# SPDX-License-Identifier: Apache-2.0
"""C programs of the benchmarks, compiled by the tools tree's gcc."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.bench.row import Context

FLAGS = ("-std=gnu11", "-O2", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-pthread")


def program(context: Context, name: str, sources: Sequence[str], *more: str) -> Path:
    """Compile files of ``tests/bench/programs`` with the ring's library, in the context's folder.

    ``more`` are options of gcc. BuildError with gcc's words when it refuses.
    """
    root = context.paths.root
    native = root / "codex_agent/kernel/native"
    target = context.folder / name
    target.parent.mkdir(parents=True, exist_ok=True)
    headers = [f"-I{native}", f"-I{root / 'kernel/linux/include/uapi'}"]
    files = [root / "tests/bench/programs" / source for source in sources]
    files += sorted(native.glob("*.c"))
    context.tree.run(
        ["gcc", *FLAGS, *more, *headers, "-o", target, *files],
        log=context.paths.logs / "bench.log",
    )
    return target
