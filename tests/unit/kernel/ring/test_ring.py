# SPDX-License-Identifier: Apache-2.0
"""The free ring's library in C: threads, killed processes, hostile memory, fork, each case.

The work is done by the programs in ``programs/``; every one runs as it is and under the sanitizers.
"""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.unit.kernel.compiled import INCLUDE, REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NATIVE = REPOSITORY / "codex_agent/kernel/native"
PROGRAMS = REPOSITORY / "tests/unit/kernel/ring/programs"
FLAGS = ("-std=gnu11", "-D_GNU_SOURCE", "-O1", "-g", "-Wall", "-Wextra", "-Werror", "-pthread")
SANITIZERS = {
    "plain": (),
    # Copies that the compiler makes in place are not watched.
    "thread": ("-fsanitize=thread", "-fno-builtin"),
    "address": ("-fsanitize=address,undefined", "-fno-sanitize-recover=all"),
}
#: Limit of one program; the slowest takes a few seconds on an idle machine.
LIMIT_S = 300


@pytest.fixture(scope="module", params=SANITIZERS)
def run(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., str]:
    """Build a program, run it, and return what it prints; it must end with 0."""
    folder = tmp_path_factory.mktemp("ring")

    def build(name: str) -> Path:
        program: Path = folder / name
        if not program.exists():
            sources = [PROGRAMS / f"{name}.c", *sorted(NATIVE.glob("*.c"))]
            headers = [f"-I{NATIVE}", f"-I{INCLUDE}/uapi"]
            flags = [*FLAGS, *SANITIZERS[request.param], *headers]
            command: list[str | Path] = ["gcc", *flags, "-o", program, *sources]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr
        return program

    def start(name: str, *words: int) -> str:
        done = subprocess.run(
            [build(name), *map(str, words)],
            capture_output=True, text=True, check=False, timeout=LIMIT_S,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-4000:]
        return done.stdout

    return start


def test_each_case_alone(run: Callable[..., str]) -> None:
    run("cases")


@pytest.mark.parametrize("blocks", [100, 3000, 20_000])
def test_threads_never_share_a_block_and_lose_none(run: Callable[..., str], blocks: int) -> None:
    run("threads", blocks, 1000)


def test_killed_processes_lose_no_more_than_their_own(run: Callable[..., str]) -> None:
    told = json.loads(run("killed", 400_000, 40))
    # The bound means something only when it is less than what there is.
    assert told["bound"] < told["blocks"] - told["held"]
    assert told["held"] > 0


def test_others_go_on_when_a_full_ring_loses_processes(run: Callable[..., str]) -> None:
    run("killed", 8000, 20)


@pytest.mark.parametrize("blocks", [40, 3000, 100_000])
def test_hostile_memory_is_told_or_survived(run: Callable[..., str], blocks: int) -> None:
    told = json.loads(run("hostile", blocks, 30_000))
    assert told["good"] > 0
    assert told["corrupt"] > 0


@pytest.mark.parametrize("blocks", [100, 5000, 100_000])
def test_a_child_has_no_block_of_its_parent(run: Callable[..., str], blocks: int) -> None:
    run("forked", blocks)


def test_the_header_stands_alone_in_plain_c11() -> None:
    options = ["-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only"]
    text = '#include "ring.h"\nint main(void) { return codex_ring_bytes(1) == 0; }\n'
    done = subprocess.run(
        ["gcc", *options, f"-I{NATIVE}", "-x", "c", "-"],
        input=text, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
