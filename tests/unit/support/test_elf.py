# SPDX-License-Identifier: Apache-2.0
"""The search for missing libraries, on copies of real programs."""

import shutil
from pathlib import Path

import pytest

from tests.support import elf, tree

#: A program that every Debian has; it needs a few libraries.
PROGRAM = Path("/usr/bin/ls")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Root with the program and all that it loads, as on this machine."""
    for folder in ("usr/bin", "usr/lib/x86_64-linux-gnu", "usr/lib64"):
        (tmp_path / folder).mkdir(parents=True)
    for name in ("bin", "lib", "lib64"):
        (tmp_path / name).symlink_to(f"usr/{name}")
    shutil.copy(PROGRAM, tmp_path / "usr/bin/ls")
    waiting = ["libc.so.6", *_program(tmp_path).needed]
    while waiting:
        name = waiting.pop()
        real = Path("/usr/lib/x86_64-linux-gnu", name).resolve()
        target = tmp_path / "usr/lib/x86_64-linux-gnu" / name
        if not target.exists() and real.exists():
            shutil.copy(real, target)
            waiting += [
                n for o in elf.read(tmp_path) if o.path.endswith("/" + name) for n in o.needed
            ]
    interpreter = _program(tmp_path).interpreter
    assert interpreter is not None
    shutil.copy(Path(interpreter).resolve(), tmp_path / interpreter.lstrip("/"))
    return tmp_path


def _program(root: Path) -> elf.Object:
    [program] = [found for found in elf.read(root) if found.path == "/usr/bin/ls"]
    return program


def test_whole_program_resolves(root: Path) -> None:
    assert elf.unresolved(root) == []


def test_missing_library_is_named(root: Path) -> None:
    library = next(name for name in _program(root).needed if not name.startswith("libc."))
    (root / "usr/lib/x86_64-linux-gnu" / library).unlink()
    assert f"/usr/bin/ls needs {library}" in elf.unresolved(root)


def test_missing_interpreter_is_named(root: Path) -> None:
    interpreter = _program(root).interpreter
    assert interpreter is not None
    found = tree.resolve(root, interpreter)
    assert found is not None
    found.unlink()
    assert any("needs the interpreter" in line for line in elf.unresolved(root))


def test_text_is_no_program(tmp_path: Path) -> None:
    (tmp_path / "script").write_text("#!/bin/sh\n")
    assert elf.read(tmp_path) == []
