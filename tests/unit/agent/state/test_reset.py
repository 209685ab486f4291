# SPDX-License-Identifier: Apache-2.0
"""The request to forget the state: who may ask, what is asked, and taking it back."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from codex_agent.cli import factory_reset as command
from codex_agent.cli.main import build_parser
from codex_agent.errors import CodexError
from codex_agent.host.reading import Unreadable
from codex_agent.state import contents, reset
from codex_agent.update import lock
from tests.unit.agent import trees

if TYPE_CHECKING:
    import argparse

    from tests.unit.agent.trees import Tree

UUID = "02e4b9d0-73e2-4c8f-bad4-0ea9a8f520b0"
REPOSITORY = Path(__file__).resolve().parents[4]


@pytest.fixture
def host(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> Tree:
    trees.image_secure_boot(tree)
    trees.partition(tree, 8, "254:8", reset.VAR_TYPE, UUID)
    path = tree.path("/run/udev/data/b254:8")
    path.write_text(path.read_text() + "E:ID_PART_ENTRY_NAME=codex-var\n")
    tree.put("/var/lib/codex/config/hostname", "gpu-1\n")
    tree.put("/var/lib/codex/agent/token", "x" * 5000)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    return tree


def run(tree: Tree, *words: str) -> int:
    return command.execute(build_parser().parse_args(["factory-reset", *words]), tree.root)


def test_asking_and_taking_back(host: Tree, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(host, "--yes") == 0
    assert host.path(reset.VARIABLE).read_bytes() == b"\x07\0\0\0" + UUID.encode()
    assert reset.requested(host.root) == UUID
    assert "at its next start" in capsys.readouterr().out
    assert run(host, "--dry-run") == 0
    assert "It was asked for already" in capsys.readouterr().out
    assert run(host, "--yes") == 0  # once more is no fault
    assert run(host, "--cancel") == 0
    assert reset.requested(host.root) is None
    assert run(host, "--cancel") == 0
    assert "There was no request" in capsys.readouterr().out


def test_what_is_said_before(host: Tree, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(host, "--dry-run") == 0
    said = capsys.readouterr().out
    for words in ("configuration", "token", "ssh host key", "machine id", "newest seen", "journal",
                  "both versions", "boot entries", "in the firmware", "discard", UUID):  # fmt: skip
        assert words in said, words
    assert not host.path(reset.VARIABLE).exists()
    assert run(host, "--dry-run", "--json") == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["asked_for"], facts["partition"]) == (False, UUID)
    token = next(part for part in facts["erased"] if part["what"].startswith("token"))
    assert token["size_bytes"] >= 5000


@pytest.mark.parametrize(("answer", "status"), [
    ("RESET\n", 0), ("reset\n", 1), ("\n", 1), ("", 1), ("yes\n", 1), ("RESET it\n", 1),
])  # fmt: skip
def test_answers(host: Tree, monkeypatch: pytest.MonkeyPatch, answer: str, status: int) -> None:
    class Terminal:
        def isatty(self) -> bool:
            return True

        def readline(self) -> str:
            return answer

    monkeypatch.setattr("sys.stdin", Terminal())
    assert run(host) == status
    assert host.path(reset.VARIABLE).exists() == (status == 0)


@pytest.mark.parametrize("words", [(), ("--json",)])
def test_nobody_to_ask(host: Tree, words: tuple[str, ...]) -> None:
    with pytest.raises(CodexError) as caught:
        run(host, *words)
    assert caught.value.exit_code == 64
    assert not host.path(reset.VARIABLE).exists()


def refused(tree: Tree) -> CodexError:
    with pytest.raises(CodexError) as caught:
        run(tree, "--yes")
    assert not tree.path(reset.VARIABLE).exists()
    assert caught.value.hint
    return caught.value


def test_not_root(host: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reset.possible, "__defaults__", (lambda: 1000,))
    assert refused(host).exit_code == 77


def test_no_image(tree: Tree) -> None:
    assert refused(trees.mutable_host(tree)).exit_code == 32


def test_no_variables(host: Tree) -> None:
    for path in host.path(reset.EFIVARS).iterdir():
        path.unlink()
    assert refused(host).exit_code == 69


def test_an_update_is_under_way(host: Tree) -> None:
    folder = host.path("/var/lib/codex/update")
    folder.mkdir()
    with lock.taken(folder):
        assert refused(host).exit_code == 75
    assert run(host, "--yes") == 0


def test_taking_back_while_an_update_is_under_way(host: Tree) -> None:
    """The update may restart the host by itself, and the request would be carried out."""
    assert run(host, "--yes") == 0
    folder = host.path("/var/lib/codex/update")
    folder.mkdir()
    with lock.taken(folder):
        assert run(host, "--cancel") == 0
    assert reset.requested(host.root) is None


def test_taking_back_where_nothing_is_certain(host: Tree) -> None:
    assert run(host, "--yes") == 0
    host.remove("/run/udev/data/b254:8")
    assert run(host, "--cancel") == 0
    assert reset.requested(host.root) is None


def test_only_root_takes_back(host: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(host, "--yes") == 0
    monkeypatch.setattr(reset.permitted, "__defaults__", (lambda: 1000,))
    with pytest.raises(CodexError) as caught:
        run(host, "--cancel")
    assert caught.value.exit_code == 77
    assert reset.requested(host.root) == UUID


@pytest.mark.parametrize(("old", "new"), [
    ("codex-var", "data"), (reset.VAR_TYPE, trees.ROOT_TYPE), (UUID, "nonsense"),
    ("E:ID_PART_ENTRY_NAME=codex-var\n", ""),
])  # fmt: skip
def test_a_partition_that_is_not_certain(host: Tree, old: str, new: str) -> None:
    path = host.path("/run/udev/data/b254:8")
    path.write_text(path.read_text().replace(old, new))
    assert "not certain" in refused(host).message


def test_var_is_no_partition(host: Tree) -> None:
    table = host.path("/proc/1/mountinfo").read_text().splitlines(keepends=True)
    trees.mountinfo(host, "".join(line for line in table if " /var " not in line))
    assert "no file system of its own" in refused(host).message


def test_firmware_that_cuts(host: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.write
    monkeypatch.setattr(os, "write", lambda handle, data: real(handle, data[:20]))
    assert refused(host).exit_code == 69


def test_firmware_that_keeps_a_request(host: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    run(host, "--yes")
    monkeypatch.setattr(Path, "unlink", lambda _path: None)
    with pytest.raises(CodexError, match="does not let go"):
        run(host, "--cancel")


@pytest.mark.parametrize(
    "content", [b"", b"\x07\0\0\0", b"\x07\0\0\0yes", b"\x07\0\0\0" + b"x" * 36]
)
def test_a_request_that_names_nothing(host: Tree, content: bytes) -> None:
    host.put(reset.VARIABLE, content)
    with pytest.raises(Unreadable):
        reset.requested(host.root)
    assert run(host, "--yes") == 0
    assert reset.requested(host.root) == UUID


def test_sizes_that_may_not_be_read(host: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    def hidden(path: str) -> os.stat_result:
        raise PermissionError(13, "denied", path)

    monkeypatch.setattr(os, "lstat", hidden)
    found = contents.parts(host.root)
    assert {part.size_bytes for part in found} == {None}
    assert "unavailable" in command.table(UUID, found, asked=False)


def test_initrd_and_agent_mean_the_same() -> None:
    """The request is written here and read there."""
    script = (REPOSITORY / "images/initrd/tree/usr/lib/codex/state-partition.sh").read_text()
    assert f"request={reset.VARIABLE}\n" in script
    assert f"type={reset.VAR_TYPE}\n" in script
    definition = (REPOSITORY / "images/tree/usr/lib/repart.d/50-var.conf").read_text()
    assert re.search(rf"^Label={reset.LABEL}$", definition, re.MULTILINE)
    assert re.search(r"^FactoryReset=yes$", definition, re.MULTILINE)
    asks = (REPOSITORY / "images/initrd/tree/usr/lib/codex/ask-reset").read_text()
    assert f"word={command.WORD}\n" in asks


def test_only_the_state_is_ever_erased() -> None:
    marked = [path.name for path in REPOSITORY.glob("images/**/*.conf")
              if re.search(r"^FactoryReset=", path.read_text(), re.MULTILINE)]  # fmt: skip
    assert marked == ["50-var.conf"]


def test_the_command_is_known_by_its_name() -> None:
    arguments: argparse.Namespace = build_parser().parse_args(["factory-reset", "--dry-run"])
    assert (arguments.command, arguments.dry_run, arguments.yes) == ("factory-reset", True, False)
