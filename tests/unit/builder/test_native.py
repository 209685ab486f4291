# SPDX-License-Identifier: Apache-2.0
"""The agent's library in C: compiled once, beside its sources, whole or not at all."""

from pathlib import Path

import pytest
from builder import native
from builder.errors import BuildError
from builder.paths import Paths

from tests.unit.builder.conftest import HostTree, Programs

MAKE = 'for w; do case $w in OUT=*) out=${w#OUT=};; esac; done; mkdir -p "$out"; '
COMPILE = f'{MAKE} cat "$3"/ring.c >"$out/{native.NAME}"'


@pytest.fixture
def folder(paths: Paths, tree: HostTree, programs: Programs) -> Path:
    found = paths.root / "codex_agent/kernel/native"
    found.mkdir(parents=True)
    (found / "ring.c").write_text("one")
    (found / "ring.h").write_text("header")
    (found / "Makefile").write_text("all:")
    header = paths.root / "kernel/linux/include/uapi/codex/ai_mem.h"
    header.parent.mkdir(parents=True)
    header.write_text("layout")
    programs.add("make", COMPILE)
    return found


def test_compiled_once(paths: Paths, tree: HostTree, folder: Path, programs: Programs) -> None:
    library = native.ensure(paths, tree)
    assert library == folder / "libcodex-ring.so"
    assert native.ensure(paths, tree).read_text() == "one"
    assert len(programs.calls("make")) == 1


@pytest.mark.parametrize(
    "name",
    [
        "codex_agent/kernel/native/ring.c",
        "codex_agent/kernel/native/ring.h",
        "codex_agent/kernel/native/Makefile",
        "kernel/linux/include/uapi/codex/ai_mem.h",
    ],
)
def test_change_compiles_again(
    paths: Paths, tree: HostTree, folder: Path, programs: Programs, name: str
) -> None:
    native.ensure(paths, tree)
    (paths.root / name).write_text("two")
    native.ensure(paths, tree)
    assert len(programs.calls("make")) == 2


def test_failure_keeps_the_library_that_programs_have_open(
    paths: Paths, tree: HostTree, folder: Path, programs: Programs
) -> None:
    library = native.ensure(paths, tree)
    (folder / "ring.c").write_text("two")
    programs.add("make", f'{MAKE} echo half >"$out/{native.NAME}"; exit 2')
    with pytest.raises(BuildError, match="make ended with status 2"):
        native.ensure(paths, tree)
    assert library.read_text() == "one"
    programs.add("make", COMPILE)
    assert native.ensure(paths, tree).read_text() == "two"
    assert sorted(path.name for path in folder.iterdir()) == [
        "Makefile", "libcodex-ring.so", "ring.c", "ring.h",
    ]  # fmt: skip


def test_library_is_hardened(
    paths: Paths, tree: HostTree, folder: Path, programs: Programs
) -> None:
    native.ensure(paths, tree)
    [call] = programs.calls("make")
    for word in ("-D_FORTIFY_SOURCE=3", "-fstack-protector-strong", "-z,relro", "-z,now"):
        assert word in call
