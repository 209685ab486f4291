# SPDX-License-Identifier: Apache-2.0
"""The journal of boots is written whole or not at all, and read when it is broken."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from codex_agent.host import boots
from codex_agent.host.boots import PLACE
from codex_agent.host.model import Check
from codex_agent.probe import record
from codex_agent.provision import files
from tests.unit.agent import trees
from tests.unit.agent.probe.starts import GPU_DEAD, judged, live, root_only, start

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.agent.trees import Tree


@root_only
def test_one_boot_is_one_entry_and_few_are_kept(image: Tree) -> None:
    for number in range(50):
        live(image, "0.1.57", number)
    kept = boots.journal(image.root)
    assert len(kept) == record.MOST
    assert kept[-1].verdict == "healthy"
    assert image.path(PLACE).stat().st_mode & 0o777 == 0o644


@root_only
def test_when_it_began_stays_when_it_is_judged(image: Tree) -> None:
    start(image, "0.1.57", 1)
    record.begin(image.root)
    image.clock.passed += 120
    record.finish(image.root, judged(image))
    (kept,) = boots.journal(image.root)
    assert (kept.started_at, kept.judged_at) == ("2026-11-22T09:01:00Z", "2026-11-22T09:03:00Z")


@root_only
def test_long_and_hostile_sentences(image: Tree) -> None:
    evil = [Check(f"own-{n}", "failed", "\x1b[2J" + "ä" * 5000, gates=True) for n in range(60)]
    for number in range(record.MOST):
        live(image, "0.1.60", number, *evil)
    text = image.path(PLACE).read_text()
    assert len(text) <= 256 * 1024
    kept = boots.journal(image.root)
    assert kept
    assert len(kept[-1].reasons) == boots.MOST_REASONS
    assert all(r.message.isprintable() for b in kept for r in b.reasons)


def test_nothing_is_kept_without_an_image_or_without_rights(
    tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    trees.mutable_host(tree)
    assert record.begin(tree.root) is None
    assert not tree.path(PLACE).exists()
    tree.put("/etc/os-release", trees.IMAGE_RELEASE)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert record.begin(tree.root) is None
    assert not tree.path(PLACE).exists()


BROKEN = [
    b"", b"{", b"\xff\xfe", b"null", b"[]", b'{"schema": 1}', b'{"boots": []}',
    b'{"schema": 0, "boots": []}', b'{"schema": true, "boots": []}', b'{"schema": 1, "boots": 7}',
    b"[" * 100_000, b"x" * 300_000, b'{"schema": 1, "boots": [',
]  # fmt: skip


@root_only
@pytest.mark.parametrize("content", BROKEN)
def test_a_broken_journal_is_told_set_aside_and_begun_anew(image: Tree, content: bytes) -> None:
    image.put(PLACE, content)
    image.path(PLACE).parent.chmod(0o755)
    host = image.sample().shown(image.clock.monotonic())
    assert host.given_up is None
    assert host.readings["given_up"].reason
    assert host.verdict.state == "healthy"
    start(image, "0.1.57", 1)
    said = record.begin(image.root)
    assert said is not None
    assert said.startswith("The journal of boots begins anew; ")
    assert said.endswith(".")
    assert len(boots.journal(image.root)) == 1
    assert image.path(f"{boots.FOLDER}/{record.BROKEN}").read_bytes() == content
    assert record.begin(image.root) is None


@root_only
@pytest.mark.parametrize("kind", ["folder", "fifo", "dangling", "loop"])
def test_what_is_no_journal(image: Tree, kind: str) -> None:
    path = image.path(PLACE)
    path.parent.mkdir(parents=True, mode=0o755)
    if kind == "folder":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    else:
        path.symlink_to("journal.json" if kind == "loop" else "nowhere")
    start(image, "0.1.57", 1)
    record.begin(image.root)
    assert len(boots.journal(image.root)) == 1


@root_only
def test_entries_that_are_not_known_are_passed_over_and_kept(image: Tree) -> None:
    """A newer version has written the journal before it was given up."""
    good = {"boot_id": "b", "version": "0.1.60", "started_at": "t", "verdict": "miserable",
            "entry": {"name": "n", "disk": 1}, "colour": "red",
            "reasons": [7, {"check": "gpu"}]}  # fmt: skip
    content = {"schema": 9, "boots": [7, {}, {"boot_id": 7}, good], "more": {"x": 1}}
    image.put(PLACE, json.dumps(content))
    image.path(PLACE).parent.chmod(0o755)
    assert [b.version for b in boots.journal(image.root)] == ["0.1.60"]
    live(image, "0.1.57", 1)
    after = json.loads(image.path(PLACE).read_text())
    assert (after["schema"], after["more"]) == (9, {"x": 1})
    assert after["boots"][3] == good
    assert len(after["boots"]) == 5


@root_only
def test_a_place_that_cannot_be_written_changes_nothing(image: Tree) -> None:
    image.put("/var/lib/codex/boots", "a file where the folder should be")
    start(image, "0.1.57", 1)
    said = record.begin(image.root)
    assert said is not None
    assert said.startswith("The journal of boots is not kept: ")


@root_only
def test_a_folder_of_somebody_else_is_not_written(image: Tree) -> None:
    folder = image.path(boots.FOLDER)
    folder.mkdir(parents=True)
    folder.chmod(0o777)
    start(image, "0.1.57", 1)
    assert "has mode 0777" in str(record.begin(image.root))


@root_only
def test_a_full_disk_keeps_the_old_journal(image: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    live(image, "0.1.57", 1)
    before = image.path(PLACE).read_bytes()

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    start(image, "0.1.60", 2)
    assert "no space left on device" in str(record.begin(image.root))
    assert image.path(PLACE).read_bytes() == before
    assert [p.name for p in image.path(boots.FOLDER).iterdir()] == ["journal.json"]


def _cut(module: Any, name: str, after: int) -> Callable[[], None]:
    """Let the power fail at the given call of a function, before or in the middle of it."""
    real = getattr(module, name)
    calls = 0

    def act(*arguments: Any, **named: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls > after:
            os._exit(9)
        return real(*arguments, **named)

    return lambda: setattr(module, name, act)


@root_only
@pytest.mark.parametrize("after", range(6))
@pytest.mark.parametrize(
    ("module", "name"),
    [(os, "open"), (os, "fdopen"), (os, "fsync"), (os, "fchmod"), (Path, "rename"), (os, "close"),
     (files, "sync_directory")],
)  # fmt: skip
def test_power_cut_at_any_point(image: Tree, module: Any, name: str, after: int) -> None:
    live(image, "0.1.57", 1)
    old = image.path(PLACE).read_bytes()
    start(image, "0.1.60", 2)
    host = judged(image, GPU_DEAD)
    pid = os.fork()
    if pid == 0:
        try:
            _cut(module, name, after)()
            record.finish(image.root, host)
        finally:
            os._exit(0)
    os.waitpid(pid, 0)
    now = image.path(PLACE).read_bytes()
    kept = boots.journal(image.root)
    if now == old:
        assert [b.version for b in kept] == ["0.1.57"]
    else:
        assert [(b.version, b.verdict) for b in kept] == [("0.1.57", "healthy"),
                                                          ("0.1.60", "failed")]  # fmt: skip
    # And what was left lying about goes with the next boot.
    live(image, "0.1.57", 3)
    assert {p.name for p in image.path(boots.FOLDER).iterdir()} == {"journal.json", "room"}


@root_only
def test_every_cut_of_the_content_is_refused_whole(image: Tree) -> None:
    """Why it is replaced by rename: a file cut short must not pass for a shorter journal."""
    live(image, "0.1.57", 1)
    live(image, "0.1.60", 2, GPU_DEAD)
    content = image.path(PLACE).read_text()
    for length in range(len(content.rstrip()) - 1):
        with pytest.raises(ValueError, match=r"JSON"):
            boots.load(content[:length])


@root_only
@pytest.mark.parametrize(
    ("content", "version", "why"),
    [
        (
            "codex-os_0.1.58+2-1.efi\nThe root stayed away: x failed\n",
            "0.1.58",
            "The root",
        ),
        ("codex-os_0.1.58.efi\n", "0.1.58", "it said nothing"),
        ("\x1b[2J\n\x1b[2Jevil\n", "unknown", "evil"),
        ("", "unknown", "it said nothing"),
        (b"codex-os_0.1.58.efi\nThe root stayed away: \xc3", "0.1.58", "The root"),
        (b"\xff\xfe\nx", "unknown", "x"),
    ],
)
def test_what_an_initrd_kept_becomes_a_boot_before_this_one(
    image: Tree, content: str | bytes, version: str, why: str
) -> None:
    image.put(record.INITRD, content)
    live(image, "0.1.57", 7)
    first, second = boots.journal(image.root)
    assert (first.version, first.verdict, second.version) == (version, "failed", "0.1.57")
    assert why in first.reasons[0].message
    assert first.reasons[0].message.isprintable()
    assert not image.path(record.INITRD).exists()


@root_only
def test_only_a_verdict_of_its_own_ends_the_counting_of_starts(image: Tree) -> None:
    image.put(f"{boots.FOLDER}/{record.ATTEMPTS}", "codex-os_0.1.57.efi 2\n")
    count = image.path(f"{boots.FOLDER}/{record.ATTEMPTS}")
    live(image, "0.1.57", 8)
    assert count.exists()
    assert record.stop_counting(image.root) is None
    assert not count.exists()
    assert record.stop_counting(image.root) is None
