# SPDX-License-Identifier: Apache-2.0
"""Order of versions, what DKMS writes, systemd-boot, kernels that come from outside."""

from __future__ import annotations

import contextlib
import subprocess
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kernel_guard import dkms, grub
from kernel_guard.cli import main
from kernel_guard.host import Host, UnreadableError, execute
from kernel_guard.initramfs import modules
from kernel_guard.order import compare, newest_first

from tests.unit.roles.apply import have
from tests.unit.roles.guard.machines import NEW, OLD, Machine, grub_config, machine
from tests.unit.roles.guard.test_guard import kept

if TYPE_CHECKING:
    from pathlib import Path

RELEASES = [
    "7.3.4+deb13-amd64", "6.12.117+deb13-amd64", "6.12.94+deb13-cloud-amd64",
    "6.12.94+deb13-amd64", "6.1.0-40-amd64", "6.1.0-9-amd64", "6.1~rc1-amd64",
]  # fmt: skip


def test_newest_first() -> None:
    assert newest_first(sorted(RELEASES)) == RELEASES


@pytest.mark.skipif(not have("dpkg"), reason="dpkg is not there")
@pytest.mark.parametrize("one", RELEASES)
@pytest.mark.parametrize("other", [*RELEASES, "6.01", "6.1", "6.1.a", "6.1+", "6.1-0"])
def test_the_order_is_that_of_dpkg(one: str, other: str) -> None:
    # An epoch-less version with a dash: dpkg compares the parts around the last dash in turn.
    one, other = one.replace("-", "."), other.replace("-", ".")
    asked = {
        word: subprocess.run(["dpkg", "--compare-versions", one, word, other], check=False)
        for word in ("lt", "eq", "gt")
    }
    (said,) = [word for word, done in asked.items() if done.returncode == 0]
    assert {"lt": -1, "eq": 0, "gt": 1}[said] == compare(one, other)


@given(st.text("019a~.+-", max_size=8), st.text("019a~.+-", max_size=8))
def test_the_order_is_one(first: str, second: str) -> None:
    assert compare(first, second) == -compare(second, first)


def test_both_forms_of_dkms_are_read() -> None:
    new = dkms.parse("nvidia/550.1, 6.1.0-9-amd64, x86_64: installed\nnvidia/560: added\n")
    old = dkms.parse("nvidia, 550.1, 6.1.0-9-amd64, x86_64: installed\nnvidia, 560: added\n")
    assert new == old
    assert [line.release for line in new] == ["6.1.0-9-amd64", None]


@pytest.mark.parametrize("text", ["nvidia", "nvidia/550:installed", "a/b, c: installed", "a/b: "])
def test_another_form_is_refused(text: str) -> None:
    with pytest.raises(UnreadableError, match="not understood"):
        dkms.parse(text)


@given(st.text(max_size=200))
def test_no_text_makes_the_readers_fail_otherwise(text: str) -> None:
    for read in (dkms.parse, grub.menu):
        with contextlib.suppress(UnreadableError):
            read(text)


def test_only_whole_names_of_modules_count() -> None:
    names = ["a/nova-core.ko.zst", "b/supernova.ko", "c/nouveau.kocode", "etc/nouveau.conf"]
    assert modules(names) == {"nova_core", "supernova"}


def test_a_submenu_that_is_switched_off() -> None:
    """GRUB_DISABLE_SUBMENU: every entry lies on the first level."""
    text = grub_config([NEW, OLD])
    lines = text[text.index("submenu") :].splitlines()[1:-1]
    entries = grub.menu("\n".join(lines))
    assert [entry.release for entry in entries if not entry.rescue] == [NEW, OLD]
    assert ">" not in entries[0].path


def test_a_program_that_is_not_there() -> None:
    with pytest.raises(UnreadableError, match="cannot be run: No such file"):
        execute(["codex-no-such-program"])


def with_systemd_boot(tmp_path: Path) -> Machine:
    made = machine(tmp_path, NEW, OLD)
    made.settings(loader="systemd-boot")
    made.bootctl = [
        {"id": f"abc-{release}.conf", "type": "type1", "isDefault": release == NEW,
         "linux": f"/efi/abc/{release}/linux"}
        for release in (NEW, OLD)
    ] + [{"id": "auto-reboot-to-firmware-setup", "type": "auto", "isDefault": False}]  # fmt: skip
    return made


def test_systemd_boot_keeps_the_old_kernel(tmp_path: Path) -> None:
    made = with_systemd_boot(tmp_path)
    made.fail_build(NEW)
    assert main(["hook-kernel", NEW], made.host()) == 1
    assert kept(made)["default"] == OLD
    made.build(NEW)
    assert main(["settle"], made.host()) == 0
    assert ("bootctl", "set-default", f"abc-{NEW}.conf") in made.asked
    # What was chosen for one start is not what was judged.
    info = "LoaderEntryOneShot-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f"
    made.write(f"/sys/firmware/efi/efivars/{info}", "")
    assert main(["settle"], made.host()) == 2


@pytest.mark.parametrize(
    ("entries", "words"),
    [([], "names no entry"), ([{"id": 3}], "without a name"),
     ([{"id": "a", "isDefault": True}, {"id": "b", "isDefault": True}], "no kernel is ready")],
)  # fmt: skip
def test_systemd_boot_that_cannot_be_read(
    tmp_path: Path, entries: list[dict[str, object]], words: str
) -> None:
    made = with_systemd_boot(tmp_path)
    made.bootctl = entries
    made.running = "gone"
    assert main(["hook-kernel", NEW], made.host()) == 2
    assert words in kept(made)["message"]


def test_systemd_boot_that_does_not_listen(tmp_path: Path) -> None:
    made = with_systemd_boot(tmp_path)
    made.deaf = True
    made.fail_build(NEW)
    assert main(["hook-kernel", NEW], made.host()) == 2
    assert "does not keep" in kept(made)["message"]


def test_a_kernel_from_outside_is_judged_and_nothing_promised(tmp_path: Path) -> None:
    made = machine(tmp_path, NEW, OLD)
    made.settings(loader="none")
    made.fail_build(NEW)
    assert main(["hook-kernel", NEW], made.host()) == 1
    assert "the kernel is chosen elsewhere" in kept(made)["message"]


def test_the_host_itself_can_be_judged() -> None:
    """Whatever this machine is: a verdict, and no exception."""
    assert main(["status"], Host()) in (0, 1, 2)
