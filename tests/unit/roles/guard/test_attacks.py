# SPDX-License-Identifier: Apache-2.0
"""What the guard cannot read, or is told falsely, never makes a new kernel the default."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from kernel_guard.cli import main
from kernel_guard.host import Done

from tests.unit.roles.guard.machines import HEADER, NEW, OLD, Machine, grub_config, machine, saved
from tests.unit.roles.guard.test_guard import kept, reasons

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def no_status(made: Machine) -> None:
    made.broken["dkms"] = Done(4, "", "Error! dkms tree is corrupt")


def other_words(made: Machine) -> None:
    made.dkms += "Everything is fine\n"


def no_program(made: Machine) -> None:
    (made.base / "usr/sbin/dkms").unlink()


def no_file(made: Machine) -> None:
    (made.base / f"var/lib/dkms/stand-in/1.0/{NEW}/x86_64/module/stand_in.ko.xz").unlink()


def no_folder(made: Machine) -> None:
    no_file(made)
    (made.base / f"var/lib/dkms/stand-in/1.0/{NEW}/x86_64/module").rmdir()


def of_another_kernel(made: Machine) -> None:
    made.magic[NEW] = made.magic[OLD]


def without_magic(made: Machine) -> None:
    made.magic[NEW] = ""


def unknown_module(made: Machine) -> None:
    made.broken["modinfo"] = Done(1, "", "modinfo: ERROR: Module stand_in not found.")


def replaced(made: Machine) -> None:
    made.dkms = made.dkms.replace(
        f"{NEW}, x86_64: installed",
        f"{NEW}, x86_64: installed (Differences between built and installed modules)",
    )


def only_built(made: Machine) -> None:
    made.dkms = made.dkms.replace(f"{NEW}, x86_64: installed", f"{NEW}, x86_64: built")


def broken_source(made: Machine) -> None:
    made.dkms += "other/2.0: broken\n"


def other_machine(made: Machine) -> None:
    made.dkms = made.dkms.replace(f"{NEW}, x86_64", f"{NEW}, i686")


def newer_version(made: Machine) -> None:
    """The driver was upgraded, and the kernel still has the module of the one before."""
    made.dkms += "stand-in/1.10: added\n"


def one_of_two(made: Machine) -> None:
    made.dkms += f"other/3, {OLD}, x86_64: installed\n"
    made.write(f"/var/lib/dkms/other/3/{OLD}/x86_64/module/other.ko", "m")


def no_initramfs(made: Machine) -> None:
    (made.base / f"boot/initrd.img-{NEW}").unlink()


def empty_initramfs(made: Machine) -> None:
    made.write(f"/boot/initrd.img-{NEW}", "")


def unreadable_initramfs(made: Machine) -> None:
    made.listings[NEW] = ""


def lister_fails(made: Machine) -> None:
    made.broken["lsinitramfs"] = Done(1, "init\n", "cpio: premature end of file")


def no_lister(made: Machine) -> None:
    (made.base / "usr/bin/lsinitramfs").unlink()


def nouveau(made: Machine) -> None:
    made.listings[NEW] += "usr/lib/modules/x/kernel/drivers/gpu/drm/nouveau/nouveau.ko.xz\n"


def nova(made: Machine) -> None:
    made.listings[NEW] += "usr/lib/modules/x/kernel/drivers/gpu/nova-core/nova-core.ko\n"


def no_modules(made: Machine) -> None:
    (made.base / f"lib/modules/{NEW}/modules.dep").unlink()


def empty_kernel(made: Machine) -> None:
    made.write(f"/boot/vmlinuz-{NEW}", "")


def not_in_menu(made: Machine) -> None:
    made.menu(OLD)


def only_for_rescue(made: Machine) -> None:
    text = grub_config([NEW, OLD]).replace(f"gnulinux-{NEW}-advanced", f"gnulinux-{NEW}-recovery-")
    made.write("/boot/grub/grub.cfg", text)


def only_on_top(made: Machine) -> None:
    """The entry at the top has the name of no kernel: after the next one it starts another."""
    top = grub_config([NEW]).partition("submenu")[0]
    submenu = grub_config([OLD], header="").partition("submenu")
    made.write("/boot/grub/grub.cfg", top + submenu[1] + submenu[2])


def of_another_system(made: Machine) -> None:
    """os-prober lists the same release on another disk."""
    text = grub_config([NEW, OLD]).replace(
        f"gnulinux-{NEW}-advanced", f"osprober-gnulinux-/boot/vmlinuz-{NEW}-"
    )
    made.write("/boot/grub/grub.cfg", text)


NOT_READY: dict[str, tuple[Callable[[Machine], None], str]] = {
    "status-fails": (no_status, "dkms status ended with status 4: Error! dkms tree is corrupt"),
    "status-unknown": (other_words, '"Everything is fine", which is not understood'),
    "dkms-removed": (no_program, "has stand-in, but /usr/sbin/dkms is not there"),
    "module-file-gone": (no_file, "has no module"),
    "module-folder-gone": (no_folder, "cannot be read"),
    "wrong-vermagic": (of_another_kernel, f"the module stand_in was made for {OLD}"),
    "no-vermagic": (without_magic, "the module stand_in was made for nothing"),
    "modinfo-fails": (unknown_module, "Module stand_in not found"),
    "replaced": (replaced, "it is installed (Differences"),
    "built": (only_built, "it is built"),
    "broken": (broken_source, "DKMS has not installed other 2.0 for it"),
    "other-machine": (other_machine, "DKMS has not installed stand-in 1.0"),
    "newer-version": (newer_version, "DKMS has not installed stand-in 1.10"),
    "one-of-two": (one_of_two, "DKMS has not installed other 3"),
    "no-initramfs": (no_initramfs, f"/boot/initrd.img-{NEW} is not there"),
    "empty-initramfs": (empty_initramfs, f"/boot/initrd.img-{NEW} is empty"),
    "unreadable-initramfs": (unreadable_initramfs, "lsinitramfs finds nothing"),
    "lister-fails": (lister_fails, "cpio: premature end of file"),
    "no-lister": (no_lister, "no program is there that lists"),
    "nouveau": (nouveau, "holds the driver nouveau"),
    "nova": (nova, "holds the driver nova_core"),
    "no-modules": (no_modules, "has no modules.dep"),
    "empty-kernel": (empty_kernel, "is empty or no file"),
    "not-in-menu": (not_in_menu, "grub has no entry for it"),
    "only-for-rescue": (only_for_rescue, "grub has no entry for it"),
    "of-another-system": (of_another_system, "grub has no entry for it"),
    "only-on-top": (only_on_top, "grub has no entry for it"),
}


@pytest.mark.parametrize("name", sorted(NOT_READY))
def test_it_holds_the_new_kernel_back(tmp_path: Path, name: str) -> None:
    made = machine(tmp_path, NEW, OLD)
    breakage, words = NOT_READY[name]
    breakage(made)
    assert main(["hook-kernel", NEW], made.host()) == 1
    assert made.environment() == f"saved_entry={saved(OLD)}\n"
    assert kept(made)["verdict"] == "held"
    assert words in reasons(made, NEW)


def test_the_control_is_not_held_back(tmp_path: Path) -> None:
    made = machine(tmp_path, NEW, OLD)
    assert main(["hook-kernel", NEW], made.host()) == 0


def no_menu(made: Machine) -> None:
    (made.base / "boot/grub/grub.cfg").unlink()


def not_saved(made: Machine) -> None:
    """Another file of /etc/default/grub.d has set GRUB_DEFAULT again."""
    made.menu(NEW, OLD, header='set default="0"\n')


def set_again(made: Machine) -> None:
    made.menu(NEW, OLD, header=HEADER + 'set default="0"\n')


def half_menu(made: Machine) -> None:
    made.write("/boot/grub/grub.cfg", grub_config([NEW, OLD])[:-40])


def empty_menu(made: Machine) -> None:
    made.write("/boot/grub/grub.cfg", "")


def binary_menu(made: Machine) -> None:
    made.write("/boot/grub/grub.cfg", "").write_bytes(b"\xff\xfe\x00" * 100)


def folder_menu(made: Machine) -> None:
    no_menu(made)
    (made.base / "boot/grub/grub.cfg").mkdir()


def open_quote(made: Machine) -> None:
    text = grub_config([NEW, OLD]).replace("menuentry 'Debian", "menuentry 'Deb'ian", 1)
    made.write("/boot/grub/grub.cfg", text)


def deaf(made: Machine) -> None:
    """grub-set-default ends with 0 and writes nothing."""
    made.deaf = True


def no_setter(made: Machine) -> None:
    made.broken["grub-set-default"] = Done(1, "", "grub-editenv: error: cannot open grubenv")


def no_reader(made: Machine) -> None:
    made.broken["grub-editenv"] = Done(1, "", "error: invalid environment block")


def once(made: Machine) -> None:
    """grub-reboot has chosen the kernel that lacks its modules, for one start."""
    made.fail_build(NEW)
    made.write("/boot/grub/grubenv", f"saved_entry={saved(OLD)}\nnext_entry={saved(NEW)}\n")


def no_boot(made: Machine) -> None:
    for release in (NEW, OLD):
        (made.base / f"boot/vmlinuz-{release}").unlink()


def no_settings(made: Machine) -> None:
    (made.base / "usr/lib/codex/kernel-guard.json").unlink()


def bad_settings(made: Machine) -> None:
    made.settings(optional="stand-in")


def more_settings(made: Machine) -> None:
    made.settings(ignore_all=True)


def unknown_loader(made: Machine) -> None:
    made.settings(loader="lilo")


NOT_GUARDED: dict[str, tuple[Callable[[Machine], None], str]] = {
    "no-menu": (no_menu, "neither systemd-boot nor /boot/grub/grub.cfg is there"),
    "not-saved": (not_saved, "GRUB_DEFAULT is not saved"),
    "set-again": (set_again, "GRUB_DEFAULT is not saved"),
    "half-menu": (half_menu, "ends in the middle of a block"),
    "empty-menu": (empty_menu, "has no entry"),
    "binary-menu": (binary_menu, "is not UTF-8 text"),
    "folder-menu": (folder_menu, "grub.cfg cannot be read"),
    "open-quote": (open_quote, "has a quote in line"),
    "deaf": (deaf, "does not hold the entry that was written"),
    "no-setter": (no_setter, "cannot open grubenv"),
    "no-reader": (no_reader, "invalid environment block"),
    "once": (once, f"the next start alone takes {saved(NEW)}, as grub-reboot was told"),
    "no-boot": (no_boot, "/boot has no kernel"),
    "no-settings": (no_settings, "kernel-guard.json cannot be read"),
    "bad-settings": (bad_settings, "has a bad value for optional"),
    "more-settings": (more_settings, "does not have exactly"),
    "unknown-loader": (unknown_loader, "has a bad value for loader"),
}


@pytest.mark.parametrize("hook", ["hook-kernel", "hook-remove", "hook-removed", "hook-apt"])
@pytest.mark.parametrize("name", sorted(NOT_GUARDED))
def test_it_is_said_that_nothing_is_guarded(
    tmp_path: Path, name: str, hook: str, capsys: pytest.CaptureFixture[str]
) -> None:
    made = machine(tmp_path, NEW, OLD)
    breakage, words = NOT_GUARDED[name]
    breakage(made)
    # apt is told each time: nothing else would notice.
    for _ in range(2):
        assert main([hook] if hook == "hook-apt" else [hook, NEW], made.host()) == 2
    assert kept(made)["verdict"] == "unguarded"
    assert words in kept(made)["message"]
    assert words in capsys.readouterr().err


def test_a_saved_entry_that_is_gone_counts_as_the_first(tmp_path: Path) -> None:
    """GRUB starts the newest kernel then; the guard must not believe what stands there."""
    made = machine(tmp_path, NEW, OLD)
    made.fail_build(NEW)
    made.write("/boot/grub/grubenv", f"saved_entry={saved('6.1.0-1-amd64')}\n")
    assert main(["status"], made.host()) == 2
    assert main(["settle"], made.host()) == 1
    assert made.environment() == f"saved_entry={saved(OLD)}\n"


@pytest.mark.parametrize("entry", ["0", "1>0", "Debian GNU/Linux"])
def test_an_entry_saved_by_number_or_title_is_replaced_by_its_name(
    tmp_path: Path, entry: str
) -> None:
    """A number means another kernel as soon as one is added."""
    made = machine(tmp_path, NEW, OLD)
    made.write("/boot/grub/grubenv", f"saved_entry={entry}\n")
    assert main(["settle"], made.host()) == 0
    assert made.environment() == f"saved_entry={saved(NEW)}\n"


def test_an_entry_that_would_come_back_after_the_next_start_is_taken_out(tmp_path: Path) -> None:
    made = machine(tmp_path, NEW, OLD)
    made.fail_build(NEW)
    left = f"saved_entry={saved(OLD)}\nprev_saved_entry={saved(NEW)}\n"
    made.write("/boot/grub/grubenv", left)
    assert main(["settle"], made.host()) == 1
    assert made.environment() == f"saved_entry={saved(OLD)}\n"
    made.write("/boot/grub/grubenv", left)
    made.deaf = True
    assert main(["settle"], made.host()) == 2


def test_a_state_that_cannot_be_written_is_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = machine(tmp_path, NEW, OLD)
    made.write("/var/lib/codex-kernel-guard", "a file")
    assert main(["settle"], made.host()) == 2
    assert "cannot be written" in capsys.readouterr().err


def test_the_state_follows_no_link(tmp_path: Path) -> None:
    made = machine(tmp_path, NEW, OLD)
    victim = made.write("/etc/victim", "precious")
    folder = tmp_path / "var/lib/codex-kernel-guard"
    folder.mkdir(parents=True)
    (folder / "state.json.new").symlink_to(victim)
    (folder / "state.json").symlink_to(victim)
    assert main(["settle"], made.host()) == 0
    assert victim.read_text() == "precious"
    assert not (folder / "state.json").is_symlink()
    assert (folder / "state.json").stat().st_mode & 0o777 == 0o644
    (folder / "lock").unlink()
    (folder / "lock").symlink_to(victim)
    assert main(["settle"], made.host()) == 2


@pytest.mark.parametrize("told", ['"6.12"', "{}", "[1, null]", f'["{NEW}"'])
def test_a_spoilt_state_makes_apt_fail_again(tmp_path: Path, told: str) -> None:
    made = machine(tmp_path, NEW, OLD)
    made.fail_build(NEW)
    made.write("/var/lib/codex-kernel-guard/state.json", f'{{"told": {told}}}')
    assert main(["hook-apt"], made.host()) == 1
    assert json.loads((tmp_path / "var/lib/codex-kernel-guard/state.json").read_text())["told"]
