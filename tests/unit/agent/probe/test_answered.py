# SPDX-License-Identifier: Apache-2.0
"""A GPU that answered at the last good boot and is lost fails a version on trial, and no other."""

from __future__ import annotations

import json
import os
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from codex_agent.cli import gate, main, status
from codex_agent.cli import probe as command
from codex_agent.errors import CodexError
from codex_agent.host import boots, pci
from codex_agent.host.probes import GPU
from codex_agent.probe import answered, ask, gpu, record
from codex_agent.probe.answered import PLACE, Gpu
from codex_agent.provision import files
from tests.unit.agent import trees
from tests.unit.agent.probe.starts import judged, root_only, start

if TYPE_CHECKING:
    from pathlib import Path

    from codex_agent.host.model import Check
    from codex_agent.host.root import Root
    from tests.unit.agent.trees import Tree

FIRST, SECOND, THIRD = "0000:3b:00.0", "0000:5e:00.0", "0000:86:00.0"
TRIAL = "+2-1"
GOOD = {"nvidia": lambda _root, addresses: [gpu.Question(addresses, lambda: 0)]}
DEAD = {"nvidia": lambda _root, addresses: [gpu.Question(addresses, lambda: 1)]}
LOST = f"{FIRST} (10de:2330) answered with nvidia at the last good boot and"
pytestmark = root_only


def card(tree: Tree, address: str, driver: str | None = "nvidia", device: str = "0x2330") -> None:
    """Put a card into a slot, in place of what is there."""
    pull(tree, address)
    trees.gpu(tree, address, "0x030200", "0x10de", device, driver=driver)


def pull(tree: Tree, address: str) -> None:
    shutil.rmtree(tree.path(f"{pci.DEVICES}/{address}"), ignore_errors=True)


class Host:
    """A host that is started again and again, as probes and gate see it."""

    def __init__(self, tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
        self.tree, self.number = tree, 0
        self.check: Check | None = None
        monkeypatch.setattr(status, "Root", lambda: tree.root)
        monkeypatch.setattr(gate, "wait", lambda _root, _timeout: judged(tree, self.found))

    @property
    def found(self) -> Check:
        assert self.check is not None
        return self.check

    def boot(self, counter: str = "", drivers: Any = GOOD, version: str = "0.1.57") -> str:
        """Start it once, ask the GPUs and judge it; return the verdict."""
        self.number += 1
        start(self.tree, version, self.number, counter)
        self.check = gpu.ask(self.tree.root, "general", drivers)
        main.main(["status", "--gate"])
        return str(boots.journal(self.tree.root)[-1].verdict)


@pytest.fixture
def host(image: Tree, monkeypatch: pytest.MonkeyPatch) -> Host:
    return Host(image, monkeypatch)


def kept(tree: Tree) -> list[tuple[str, bool]]:
    return [(entry.address, entry.lost) for entry in answered.read(tree.root).gpus]


def test_the_first_boot_misses_nothing_and_keeps_what_answered(host: Host, image: Tree) -> None:
    card(image, FIRST)
    card(image, SECOND, None)
    assert host.boot(TRIAL) == "healthy"
    assert host.found.message == "1 GPU answers (nvidia)."
    assert answered.read(image.root).gpus == (Gpu(FIRST, "10de:2330", "nvidia"),)
    assert image.path(PLACE).stat().st_mode & 0o777 == 0o644


def test_a_host_without_a_gpu_keeps_nothing(host: Host, image: Tree) -> None:
    assert host.boot() == "healthy"
    assert not image.path(PLACE).exists()


@pytest.mark.parametrize(
    ("driver", "now"),
    [(None, "has no driver now"), ("nouveau", "is driven by nouveau now, and does not answer"),
     ("gone", "is no longer there"), ("other", "is no longer there")],
)  # fmt: skip
def test_a_version_on_trial_that_loses_a_gpu_fails(
    host: Host, image: Tree, driver: str | None, now: str
) -> None:
    card(image, FIRST)
    card(image, SECOND)
    host.boot()
    if driver == "gone":
        pull(image, FIRST)
    elif driver == "other":
        card(image, FIRST, None, "0x20b0")
    else:
        card(image, FIRST, driver)
    assert host.boot(TRIAL, version="0.1.58") == "failed"
    assert host.found.state == "failed"
    assert host.found.message == f"{LOST} {now}. 1 GPU answers (nvidia)."
    (given,) = boots.judge(boots.journal(image.root), "0.1.57")
    assert LOST in boots.clause(given)
    # It is not what this boot found that the next one is measured by.
    assert kept(image) == [(FIRST, False), (SECOND, False)]
    card(image, FIRST)
    assert host.boot() == "healthy"


def test_all_lost_is_not_a_host_without_a_gpu(host: Host, image: Tree) -> None:
    card(image, FIRST)
    host.boot()
    pull(image, FIRST)
    assert host.boot(TRIAL) == "failed"
    assert host.found.message == f"{LOST} is no longer there."


def test_one_that_does_not_answer_is_told_once(host: Host, image: Tree) -> None:
    card(image, FIRST)
    card(image, SECOND)
    host.boot()
    pull(image, SECOND)
    assert host.boot(TRIAL, DEAD) == "failed"
    assert host.found.message.count(FIRST) == 1
    assert f"{SECOND} (10de:2330) answered with nvidia" in host.found.message
    assert host.found.gates


def test_a_good_version_is_degraded_and_the_next_is_not_blamed(host: Host, image: Tree) -> None:
    """A card that was taken out: one good boot settles it for updates."""
    card(image, FIRST)
    card(image, SECOND)
    host.boot()
    pull(image, FIRST)
    assert host.boot(TRIAL, version="0.1.58") == "failed"
    assert host.boot() == "degraded"
    assert host.found.message.startswith(f"{LOST} is no longer there.")
    assert str(host.found.hint).startswith(f"codex probe --forget {FIRST} where it was taken out")
    assert kept(image) == [(SECOND, False), (FIRST, True)]
    assert host.boot(TRIAL, version="0.1.58") == "degraded"
    assert host.found.state == "degraded"
    assert f"{FIRST} (10de:2330) answered with nvidia at an earlier good boot" in host.found.message
    # The other one is still not to be lost.
    card(image, SECOND, None)
    assert host.boot(TRIAL, version="0.1.59") == "failed"


def test_one_that_comes_back_is_whole_again(host: Host, image: Tree) -> None:
    card(image, FIRST)
    host.boot()
    card(image, FIRST, None)
    assert host.boot() == "degraded"
    card(image, FIRST)
    assert host.boot() == "healthy"
    assert kept(image) == [(FIRST, False)]


def test_another_slot_and_other_addresses(host: Host, image: Tree) -> None:
    card(image, FIRST)
    card(image, SECOND)
    host.boot()
    pull(image, FIRST)
    card(image, THIRD)
    assert host.boot(TRIAL) == "healthy"
    assert kept(image) == [(SECOND, False), (THIRD, False)]


def test_a_new_card_does_not_stand_for_one_that_is_there_without_its_driver(
    host: Host, image: Tree
) -> None:
    card(image, FIRST)
    host.boot()
    card(image, FIRST, None)
    card(image, THIRD)
    assert host.boot(TRIAL) == "failed"


def test_another_driver_that_computes_is_as_good(host: Host, image: Tree) -> None:
    card(image, FIRST)
    host.boot()
    card(image, FIRST, "xe")
    assert host.boot(TRIAL, {"xe": GOOD["nvidia"]}) == "healthy"
    assert answered.read(image.root).gpus == (Gpu(FIRST, "10de:2330", "xe"),)


def test_virtual_functions_are_not_kept(host: Host, image: Tree) -> None:
    card(image, FIRST)
    card(image, SECOND)
    image.link(f"{pci.DEVICES}/{FIRST}/physfn", f"../{SECOND}")
    host.boot()
    assert kept(image) == [(SECOND, False)]


def test_a_device_of_our_module(host: Host, image: Tree) -> None:
    """It is of no class that draws or computes."""
    address = "0000:00:05.0"
    trees.gpu(image, address, "0x00ff00", "0x1234", "0x11e8", driver="ai_gpu")
    driven = image.path(f"/sys/bus/pci/drivers/ai_gpu/{address}")
    driven.mkdir(parents=True)
    assert host.boot(drivers={"ai_gpu": GOOD["nvidia"]}) == "healthy"
    driven.rmdir()
    image.path(f"{pci.DEVICES}/{address}/driver").unlink()
    assert host.boot(TRIAL) == "failed"
    assert host.found.message == (
        f"{address} (1234:11e8) answered with ai_gpu at the last good boot and has no driver now."
    )


def test_good_boots_of_a_version_that_does_not_keep_it(
    host: Host, image: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a rollback to one from before: what it found is not known, and blames nobody."""
    card(image, FIRST)
    host.boot(version="0.1.58")
    pull(image, FIRST)
    with monkeypatch.context() as old:
        old.setattr(record, "_gpus", lambda _root, _boot_id: None)
        old.setattr(answered, "expected", lambda _root: [])
        assert host.boot(version="0.1.50") == "healthy"
    assert host.boot(TRIAL, version="0.1.59") == "degraded"
    assert "at an earlier good boot" in host.found.message


def test_bad_boots_in_between_change_nothing(host: Host, image: Tree) -> None:
    card(image, FIRST)
    host.boot()
    card(image, FIRST, None)
    for _ in range(2 * record.MOST):
        assert host.boot(TRIAL, version="0.1.58") == "failed"


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


def test_what_the_probe_says_goes_to_the_gate_as_it_is(
    asked: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lost GPU does not gate; one that gives no answer does."""
    start(asked, "0.1.57", 1)
    answered.keep(asked.root, "a", [Gpu(FIRST, "10de:2330", "nvidia")])

    def answer(root: Root) -> tuple[str, bool]:
        built = ask.built_in(root)
        (found,) = ask.everything(root, {GPU: built[GPU]})
        return found.state, found.gates

    assert answer(asked.root) == ("failed", False)
    card(asked, FIRST)
    assert answer(asked.root) == ("failed", True)
    monkeypatch.setattr(gpu, "ask", lambda *_: 1 / 0)
    assert answer(asked.root) == ("unknown", True)
