# SPDX-License-Identifier: Apache-2.0
"""A GPU that answered at the last good boot and is lost fails a version on trial, and no other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from codex_agent.host import boots, pci
from codex_agent.host.probes import GPU
from codex_agent.probe import answered, ask, gpu, record
from codex_agent.probe.answered import PLACE, Gpu
from tests.unit.agent import trees
from tests.unit.agent.probe.cards import (
    DEAD,
    FIRST,
    GOOD,
    LOST,
    SECOND,
    THIRD,
    TRIAL,
    card,
    kept,
    pull,
)  # fmt: skip
from tests.unit.agent.probe.starts import root_only, start

if TYPE_CHECKING:
    from codex_agent.host.root import Root
    from tests.unit.agent.probe.cards import Host
    from tests.unit.agent.trees import Tree

pytestmark = root_only


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


def test_what_the_probe_says_goes_to_the_gate_as_it_is(
    image: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lost GPU does not gate; one that gives no answer does."""
    start(image, "0.1.57", 1)
    answered.keep(image.root, "a", [Gpu(FIRST, "10de:2330", "nvidia")])

    def answer(root: Root) -> tuple[str, bool]:
        built = ask.built_in(root)
        (found,) = ask.everything(root, {GPU: built[GPU]})
        return found.state, found.gates

    assert answer(image.root) == ("failed", False)
    card(image, FIRST)
    assert answer(image.root) == ("failed", True)
    monkeypatch.setattr(gpu, "ask", lambda *_: 1 / 0)
    assert answer(image.root) == ("unknown", True)
