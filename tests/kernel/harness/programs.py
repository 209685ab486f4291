# SPDX-License-Identifier: Apache-2.0
"""Compiles the C programs into one static binary and lists the cases that they hold."""

from __future__ import annotations

import functools
import re
import subprocess
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "programs"
ROOT = FOLDER.parents[2]
UAPI = ROOT / "kernel/linux/include/uapi"
NATIVE = ROOT / "codex_agent/kernel/native"
_CASE = re.compile(r"^TEST(?:_SECONDS)?\((\w+)", re.MULTILINE)
#: What the runner itself reports for each program.
BEFORE, AFTER = "loads", "unloads"
_FLAGS = (
    "-std=gnu11",
    "-O2",
    # The linker's list of cases keeps the order of the file.
    "-fno-toplevel-reorder",
    "-Wall",
    "-Wextra",
    "-Werror",
    "-Wno-unused-result",
    "-Wno-format-zero-length",
    "-D_GNU_SOURCE",
    "-D_FILE_OFFSET_BITS=64",
)


@functools.cache
def cases(program: str) -> tuple[str, ...]:
    """Names of a program's cases in the order in which they run."""
    found = _CASE.findall((FOLDER / f"{program}.c").read_text())
    if not found or len(set(found)) != len(found):
        raise ValueError(f"{program}.c holds no cases, or two of one name")
    return (BEFORE, *found, AFTER)


def names() -> list[str]:
    """All programs."""
    return sorted(path.stem for path in FOLDER.glob("*.c"))


def compile_all(folder: Path) -> Path:
    """Compile into ``folder``; raises CalledProcessError with gcc's words on its standard error."""
    folder.mkdir(parents=True, exist_ok=True)
    binary = folder / "programs"
    sources = [path for folder in (FOLDER, FOLDER / "lib", NATIVE) for path in _all(folder, "c")]
    headers = [
        path for folder in (FOLDER / "lib", NATIVE, UAPI / "codex") for path in _all(folder, "h")
    ]
    watched = [*sources, *headers, Path(__file__)]
    newest = max(path.stat().st_mtime_ns for path in watched)
    if binary.exists() and binary.stat().st_mtime_ns > newest:
        return binary
    objects = []
    for source in sources:
        target = folder / f"{source.parent.name}-{source.stem}.o"
        folders = [f"-I{folder}" for folder in (FOLDER, UAPI, NATIVE)]
        _gcc("-c", *folders, f'-DPROGRAM="{source.stem}"', source, "-o", target)
        objects.append(target)
    _gcc("-static", "-pthread", *objects, "-o", binary)
    return binary


def _all(folder: Path, suffix: str) -> list[Path]:
    return sorted(folder.glob(f"*.{suffix}"))


def _gcc(*arguments: str | Path) -> None:
    done = subprocess.run(
        ["gcc", *_FLAGS, *map(str, arguments)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"gcc: {done.stderr}")
