# SPDX-License-Identifier: Apache-2.0
"""Which version the initrd has the boot loader start instead of one that cannot go on."""

from pathlib import Path

import pytest

from tests.unit.images.initrd import (
    COUNTED,
    ENTRIES,
    ONESHOT,
    REASON,
    SELECTED,
    Initrd,
    Loader,
    utf16,
)

OLD, NEW, NEWEST = "codex-os_0.1.9.efi", "codex-os_0.1.10.efi", "codex-os_0.1.11.efi"
SHELL, RESET = "codex-os-shell_0.1.9.efi", "codex-os-reset_0.1.9.efi"
AUTO = ["auto-efi-default", "auto-reboot-to-firmware-setup", "auto-poweroff"]
NONE = "there is no other version that could start"


@pytest.fixture
def initrd(tmp_path: Path) -> Initrd:
    return Initrd(tmp_path)


def started(initrd: Initrd, selected: str, *entries: str) -> None:
    initrd.set(SELECTED, utf16(selected))
    initrd.set(ENTRIES, utf16(*entries))


@pytest.mark.parametrize(
    ("selected", "entries", "next_one"),
    [
        (NEW, [NEW, OLD], OLD),
        (OLD, [NEW, OLD], NEW),
        (NEW, [NEW, OLD, RESET, SHELL, *AUTO], OLD),
        (NEWEST, [NEWEST, NEW, OLD], NEW),
        (NEW, [NEWEST, NEW, OLD], NEWEST),
        # A boot loader before 257.10 names an entry with its tries.
        ("codex-os_0.1.10.efi", [NEW, "codex-os_0.1.9+2-1.efi"], "codex-os_0.1.9+2-1.efi"),
        ("codex-os_0.1.9.dirty.efi", ["codex-os_0.1.9.dirty.efi", OLD], OLD),
    ],
)
def test_the_other_version_starts_next_and_the_reason_is_kept(
    initrd: Initrd, selected: str, entries: list[str], next_one: str
) -> None:
    started(initrd, selected, *entries)
    done = initrd.run("fall-back", "The root stayed away: it's 100% \\n gone")
    assert (done.returncode, done.stderr) == (0, "")
    assert initrd.oneshot() == next_one
    assert "starts next, once" in done.stdout
    assert initrd.reason() == [selected, "The root stayed away: it's 100% \\n gone"]


@pytest.mark.parametrize(
    ("selected", "entries"),
    [
        (NEW, [NEW]),
        (NEW, [NEW, NEW, *AUTO]),
        (NEW, [NEW, RESET, SHELL, *AUTO]),
        (NEW, [SHELL, RESET, "codex-os-shell_0.1.11.efi", NEW]),
        (NEW, []),
        # A menu of shells and a reset: what starts without our choice is a version in any case.
        (SHELL, [NEW, OLD, SHELL]),
        (RESET, [NEW, OLD, RESET]),
        ("auto-efi-default", [NEW, OLD, *AUTO]),
        # Nearly ours.
        (NEW, [NEW, "codex-os_*.efi", "codex-os_[0-9]*.efi", "codex-os_0.1.9.conf", "codex-os_.efi",
               "codex-os_0.1.9.efi@reset", "codex-os_0.1.9_x.efi", "xcodex-os_0.1.9.efi",
               "codex-os_0.1.9.efi x", "codex-os_0.1.9 .efi", "codex-os_../9.efi",
               "codex-os_$(reboot).efi", "codex-os_\u00e9.efi", "codex-os_0.1.9\n.efi"]),
    ],
)  # fmt: skip
def test_nothing_that_is_no_other_version_starts(
    initrd: Initrd, selected: str, entries: list[str]
) -> None:
    started(initrd, selected, *entries)
    done = initrd.run("fall-back", "why")
    assert (done.returncode, done.stderr) == (1, "")
    assert initrd.oneshot() is None
    assert initrd.reason() == [selected, "why"]


@pytest.mark.parametrize(
    ("selected", "entries"),
    [
        # Newer than the one before it in a list that has the newest first.
        (OLD, [OLD, NEW]),
        (OLD, [OLD, NEWEST, NEW]),
        # Behind the entries that are listed behind every version.
        (NEW, [NEW, RESET, OLD]),
        (NEW, [NEW, SHELL, OLD, *AUTO]),
    ],
)
def test_a_version_that_was_given_up_does_not_start(
    initrd: Initrd, selected: str, entries: list[str]
) -> None:
    """The boot loader lists what has no tries left behind all others; the name does not tell."""
    started(initrd, selected, *entries)
    done = initrd.run("fall-back", "why")
    assert done.returncode == 1
    assert NONE in done.stdout
    assert initrd.oneshot() is None


def test_of_three_versions_the_one_that_was_given_up_is_passed_over(initrd: Initrd) -> None:
    started(initrd, NEW, NEW, OLD, NEWEST)
    assert initrd.run("fall-back", "why").returncode == 0
    assert initrd.oneshot() == OLD


def test_a_version_on_trial_is_left_to_the_boot_loader(initrd: Initrd) -> None:
    started(initrd, NEW, NEW, OLD)
    initrd.set(COUNTED, utf16("\\EFI\\Linux\\codex-os_0.1.10+1-2.efi"))
    done = initrd.run("fall-back", "why")
    assert done.returncode == 1
    assert "on trial" in done.stdout
    assert initrd.oneshot() is None
    assert initrd.reason() == [NEW, "why"]


def test_what_was_set_before_is_replaced(initrd: Initrd) -> None:
    started(initrd, NEW, NEW, OLD)
    for name, content in ((ONESHOT, utf16("codex-os_0.1.10.efi-and-more")), (REASON, b"x" * 900)):
        initrd.variable(name).write_bytes(b"\x07\0\0\0" + content)
        (initrd.folder / "protected" / name).touch()
    done = initrd.run("fall-back", "why")
    assert (done.returncode, done.stderr) == (0, "")
    assert initrd.oneshot() == OLD
    assert initrd.reason() == [NEW, "why"]


def test_the_store_of_the_firmware_is_not_worn_by_what_it_has(initrd: Initrd) -> None:
    """A host that never comes up writes the same at each start."""
    for _ in range(3):
        started(initrd, NEW, NEW)
        initrd.run("fall-back", "why")
    assert initrd.lines("written") == [REASON]


@pytest.mark.parametrize("firmware", ["full", "frozen"])
def test_firmware_that_keeps_nothing(initrd: Initrd, firmware: str) -> None:
    started(initrd, NEW, NEW, OLD)
    done = initrd.run("fall-back", "why", more={"FIRMWARE": firmware})
    assert done.returncode == 1
    assert "does not keep why" in done.stdout
    assert "does not keep which version starts next" in done.stdout


def test_a_reason_that_is_not_kept_does_not_keep_the_other_version_from_starting(
    initrd: Initrd,
) -> None:
    started(initrd, NEW, NEW, OLD)
    initrd.variable(REASON).mkdir()
    done = initrd.run("fall-back", "why")
    assert done.returncode == 0
    assert initrd.oneshot() == OLD


def test_a_long_reason_of_several_lines_is_one_short_line(initrd: Initrd) -> None:
    started(initrd, NEW, NEW, OLD)
    assert initrd.run("fall-back", "one\ntwo\tthree " + "\u00e9" * 3000).returncode == 0
    content = initrd.variable(REASON).read_bytes()[4:].decode(errors="ignore").splitlines()
    assert content[0] == NEW
    assert content[1].startswith("one two three \u00e9")
    assert len(content) == 2
    assert initrd.variable(REASON).stat().st_size < 700


@pytest.mark.parametrize(
    "content",
    [b"", b"\0", b"\0\0", b"c", OLD.encode(), OLD.encode() + b"\0", utf16(OLD)[:-3], b"\xff" * 64,
     utf16(OLD).replace(b"c\0", b"c\xd8"), b"\0" + utf16(OLD), b"\n\0" * 40, bytes(range(256)),
     OLD.encode("utf-16-be")],
)  # fmt: skip
def test_a_list_that_is_broken_names_nothing(initrd: Initrd, content: bytes) -> None:
    started(initrd, NEW)
    initrd.set(ENTRIES, content)
    done = initrd.run("fall-back", "why")
    assert (done.returncode, done.stderr) == (1, "")
    assert initrd.oneshot() is None
    assert initrd.reason() == [NEW, "why"]


@pytest.mark.parametrize("content", [b"", b"\0", NEW.encode(), utf16(NEW)[:-3], b"\xff" * 9])
def test_a_start_of_which_the_version_is_not_known_chooses_nothing(
    initrd: Initrd, content: bytes
) -> None:
    """The other of an unknown one could be the same."""
    started(initrd, NEW, NEW, OLD)
    initrd.set(SELECTED, content)
    done = initrd.run("fall-back", "why")
    assert (done.returncode, done.stderr) == (1, "")
    assert initrd.oneshot() is None
    assert initrd.reason()[1] == "why"


def test_a_text_without_its_zero_is_one(initrd: Initrd) -> None:
    started(initrd, NEW)
    initrd.set(SELECTED, utf16(NEW)[:-2])
    initrd.set(ENTRIES, utf16(NEW, OLD)[:-2])
    assert initrd.run("fall-back", "why").returncode == 0
    assert initrd.oneshot() == OLD


def test_variables_that_cannot_be_read(initrd: Initrd) -> None:
    for name in (SELECTED, ENTRIES):
        initrd.variable(name).mkdir()
    done = initrd.run("fall-back", "why")
    assert done.returncode == 1
    assert initrd.oneshot() is None
    assert initrd.reason()[1] == "why"


def test_no_boot_loader(initrd: Initrd) -> None:
    done = initrd.run("fall-back", "why")
    assert done.returncode == 1
    assert "no boot loader" in done.stderr
    assert not initrd.variable(REASON).exists()


def test_two_bad_versions_are_tried_in_turn_and_say_why(initrd: Initrd) -> None:
    """No version is better than the other; each may come up again, as when a disk answers late."""
    loader = Loader(initrd, {NEW: None, OLD: None, SHELL: None, RESET: None})
    seen = []
    for _ in range(6):
        seen.append(loader.start())
        initrd.run("fall-back", f"{seen[-1]} failed")
        assert initrd.reason() == [seen[-1], f"{seen[-1]} failed"]
    assert seen == [NEW, OLD] * 3


def test_a_bad_version_beside_one_that_was_given_up_is_tried_again(initrd: Initrd) -> None:
    loader = Loader(initrd, {NEWEST: 1, NEW: None})
    seen = []
    for _ in range(5):
        seen.append(loader.start())
        initrd.run("fall-back", f"{seen[-1]} failed")
    assert seen == [NEWEST, NEW, NEW, NEW, NEW]


def test_a_version_on_trial_gets_its_tries_and_no_more(initrd: Initrd) -> None:
    loader = Loader(initrd, {NEWEST: 3, NEW: None})
    seen = []
    for _ in range(4):
        seen.append(loader.start())
        if seen[-1] == NEWEST:
            initrd.run("fall-back", "it failed")
    assert seen == [NEWEST] * 3 + [NEW]
    assert initrd.reason() == [NEWEST, "it failed"]
