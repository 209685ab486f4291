# SPDX-License-Identifier: Apache-2.0
"""Everything that the image runs finds what it needs inside the image."""

import importlib.util
import json
import marshal
from pathlib import Path

import pytest

from tests.support import elf, programs, tree

#: The image ships licences only; examples and links to other documents lead nowhere.
DOCUMENTATION = "/usr/share/doc/"


def test_every_shared_library_resolves(root: Path) -> None:
    assert elf.unresolved(root) == []


def test_there_are_programs_to_judge(root: Path) -> None:
    paths = {found.path for found in elf.read(root)}
    assert {"/usr/lib/systemd/systemd", "/usr/sbin/sshd"} <= paths


def test_no_link_in_usr_leads_nowhere(root: Path) -> None:
    """Links into /run, /var, /proc, /dev and /sys find their target on the running host only."""
    living = ("/run/", "/var/", "/proc/", "/dev/", "/sys/")
    dangling = []
    for entry in tree.walk(root / "usr"):
        path = "/usr" + entry.path
        if not entry.is_link or path.startswith(DOCUMENTATION) or tree.resolve(root, path):
            continue
        target = str(entry.real.readlink())
        absolute = target if target.startswith("/") else f"{path.rpartition('/')[0]}/{target}"
        if not _normal(absolute).startswith(living):
            dangling.append(f"{path} -> {target}")
    assert dangling == []


def test_every_script_has_its_interpreter(root: Path) -> None:
    missing = []
    for entry in tree.walk(root):
        if not (entry.is_file and entry.mode & 0o111) or entry.path.startswith(DOCUMENTATION):
            continue
        with entry.real.open("rb") as file:
            first = file.readline(256)
        if first.startswith(b"#!"):
            words = first[2:].decode(errors="replace").split()
            if not words or tree.resolve(root, words[0]) is None:
                missing.append(f"{entry.path}: {first.decode(errors='replace').strip()}")
    assert missing == []


@pytest.mark.parametrize(
    "folder", ["usr/lib/python3.13", "usr/lib/codex-agent/lib"], ids=["standard", "agent"]
)
def test_python_is_compiled(root: Path, folder: str) -> None:
    """A sealed root keeps no byte code made later: what is missing or stale costs every start."""
    sources = [
        entry
        for entry in tree.walk(root / folder)
        if entry.is_file and entry.path.endswith(".py") and "/lib2to3/tests/" not in entry.path
    ]
    assert len(sources) > 50
    assert [f"{s.path}: {why}" for s in sources if (why := _stale(s.real))] == []


def _stale(source: Path) -> str | None:
    """Why Python would not use the byte code of ``source``; None when it would."""
    tag = "cpython-313"
    compiled = source.parent / "__pycache__" / f"{source.stem}.{tag}.pyc"
    if not compiled.is_file():
        return "no byte code"
    data = compiled.read_bytes()
    if data[:4] != _magic():
        return "byte code of another Python"
    flags = int.from_bytes(data[4:8], "little")
    if flags == 0:
        status = source.stat()
        if int.from_bytes(data[8:12], "little") != int(status.st_mtime) & 0xFFFFFFFF:
            return "older than the source"
        if int.from_bytes(data[12:16], "little") != status.st_size & 0xFFFFFFFF:
            return "source has another size"
    elif flags not in {1, 3}:
        return f"unknown flags {flags}"
    elif flags == 3 and data[8:16] != importlib.util.source_hash(source.read_bytes()):
        return "source has another hash"
    return None


def _magic() -> bytes:
    """Magic number of the byte code of the image's Python, which is the tools tree's: 3.13."""
    command = "import importlib.util, json; print(json.dumps(list(importlib.util.MAGIC_NUMBER)))"
    return bytes(json.loads(programs.text("/usr/bin/python3.13", "-c", command)))


def _normal(path: str) -> str:
    parts: list[str] = []
    for part in path.split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in {"", "."}:
            parts.append(part)
    return "/" + "/".join(parts)


def test_byte_code_can_be_read(root: Path) -> None:
    """A header may be right above a damaged body: load one whole module."""
    data = (root / "usr/lib/python3.13/__pycache__/os.cpython-313.pyc").read_bytes()
    assert marshal.loads(data[16:]).co_name == "<module>"
