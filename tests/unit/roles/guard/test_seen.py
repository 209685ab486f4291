# SPDX-License-Identifier: Apache-2.0
"""An initramfs is unpacked once, and again as soon as it is another one."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest
from kernel_guard.cli import main
from kernel_guard.seen import PATH

from tests.unit.roles.guard.machines import NEW, OLD, Machine, machine

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

DRIVER = "usr/lib/modules/x/kernel/drivers/gpu/drm/nouveau/nouveau.ko.xz\n"


@pytest.fixture
def made(tmp_path: Path) -> Machine:
    """A host whose guard has looked into every initramfs."""
    found = machine(tmp_path, NEW, OLD)
    assert main(["settle"], found.host()) == 0
    found.asked.clear()
    return found


def unpacked(made: Machine) -> list[str]:
    return [argv[1] for argv in made.asked if argv[0] == "lsinitramfs"]


def place(made: Machine) -> Path:
    return made.base / f"boot/initrd.img-{NEW}"


@pytest.mark.parametrize("command", ["settle", "status", "stale", "hook-apt"])
def test_what_is_known_is_not_asked_again(made: Machine, command: str) -> None:
    assert main([command], made.host()) == 0
    assert unpacked(made) == []


def test_what_stale_found_is_known_to_settle(tmp_path: Path) -> None:
    made = machine(tmp_path, NEW, OLD)
    assert main(["stale"], made.host()) == 0
    made.asked.clear()
    assert main(["settle"], made.host()) == 0
    assert unpacked(made) == []


def test_a_look_keeps_nothing(tmp_path: Path) -> None:
    made = machine(tmp_path, NEW)
    main(["status"], made.host())
    assert not (tmp_path / "var").joinpath("lib/codex-kernel-guard").exists()


def longer(made: Machine) -> None:
    place(made).write_text("initramfs with a driver")


def same_size_and_time(made: Machine) -> None:
    """Whoever puts the old times back cannot put back when the file was changed."""
    before = place(made).stat()
    place(made).write_text("INITRAMFS")
    os.utime(place(made), ns=(before.st_atime_ns, before.st_mtime_ns))


def exchanged(made: Machine) -> None:
    other = place(made).with_name("other")
    other.write_text("INITRAMFS")
    other.replace(place(made))


@pytest.mark.parametrize("change", [longer, same_size_and_time, exchanged])
def test_another_initramfs_is_looked_into(made: Machine, change: Callable[[Machine], None]) -> None:
    change(made)
    made.listings[NEW] += DRIVER
    assert main(["settle"], made.host()) == 1
    assert unpacked(made) == [f"/boot/initrd.img-{NEW}"]


def test_a_driver_that_is_forbidden_later_is_found(made: Machine) -> None:
    made.settings(forbidden=["virtio_net"])
    assert main(["settle"], made.host()) == 1
    assert unpacked(made) == []


@pytest.mark.parametrize("text", [
    "", "{", "[]", "null", '{"/boot/initrd.img-%s": 1}', '{"/boot/initrd.img-%s": {"file": []}}',
    '{"/boot/initrd.img-%s": {"file": [1, 2, 3, 4], "modules": []}}',
    '{"/boot/initrd.img-%s": {"file": null, "modules": [1]}}', "\udcff",
])  # fmt: skip
def test_what_was_kept_and_is_none_is_asked_again(made: Machine, text: str) -> None:
    kept = made.base / PATH.lstrip("/")
    kept.write_bytes(text.replace("%s", NEW).encode(errors="surrogateescape"))
    made.listings[NEW] += DRIVER
    assert main(["settle"], made.host()) == 1
    assert f"/boot/initrd.img-{NEW}" in unpacked(made)
    assert set(json.loads(kept.read_text())) == {f"/boot/initrd.img-{name}" for name in (NEW, OLD)}


def test_a_kernel_that_went_is_forgotten(made: Machine) -> None:
    for name in ("vmlinuz", "initrd.img"):
        (made.base / f"boot/{name}-{NEW}").unlink()
    made.menu(OLD)
    assert main(["settle"], made.host()) == 0
    kept = json.loads((made.base / PATH.lstrip("/")).read_text())
    assert list(kept) == [f"/boot/initrd.img-{OLD}"]
