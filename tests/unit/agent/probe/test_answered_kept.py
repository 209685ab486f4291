# SPDX-License-Identifier: Apache-2.0
"""The list of GPUs that answered: written whole, bounded, read when it is broken, and corrected."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from codex_agent.cli import main
from codex_agent.cli import probe as command
from codex_agent.errors import CodexError
from codex_agent.host import boots
from codex_agent.probe import answered, ask, record
from codex_agent.probe.answered import PLACE, Gpu
from codex_agent.provision import files
from tests.unit.agent.probe.cards import FIRST, SECOND, THIRD, TRIAL, card, kept, pull
from tests.unit.agent.probe.starts import root_only

if TYPE_CHECKING:
    from codex_agent.host.root import Root
    from tests.unit.agent.probe.cards import Host
    from tests.unit.agent.trees import Tree

pytestmark = root_only

BROKEN = [
    b"", b"{", b"\xff\xfe", b"null", b"[]", b'{"schema": 1}', b'{"schema": 0, "gpus": []}',
    b'{"schema": true, "gpus": []}', b'{"schema": 1, "gpus": 7}', b"[" * 50_000, b"x" * 300_000,
    b'{"schema": ' + b"9" * 5000 + b', "gpus": []}',
]  # fmt: skip


@pytest.mark.parametrize("content", BROKEN)
def test_a_broken_list_is_told_and_begun_anew(
    host: Host, image: Tree, capsys: pytest.CaptureFixture[str], content: bytes
) -> None:
    card(image, FIRST)
    host.boot()
    image.put(PLACE, content)
    capsys.readouterr()
    assert host.boot(TRIAL) == "degraded"
    assert host.found.message.startswith("Which GPUs answered at the last good boot is not known: ")
    assert host.found.message.endswith("1 GPU answers (nvidia).")
    assert "The list of GPUs that answered begins anew; " in capsys.readouterr().err
    assert image.path(f"{boots.FOLDER}/{answered.BROKEN}").read_bytes() == content
    assert host.boot() == "healthy"
    assert kept(image) == [(FIRST, False)]


def test_what_a_newer_version_added_is_passed_over(image: Tree) -> None:
    good = {"address": FIRST, "id": "10de:2330", "driver": "nvidia", "colour": "red"}
    entries: list[Any] = [7, None, {}, [], good, good, {**good, "address": SECOND, "lost": "?"}]
    entries += [{**good, "address": "x\x1b"}, {**good, "id": 7}, {**good, "driver": "a b"}]
    image.put(PLACE, json.dumps({"schema": 9, "boot_id": [], "gpus": entries, "more": 1}))
    assert kept(image) == [(FIRST, False), (SECOND, False)]


def test_it_does_not_grow_without_end(image: Tree) -> None:
    many = [Gpu(f"{n:08x}:00:00.0", "10de:2330", "d" * 64) for n in range(answered.MOST)]
    assert answered.keep(image.root, "a", many) is None
    others = [Gpu(f"{n:08x}:01:00.0", "10de:20b0", "nvidia") for n in range(300)]
    assert answered.keep(image.root, "b", others[:200]) is None
    found = answered.read(image.root).gpus
    assert len(found) == answered.MOST
    assert sum(entry.lost for entry in found) == answered.MOST - 200
    assert answered.keep(image.root, "c", others) is None
    assert not any(entry.lost for entry in answered.read(image.root).gpus)


def test_a_full_disk_is_told_and_the_old_list_stays(
    host: Host, image: Tree, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    card(image, FIRST)
    host.boot()
    before = image.path(PLACE).read_bytes()
    really = files.write

    def full(path: Path, content: bytes, mode: int) -> None:
        if path.name == answered.NAME:
            raise CodexError(f"{path} cannot be written: no space left on device.")
        really(path, content, mode)

    monkeypatch.setattr(files, "write", full)
    capsys.readouterr()
    assert host.boot() == "healthy"
    assert "Which GPUs answered at this boot is not kept: " in capsys.readouterr().err
    assert image.path(PLACE).read_bytes() == before
    # A boot whose answers are not known blames nobody.
    card(image, FIRST, None)
    assert host.boot(TRIAL) == "degraded"


def test_power_that_fails_before_the_journal_is_written(
    host: Host, image: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    card(image, FIRST)
    host.boot()
    really = record._put

    def cut(root: Root, found: boots.Boot) -> str | None:
        return "the power failed" if found.verdict else really(root, found)

    with monkeypatch.context() as power:
        power.setattr(record, "_put", cut)
        assert host.boot() == "None"
    card(image, FIRST, None)
    assert host.boot(TRIAL) == "failed"


@pytest.mark.parametrize("after", range(3))
@pytest.mark.parametrize(
    ("module", "name"),
    [(os, "open"), (os, "fdopen"), (os, "fsync"), (Path, "rename"), (files, "sync_directory")],
)
def test_power_that_fails_while_it_is_written(
    host: Host, image: Tree, module: Any, name: str, after: int
) -> None:
    card(image, FIRST)
    host.boot()
    card(image, SECOND)
    now = [Gpu(address, "10de:2330", "nvidia") for address in (FIRST, SECOND)]
    pid = os.fork()
    if pid == 0:
        really, calls = getattr(module, name), iter(range(after))

        def cut(*arguments: Any, **named: Any) -> Any:
            return really(*arguments, **named) if next(calls, None) is not None else os._exit(9)

        setattr(module, name, cut)
        answered.keep(image.root, "b", now)
        os._exit(0)
    os.waitpid(pid, 0)
    assert kept(image) in ([(FIRST, False)], [(FIRST, False), (SECOND, False)])
    assert host.boot() == "healthy"
    found = {path.name for path in image.path(boots.FOLDER).iterdir()}
    assert found == {"journal.json", "room", answered.NAME}


@pytest.fixture
def asked(image: Tree, monkeypatch: pytest.MonkeyPatch) -> Tree:
    monkeypatch.setattr(command, "Root", lambda: image.root)
    monkeypatch.setattr(ask, "confine", lambda: None)
    return image


def test_a_card_that_will_be_taken_out(
    host: Host, asked: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    card(asked, FIRST)
    card(asked, SECOND)
    host.boot()
    capsys.readouterr()
    assert main.main(["probe", "--forget", FIRST]) == 0
    assert capsys.readouterr().out.startswith(f"{FIRST} (10de:2330) is not missed any more")
    assert kept(asked) == [(SECOND, False)]
    pull(asked, FIRST)
    assert host.boot(TRIAL) == "healthy"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [([THIRD], f"No GPU is known that answered at {THIRD}."), (["x"], "must be a PCI address"),
     ([FIRST, "--keep"], "--forget stands alone.")],
)  # fmt: skip
def test_what_cannot_be_forgotten(
    host: Host, asked: Tree, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    card(asked, FIRST)
    host.boot()
    assert main.main(["probe", "--forget", *arguments]) != 0
    assert words in capsys.readouterr().err
    assert kept(asked) == [(FIRST, False)]


def test_forgetting_a_broken_list(asked: Tree, capsys: pytest.CaptureFixture[str]) -> None:
    asked.put(PLACE, "{")
    assert main.main(["probe", "--forget", FIRST]) == 1
    assert "is broken: it is not valid JSON" in capsys.readouterr().err


def test_only_root_may_say_so(
    asked: Tree, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert main.main(["probe", "--forget", FIRST]) == 1
    assert "Only root" in capsys.readouterr().err
