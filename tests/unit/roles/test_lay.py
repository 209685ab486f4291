# SPDX-License-Identifier: Apache-2.0
"""Files that are not as they have to be are all mended, in one step each, and told."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.unit.roles.apply import ROLES, needs_ansible, needs_root
from tests.unit.roles.layers import Layer, role

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PROGRAM = ROLES / "files/files/lay.py"
TEXT = 'text "quoted" \\ \u00e4\U0001f600\n'


def run(base: Path, **options: Any) -> subprocess.CompletedProcess[str]:
    """Ask as the role does, for a folder and a file in it."""
    wanted = {f"{base}/folder/file": ["0640", TEXT], f"{base}/folder": ["0755", None]}
    order = json.dumps({"wanted": wanted, "dry": False, "show": False} | options)
    argv = [sys.executable, "-I", "-c", PROGRAM.read_text()]
    return subprocess.run(argv, input=order, capture_output=True, text=True, check=False)


def lay(base: Path, **options: Any) -> dict[str, list[str]]:
    """Return what changed: path below the host, what of it."""
    done = run(base, **options)
    assert (done.returncode, done.stderr) == (0, "")
    return {key.removeprefix(f"{base}/"): said for key, said in json.loads(done.stdout).items()}


def tree(base: Path) -> dict[str, tuple[int, bytes]]:
    found = {}
    for path in base.rglob("*"):
        content = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
        found[str(path.relative_to(base))] = (path.lstat().st_mode, content)
    return found


@pytest.fixture
def host(tmp_path: Path) -> Path:
    """A host on which everything is as it has to be."""
    (tmp_path / "folder").mkdir(mode=0o755)
    (tmp_path / "folder/file").write_text(TEXT)
    (tmp_path / "folder/file").chmod(0o640)
    return tmp_path


def test_nothing_has_to_be_done(host: Path) -> None:
    before = tree(host)
    assert lay(host) == {}
    assert tree(host) == before


def content(host: Path) -> None:
    (host / "folder/file").write_text("other\n")


def mode(host: Path) -> None:
    (host / "folder/file").chmod(0o600)


def gone(host: Path) -> None:
    (host / "folder/file").unlink()


def link(host: Path) -> None:
    (host / "folder/file").rename(host / "elsewhere")
    (host / "folder/file").symlink_to(host / "elsewhere")


def pipe(host: Path) -> None:
    gone(host)
    os.mkfifo(host / "folder/file", 0o644)


def interrupted(host: Path) -> None:
    gone(host)
    (host / "folder/.file.new").write_text("half")


def trap(host: Path) -> None:
    """A link where the new content is written would take it elsewhere."""
    gone(host)
    (host / "elsewhere").write_text("theirs")
    (host / "folder/.file.new").symlink_to(host / "elsewhere")


CHANGES: dict[Callable[[Path], None], str] = {
    content: "other content", mode: "mode 0600 -> 0640", gone: "new file", link: "other content",
    pipe: "other content", interrupted: "new file", trap: "new file",
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_a_file_is_mended(host: Path, change: Callable[[Path], None]) -> None:
    change(host)
    before = tree(host)
    assert lay(host, dry=True) == {"folder/file": [CHANGES[change]]}
    assert tree(host) == before, "a dry run wrote something"
    assert lay(host) == {"folder/file": [CHANGES[change]]}
    file = host / "folder/file"
    assert stat.S_ISREG(file.lstat().st_mode)
    assert (stat.S_IMODE(file.lstat().st_mode), file.read_text()) == (0o640, TEXT)
    assert [path.name for path in (host / "folder").iterdir()] == ["file"]
    assert lay(host) == {}
    if change in {link, trap}:
        assert (host / "elsewhere").read_text() == (TEXT if change is link else "theirs")


def test_a_folder_comes_before_its_file(host: Path) -> None:
    gone(host)
    (host / "folder").rmdir()
    told = {"folder": ["new folder"], "folder/file": ["new file"]}
    assert lay(host, dry=True) == told
    assert not (host / "folder").exists()
    assert list(lay(host).items()) == list(told.items())
    assert stat.S_IMODE((host / "folder").stat().st_mode) == 0o755


def test_a_folder_gets_its_mode(host: Path) -> None:
    (host / "folder").chmod(0o777)
    assert lay(host) == {"folder": ["mode 0777 -> 0755"]}
    assert stat.S_IMODE((host / "folder").stat().st_mode) == 0o755


def test_a_folder_may_be_a_link(host: Path) -> None:
    (host / "folder").rename(host / "moved")
    (host / "folder").symlink_to(host / "moved")
    assert lay(host) == {}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_file_of_another_account_comes_back(host: Path) -> None:
    os.chown(host / "folder/file", 65534, 0)
    assert lay(host) == {"folder/file": ["owner 65534:0 -> 0:0"]}
    assert (host / "folder/file").stat().st_uid == 0


def test_a_difference_is_shown_line_by_line(host: Path) -> None:
    content(host)
    [lines] = lay(host, dry=True, show=True).values()
    assert lines[-2:] == ["-other", f"+{TEXT.rstrip()}"]
    (host / "folder/file").write_text(TEXT.rstrip())
    assert lay(host, dry=True, show=True) == {"folder/file": ["other end of its last line"]}


def test_a_difference_has_an_end(host: Path) -> None:
    (host / "folder/file").write_bytes(b"\xff line\n" * 5000)
    [lines] = lay(host, dry=True, show=True).values()
    assert (len(lines), lines[-1]) == (201, "and 4804 lines")


def folder_for_file(host: Path) -> str:
    gone(host)
    (host / "folder/file").mkdir()
    return f"{host}/folder/file cannot be written: it is a folder."


def file_for_folder(host: Path) -> str:
    gone(host)
    (host / "folder").rmdir()
    (host / "folder").write_text("theirs")
    return f"{host}/folder cannot be written: it is no folder."


def elsewhere(host: Path) -> str:
    gone(host)
    (host / "folder").rmdir()
    (host / "folder").symlink_to("/proc")
    return f"{host}/folder/file cannot be written: "


@pytest.mark.parametrize("break_it", [folder_for_file, file_for_folder, elsewhere])
def test_what_cannot_be_laid_is_said_in_a_sentence(
    host: Path, break_it: Callable[[Path], str]
) -> None:
    sentence = break_it(host)
    before = tree(host)
    done = run(host)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(sentence)
    assert done.stderr.count("\n") == 1
    assert tree(host) == before


@needs_ansible
@needs_root
def test_an_order_is_longer_than_a_command_may_be(tmp_path: Path) -> None:
    """Linux takes no argument of more than 128 KiB; a folder is there before its files."""
    layer = Layer(tmp_path / "layer")
    # The folder stands last, and is needed by all.
    texts = {f"/opt/many/{number}": "\u00e4\n" * 3000 for number in range(20)}
    wanted = {path: ["0600", text] for path, text in texts.items()} | {"/opt/many": ["0755", None]}
    ran = layer.play([role("files")], files_wanted=wanted)
    assert ran.message == ""
    assert {path: layer.text(path) for path in texts} == texts
    ran = layer.play([role("files")], files_wanted=wanted)
    assert (ran.message, ran.changed) == ("", [])
