# SPDX-License-Identifier: Apache-2.0
"""A kernel becomes the default when all is there for it, and at no other time."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from kernel_guard.cli import main

from tests.unit.roles.guard.machines import NEW, OLD, Machine, machine, saved

if TYPE_CHECKING:
    from pathlib import Path


def kept(made: Machine) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        (made.base / "var/lib/codex-kernel-guard/state.json").read_text()
    )
    return found


def reasons(made: Machine, release: str) -> str:
    (found,) = [kernel for kernel in kept(made)["kernels"] if kernel["release"] == release]
    return "; ".join(found["reasons"])


def test_a_kernel_with_all_its_modules_becomes_the_default(tmp_path: Path) -> None:
    made = machine(tmp_path, NEW, OLD)
    assert main(["settle"], made.host()) == 0
    assert made.environment() == f"saved_entry={saved(NEW)}\n"
    state = kept(made)
    assert (state["verdict"], state["default"], state["held"]) == ("guarded", NEW, [])
    assert [kernel["ready"] for kernel in state["kernels"]] == [True, True]


def test_a_kernel_without_its_modules_does_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = machine(tmp_path, NEW, OLD)
    made.fail_build(NEW)
    assert main(["hook-kernel", NEW], made.host()) == 1
    assert made.environment() == f"saved_entry={saved(OLD)}\n"
    assert (kept(made)["verdict"], kept(made)["default"]) == ("held", OLD)
    said = capsys.readouterr().err
    assert f"{NEW} is not ready, {OLD} stays the default" in said
    assert "DKMS has not installed stand-in 1.0 for it" in said


def test_it_becomes_the_default_once_they_were_built(tmp_path: Path) -> None:
    made = machine(tmp_path, NEW, OLD)
    made.fail_build(NEW)
    assert main(["settle"], made.host()) == 1
    made.build(NEW)
    assert main(["hook-headers", NEW], made.host()) == 0
    assert kept(made)["default"] == NEW


def test_headers_may_still_come_in_the_same_run_of_apt(tmp_path: Path) -> None:
    """The kernel's package must not fail for what the next package brings; apt's end must."""
    made = machine(tmp_path, OLD)
    made.add_kernel(NEW, built=False, headers=False)
    made.menu(NEW, OLD)
    assert main(["hook-kernel", NEW], made.host()) == 0
    assert kept(made)["default"] == OLD
    assert main(["hook-apt"], made.host()) == 1
    assert f"linux-headers-{NEW}) are not there" in reasons(made, NEW)


def test_apt_fails_once_for_a_kernel_and_then_warns(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = machine(tmp_path, NEW, OLD)
    made.fail_build(NEW)
    assert [main(["hook-apt"], made.host()) for _ in range(3)] == [1, 0, 0]
    assert capsys.readouterr().err.count("is not ready") == 3
    made.build(NEW)
    assert main(["hook-apt"], made.host()) == 0
    made.fail_build(NEW)
    assert main(["hook-apt"], made.host()) == 1, "it was repaired in between"


def test_no_dkms_on_the_host_is_nothing_to_wait_for(tmp_path: Path) -> None:
    made = machine(tmp_path, NEW, OLD)
    (tmp_path / "usr/sbin/dkms").unlink()
    for path in sorted((tmp_path / "var/lib/dkms").rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    assert main(["settle"], made.host()) == 0
    assert kept(made)["default"] == NEW


@pytest.mark.parametrize("note", ["Original modules exist", "original_module exists"])
def test_a_module_of_the_kernel_that_dkms_put_aside_holds_nothing_back(
    tmp_path: Path, note: str
) -> None:
    """What dkms 3.2 and 3.0 write where their module took the place of one of the kernel's own."""
    made = machine(tmp_path, NEW, OLD)
    made.dkms = made.dkms.replace(": installed", f": installed ({note})")
    assert main(["settle"], made.host()) == 0
    made.dkms = made.dkms.replace(
        f"({note})", f"({note}) (WARNING! Diff between built and installed module!)"
    )
    assert main(["settle"], made.host()) == 1


def test_a_module_that_may_be_missing_holds_nothing_back(tmp_path: Path) -> None:
    made = machine(tmp_path, NEW, OLD)
    made.fail_build(NEW)
    made.settings(optional=["stand-in"])
    assert main(["settle"], made.host()) == 0
    assert kept(made)["default"] == NEW


def test_a_driver_that_breaks_on_the_kernel_that_runs_sends_nobody_back(tmp_path: Path) -> None:
    made = machine(tmp_path, NEW, OLD)
    made.running = NEW
    made.fail_build(NEW)
    assert main(["settle"], made.host()) == 1
    assert kept(made)["default"] == NEW
    assert kept(made)["held"] == [NEW]


def test_a_pinned_kernel_is_the_default_when_it_is_ready(tmp_path: Path) -> None:
    made = machine(tmp_path, NEW, OLD)
    made.running = NEW
    made.settings(pinned=OLD)
    assert main(["settle"], made.host()) == 0
    assert kept(made)["default"] == OLD
    made.settings(pinned="6.12.200+deb13-amd64")
    assert main(["settle"], made.host()) == 1
    assert "is not installed" in kept(made)["message"]
    assert kept(made)["default"] == NEW


def test_the_kernel_that_is_removed_is_not_left_as_the_default(tmp_path: Path) -> None:
    made = machine(tmp_path, NEW, OLD)
    assert main(["settle"], made.host()) == 0
    assert main(["hook-remove", NEW], made.host()) == 0
    assert made.environment() == f"saved_entry={saved(OLD)}\n"


def test_the_last_good_kernel_cannot_be_removed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = machine(tmp_path, NEW, OLD)
    made.fail_build(NEW)
    assert main(["settle"], made.host()) == 1
    assert main(["hook-remove", OLD], made.host()) == 2
    assert made.environment() == f"saved_entry={saved(OLD)}\n"
    assert "no kernel is ready" in capsys.readouterr().err


def test_status_changes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = machine(tmp_path, NEW, OLD)
    made.write("/boot/grub/grubenv", f"saved_entry={saved(OLD)}\n")
    before = sorted(str(path) for path in tmp_path.rglob("*"))
    assert main(["status"], made.host()) == 2
    assert f"takes {OLD}, not {NEW}" in capsys.readouterr().out
    assert main(["status", "--json"], made.host()) == 2
    assert json.loads(capsys.readouterr().out)["default"] == OLD
    assert sorted(str(path) for path in tmp_path.rglob("*")) == before


def test_the_probe_tells_what_was_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = machine(tmp_path, NEW, OLD)
    assert main(["probe"], made.host()) == 2, "nothing was kept yet"
    main(["settle"], made.host())
    assert main(["probe"], made.host()) == 0
    made.fail_build(NEW)
    main(["hook-apt"], made.host())
    asked = len(made.asked)
    assert main(["probe"], made.host()) == 1
    assert f"{NEW} is not ready" in capsys.readouterr().out
    assert len(made.asked) == asked, "it asks no program"
    for text in ("", "[]", '{"verdict": "fine", "message": ""}', '{"verdict": "held"}'):
        made.write("/var/lib/codex-kernel-guard/state.json", text)
        assert main(["probe"], made.host()) == 2


def test_wrong_usage_has_a_status_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    for argv in ([], ["hook-kernel"], ["settle", "now"], ["--help-me"]):
        with pytest.raises(SystemExit) as ended:
            main(argv)
        assert ended.value.code == 64


def test_only_an_initramfs_with_a_driver_is_made_anew(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = machine(tmp_path, NEW, OLD)
    made.listings[OLD] = "init\nusr/lib/modules/x/nouveau.ko.xz\n"
    before = made.environment()
    assert main(["stale"], made.host()) == 0
    assert capsys.readouterr().out == f"{OLD}\n"
    assert made.environment() == before
    assert not (tmp_path / "var/lib/codex-kernel-guard/state.json").exists()


def test_one_that_cannot_be_read_is_made_anew_and_none_where_there_is_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = machine(tmp_path, NEW, OLD)
    made.listings[NEW] = ""
    (tmp_path / f"boot/initrd.img-{OLD}").unlink()
    assert main(["stale"], made.host()) == 0
    assert capsys.readouterr().out == f"{NEW}\n"


def test_without_settings_nothing_is_said_to_be_stale(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = machine(tmp_path, NEW)
    (tmp_path / "usr/lib/codex/kernel-guard.json").unlink()
    assert main(["stale"], made.host()) == 2
    assert capsys.readouterr().out == ""
