# SPDX-License-Identifier: Apache-2.0
"""Starts that come to no verdict are counted in the initrd, and the third in a row is the last."""

import subprocess
from pathlib import Path

import pytest

from codex_agent.probe import record
from tests.unit.images.initrd import (
    COUNTED,
    ENTRIES,
    SELECTED,
    TREE,
    Initrd,
    Loader,
    utf16,
)

OLD, NEW = "codex-os_0.1.9.efi", "codex-os_0.1.10.efi"
SHELL, RESET = "codex-os-shell_0.1.10.efi", "codex-os-reset_0.1.10.efi"
REBOOT = "systemctl --no-block reboot --force"
NOT_COUNTED = "are not counted"


@pytest.fixture
def initrd(tmp_path: Path) -> Initrd:
    return Initrd(tmp_path)


def attempts(initrd: Initrd) -> Path:
    return initrd.folder / "var/lib/codex/boots" / record.ATTEMPTS


def counted(initrd: Initrd, *, good: bool = True) -> "subprocess.CompletedProcess[str]":
    done = initrd.run("count-boots", str(initrd.folder / "var"))
    assert not good or (done.returncode, done.stderr) == (0, "")
    return done


def test_three_starts_without_a_verdict_are_the_last(initrd: Initrd) -> None:
    loader = Loader(initrd, {NEW: None, OLD: None, RESET: None, SHELL: None})
    for number in (1, 2, 3):
        assert loader.start() == NEW
        assert counted(initrd).stdout == ""
        assert attempts(initrd).read_text() == f"{NEW} {number}\n"
        assert initrd.lines("calls") == []
    assert loader.start() == NEW
    said = counted(initrd).stdout
    assert f"{NEW} was started 3 times and came to no verdict" in said
    assert initrd.lines("calls") == [REBOOT]
    assert initrd.reason() == [NEW, "3 starts in a row came to no verdict"]
    assert not attempts(initrd).exists()
    assert loader.start() == OLD
    counted(initrd)
    assert initrd.lines("calls") == []
    # Once: then the newest begins anew.
    assert loader.start() == NEW
    counted(initrd)
    assert attempts(initrd).read_text() == f"{NEW} 1\n"


def test_a_verdict_ends_the_count(initrd: Initrd) -> None:
    loader = Loader(initrd, {NEW: None, OLD: None})
    for number in range(8):
        assert loader.start() == NEW
        counted(initrd)
        assert initrd.lines("calls") == []
        if number % 3 == 2:
            attempts(initrd).unlink()  # as codex_agent.probe.record.stop_counting does


def test_another_version_in_between_begins_anew(initrd: Initrd) -> None:
    loader = Loader(initrd, {NEW: None, OLD: None})
    for default in (NEW, NEW, OLD, NEW):
        loader.default = default
        assert loader.start() == default
        counted(initrd)
    assert attempts(initrd).read_text() == f"{NEW} 1\n"


def test_the_way_to_the_real_root_counts_once(initrd: Initrd) -> None:
    Loader(initrd, {NEW: None}).start()
    for _ in range(3):
        counted(initrd)
    assert attempts(initrd).read_text() == f"{NEW} 1\n"


def test_a_host_with_one_version_starts_it_again_and_again(initrd: Initrd) -> None:
    loader = Loader(initrd, {NEW: None, RESET: None, SHELL: None})
    for _ in range(9):
        assert loader.start() == NEW
        counted(initrd)
        assert initrd.lines("calls") == []
        assert initrd.oneshot() is None


def test_two_versions_that_hang_are_tried_in_turn(initrd: Initrd) -> None:
    loader = Loader(initrd, {NEW: None, OLD: None})
    seen = []
    for _ in range(10):
        seen.append(loader.start())
        counted(initrd)
    assert seen == [NEW, NEW, NEW, NEW, OLD] * 2


def test_a_version_that_was_given_up_is_not_gone_back_to(initrd: Initrd) -> None:
    loader = Loader(initrd, {OLD: None, NEW: 0}, default=OLD)
    for _ in range(9):
        assert loader.start() == OLD
        counted(initrd)
        assert initrd.lines("calls") == []


@pytest.mark.parametrize("chosen", [SHELL, RESET, "auto-efi-default"])
def test_what_a_person_chose_in_the_menu_is_not_counted(initrd: Initrd, chosen: str) -> None:
    """The fourth start of the entry for shells would send away whoever repairs the host."""
    for _ in range(5):
        subprocess.run(["rm", "-rf", initrd.folder / "codex"], check=True)
        initrd.set(SELECTED, utf16(chosen))
        initrd.set(ENTRIES, utf16(NEW, OLD, RESET, SHELL))
        counted(initrd)
        assert initrd.lines("calls") == []
        assert not attempts(initrd).exists()


def test_the_boot_loader_counts_a_version_on_trial(initrd: Initrd) -> None:
    loader = Loader(initrd, {NEW: 9, OLD: None})
    attempts(initrd).parent.mkdir(parents=True)
    attempts(initrd).write_text(f"{NEW} 3\n")
    for _ in range(5):
        loader.start()
        assert initrd.variable(COUNTED).exists()
        counted(initrd)
        assert not attempts(initrd).exists()
        assert initrd.lines("calls") == []


@pytest.mark.parametrize(
    "content",
    [b"", b"\n", b"\xff\xfe\0\0", NEW.encode(), f"{NEW} ".encode(), f"{NEW} -1".encode(),
     f"{NEW} 3".encode(), f"{NEW} 999\n".encode(), f"{NEW} 3 3\n".encode(), f"{OLD} 3\n".encode(),
     f"{NEW} $(reboot)\n".encode(), f"{NEW} a\n".encode(), b"* 3\n", b"x" * 100_000],
)  # fmt: skip
def test_a_count_that_is_broken_begins_anew(initrd: Initrd, content: bytes) -> None:
    Loader(initrd, {NEW: None, OLD: None}).start()
    attempts(initrd).parent.mkdir(parents=True)
    attempts(initrd).write_bytes(content)
    counted(initrd)
    assert initrd.lines("calls") == []
    assert attempts(initrd).read_text() == f"{NEW} 1\n"


@pytest.mark.parametrize("number", ["03", "08", "09", "12", "99"])
def test_a_count_that_is_higher_than_any_of_ours_is_the_end(initrd: Initrd, number: str) -> None:
    Loader(initrd, {NEW: None, OLD: None}).start()
    attempts(initrd).parent.mkdir(parents=True)
    attempts(initrd).write_text(f"{NEW} {number}\n")
    counted(initrd)
    assert initrd.lines("calls") == [REBOOT]


def test_a_disk_that_cannot_be_written_does_not_stop_a_start(initrd: Initrd) -> None:
    """The other version has the same disk: a host with a full one would never come up again."""
    Loader(initrd, {NEW: None, OLD: None}).start()
    initrd.program("sync", "exit 1")
    done = counted(initrd, good=False)
    assert done.returncode == 0
    assert NOT_COUNTED in done.stdout
    assert initrd.lines("calls") == []


@pytest.mark.parametrize("broken", ["folder", "file", "loop"])
def test_a_place_that_is_something_else_does_not_stop_a_start(initrd: Initrd, broken: str) -> None:
    Loader(initrd, {NEW: None, OLD: None}).start()
    place = attempts(initrd)
    place.parent.parent.mkdir(parents=True)
    if broken == "folder":
        (place / "x").mkdir(parents=True)
    elif broken == "file":
        place.parent.write_text("")
    else:
        place.parent.symlink_to(place.parent.name)
    done = counted(initrd, good=False)
    assert done.returncode == 0
    assert NOT_COUNTED in done.stdout


def test_a_count_that_stays_does_not_send_the_host_away_for_ever(initrd: Initrd) -> None:
    loader = Loader(initrd, {NEW: None, OLD: None})
    attempts(initrd).parent.mkdir(parents=True)
    attempts(initrd).write_text(f"{NEW} 3\n")
    initrd.program("rm", "exit 1")
    for _ in range(3):
        assert loader.start() == NEW
        done = counted(initrd, good=False)
        assert done.returncode == 0
        assert NOT_COUNTED in done.stdout
        assert initrd.lines("calls") == []


@pytest.mark.parametrize("firmware", ["full", "frozen"])
def test_firmware_that_keeps_nothing_does_not_stop_a_start(initrd: Initrd, firmware: str) -> None:
    Loader(initrd, {NEW: None, OLD: None}).start()
    attempts(initrd).parent.mkdir(parents=True)
    attempts(initrd).write_text(f"{NEW} 3\n")
    done = initrd.run("count-boots", str(initrd.folder / "var"), more={"FIRMWARE": firmware})
    assert done.returncode == 0
    assert "does not keep which version starts next" in done.stdout
    assert initrd.lines("calls") == []


@pytest.mark.parametrize("content", [None, b"", b"\0", NEW.encode(), b"\xff\xff\xff"])
def test_a_boot_loader_that_names_nothing(initrd: Initrd, content: bytes | None) -> None:
    if content is not None:
        initrd.set(SELECTED, content)
    counted(initrd)
    assert not attempts(initrd).exists()


def test_it_runs_where_a_unit_says_so() -> None:
    unit = (TREE / "usr/lib/systemd/system/codex-state.service").read_text()
    assert "ExecStart=/usr/lib/codex/count-boots /sysroot/var\n" in unit
