# SPDX-License-Identifier: Apache-2.0
"""Changes to trees, and what the kinds of broken versions change."""

from __future__ import annotations

import os
import shutil
import stat
from typing import TYPE_CHECKING

import pytest

from tests.support import cpio, programs
from tests.support.cpio import Member
from tests.support.versions import broken, edits, modules, signing
from tests.support.versions.root import EPOCH
from tests.support.versions.signing import Pair

if TYPE_CHECKING:
    from pathlib import Path

openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    tree = tmp_path / "root"
    (tree / "usr/lib").mkdir(parents=True)
    (tree / "lib").symlink_to("usr/lib")
    (tree / "usr/lib/file").write_text("one two one\n")
    (tree / "usr/lib/file").chmod(0o750)
    (tree / "etc").mkdir()
    (tree / "etc/link").symlink_to("/usr/lib/file")
    return tree


def test_write_keeps_the_mode_and_follows_links_inside(root: Path) -> None:
    edits.write("/etc/link", "new\n")(root)
    file = root / "usr/lib/file"
    assert (file.read_text(), stat.S_IMODE(file.stat().st_mode)) == ("new\n", 0o750)
    assert (root / "etc/link").is_symlink()
    assert file.stat().st_mtime == (root / "usr/lib").stat().st_mtime == EPOCH


def test_write_makes_folders(root: Path) -> None:
    edits.write("/lib/a/b/program", b"x", 0o755)(root)
    file = root / "usr/lib/a/b/program"
    assert [stat.S_IMODE(p.stat().st_mode) for p in (file, file.parent)] == [0o755, 0o755]


def test_a_file_of_several_names_is_not_written_through(root: Path) -> None:
    os.link(root / "usr/lib/file", root / "usr/lib/other")
    edits.append("/usr/lib/file", "more\n")(root)
    assert (root / "usr/lib/other").read_text() == "one two one\n"


def test_replace_is_exact(root: Path) -> None:
    edits.replace("/usr/lib/file", "two", "2")(root)
    assert (root / "usr/lib/file").read_text() == "one 2 one\n"
    for text in ("one", "three"):
        with pytest.raises(AssertionError, match="times in"):
            edits.replace("/usr/lib/file", text, "x")(root)


def test_what_changes_nothing_is_an_error(root: Path) -> None:
    with pytest.raises(AssertionError, match="is not changed"):
        edits.transform("/usr/lib/file", lambda content: content)(root)
    with pytest.raises(AssertionError, match="has no file"):
        edits.append("/usr/lib/missing", "x")(root)
    edits.write("/usr/lib/os-release", "ID=x\n")(root)
    with pytest.raises(AssertionError, match="names 0 versions"):
        edits.version("1")(root)
    with pytest.raises(FileNotFoundError):
        edits.remove("/usr/lib/missing")(root)


def test_remove_flip_and_unit(root: Path) -> None:
    edits.flip("/usr/lib/file", 0)(root)
    assert (root / "usr/lib/file").read_text() == "nne two one\n"
    edits.unit("x.service", "[Unit]\n")(root)
    link = root / "usr/lib/systemd/system/multi-user.target.wants/x.service"
    assert link.read_text() == "[Unit]\n"
    edits.remove("/usr/lib/systemd")(root)
    assert not (root / "usr/lib/systemd").exists()
    edits.remove("/etc/link")(root)
    assert (root / "usr/lib/file").exists()


def test_compiled_python_goes_with_its_source(root: Path) -> None:
    folder = root / "usr/lib/__pycache__"
    folder.mkdir()
    for name in ("a.cpython-313.pyc", "ab.cpython-313.pyc"):
        (folder / name).write_bytes(b"")
    (root / "usr/lib/a.py").write_text("x = 1\n")
    edits.python(edits.append("/usr/lib/a.py", "x = 2\n"), "/usr/lib/a.py")(root)
    assert [path.name for path in folder.iterdir()] == ["ab.cpython-313.pyc"]


def test_find(root: Path) -> None:
    assert edits.find(root, "/usr/*/file") == "/usr/lib/file"
    with pytest.raises(AssertionError, match="0 files are"):
        edits.find(root, "/usr/*/nothing")


def test_archives_are_read_as_they_were_written() -> None:
    members = [
        Member("init", stat.S_IFREG | 0o755, b"#!/bin/sh\n"),
        Member("etc/systemd/a.service", stat.S_IFREG | 0o644, b"[Unit]"),
        Member("etc/b", stat.S_IFLNK | 0o777, b"systemd/a.service"),
    ]
    content = cpio.archive(members)
    assert len(content) % 4 == 0
    found = list(cpio.members(content))
    names = ["etc", "etc/b", "etc/systemd", "etc/systemd/a.service", "init"]
    assert [member.path for member in found] == names
    assert [member for member in found if not stat.S_ISDIR(member.mode)] == sorted(
        members, key=lambda member: member.path
    )


@pytest.mark.skipif(shutil.which("cpio") is None, reason="no cpio")
def test_archives_are_taken_by_others(tmp_path: Path) -> None:
    content = cpio.archive([Member("a/b", stat.S_IFREG | 0o640, b"text")])
    programs.run("cpio", "-idm", "--quiet", "-D", tmp_path, stdin=content)
    assert (tmp_path / "a/b").read_bytes() == b"text"
    assert stat.S_IMODE((tmp_path / "a/b").stat().st_mode) == 0o640


def _signed(code: bytes, pair: Pair) -> bytes:
    tail = bytes(12) + b"~Module signature appended~\n"
    return modules.signed_by(pair)(code + tail)


@openssl
def test_signatures_of_modules(tmp_path: Path) -> None:
    pair, code = signing.foreign(tmp_path / "foreign"), bytes(range(256)) * 40
    module = _signed(code, pair)
    assert modules.unsigned(module) == code
    assert signing.foreign(tmp_path / "foreign") == pair
    blob = module[len(code) : -40]
    assert int.from_bytes(module[-32:-28], "big") == len(blob)
    plain, signature = tmp_path / "code", tmp_path / "signature"
    plain.write_bytes(code)
    signature.write_bytes(blob)
    programs.run(
        "openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", signature,
        "-content", plain, "-certfile", pair.certificate, "-CAfile", pair.certificate,
        "-purpose", "any", "-out", tmp_path / "out",
    )  # fmt: skip
    spoilt = modules.corrupt(module)
    assert sum(a != b for a, b in zip(module, spoilt, strict=True)) == 1
    assert modules.unsigned(spoilt) != code
    with pytest.raises(AssertionError, match="has no signature"):
        modules.unsigned(code)


def test_kinds_have_names_and_sentences(tmp_path: Path) -> None:
    kinds = broken.every(Pair(tmp_path / "key", tmp_path / "crt"))
    assert len({kind.name for kind in kinds}) == len(kinds)
    for kind in kinds:
        assert kind.what.endswith(".")
        assert kind.said
    with pytest.raises(ValueError, match="needs the pair"):
        broken.failing_module("foreign")
