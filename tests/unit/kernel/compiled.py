# SPDX-License-Identifier: Apache-2.0
"""Compiles small C programs against our headers."""

from __future__ import annotations

import subprocess
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]
INCLUDE = REPOSITORY / "kernel/linux/include"
FLAGS = ("-std=gnu11", "-O1", "-Wall", "-Wextra", "-Wpadded", "-Werror")


def build(source: str, folder: Path, *flags: str) -> Path:
    """Return the program that ``source`` is; a warning is a failure."""
    program = folder / "program"
    command = ["gcc", *FLAGS, f"-I{INCLUDE}/uapi", f"-I{INCLUDE}", *flags]
    done = subprocess.run(
        [*command, "-x", "c", "-o", program, "-"],
        input=source, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return program


def output(source: str, folder: Path) -> bytes:
    """Return what a program prints."""
    return subprocess.run([build(source, folder)], capture_output=True, check=True).stdout


def ring_library(folder: Path) -> Path:
    """Return the ring's library, built from its sources."""
    library = folder / "libcodex-ring.so"
    sources = sorted((REPOSITORY / "codex_agent/kernel/native").glob("*.c"))
    command = ["gcc", "-std=gnu11", "-O2", "-fPIC", "-shared", f"-I{INCLUDE}/uapi"]
    done = subprocess.run(
        [*command, "-o", library, *sources], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return library
