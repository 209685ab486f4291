# SPDX-License-Identifier: Apache-2.0
"""An initrd that cannot go on says why, keeps it, chooses what starts next, and ends."""

from pathlib import Path

import pytest

from tests.unit.images.initrd import Initrd, Loader

OLD, NEW, SHELL = "codex-os_0.1.9.efi", "codex-os_0.1.10.efi", "codex-os-shell_0.1.10.efi"
VERITY = "systemd-veritysetup@root.service"
FAILED = f"{VERITY} loaded failed failed  Integrity Protection Setup for root\nx.mount loaded\n"
BLOCK = "The first block of the root is not what was signed."
DEVICE = "/dev/disk/by-partuuid/266ee6ad-453d-dc2b-514d-c5b2681a5502"
JOBS = "  12 dev-disk-by\\x2dpartuuid-1.device start running\n 3 initrd.target start waiting\n"


@pytest.fixture
def initrd(tmp_path: Path) -> Initrd:
    found = Initrd(tmp_path)
    Loader(found, {NEW: None, OLD: None}).start()
    return found


def test_the_unit_that_failed_is_named_and_the_other_version_starts(initrd: Initrd) -> None:
    initrd.put("failed", FAILED)
    initrd.put("journal", f"{BLOCK}\n")
    done = initrd.run("initrd-failed")
    assert done.returncode == 0
    assert f"Units that failed:\n{VERITY} loaded failed failed Integrity" in done.stdout
    assert initrd.reason() == [NEW, f"The root could not be started: {VERITY} failed: {BLOCK}"]
    assert initrd.oneshot() == OLD
    assert initrd.lines("calls")[-1] == "sleep 10"


@pytest.mark.parametrize(
    ("failed", "jobs", "journal", "said"),
    [
        ("", JOBS, "", r"it waited for dev-disk-by\x2dpartuuid-1.device"),
        ("", "", "", "it waited for nothing that systemd names"),
        (
            "",
            JOBS,
            f"one\nTimed out waiting for device dev-x.device - {DEVICE}.\ntwo.\n",
            f"{DEVICE} did not appear in time",
        ),
        (
            "",
            JOBS,
            "Timed out waiting for device dev-x.device.\n",
            "dev-x.device did not appear in time",
        ),
        (FAILED, JOBS, "", f"{VERITY} failed"),
        (FAILED, "", "one\ntwo\nthree\n", f"{VERITY} failed: one two three"),
        (FAILED, "", "$(reboot) `x` %s \\0 'y' \"z\"\n", "$(reboot) `x` %s \\0 'y' \"z\""),
    ],
)
def test_what_is_known_is_kept_in_one_line(
    initrd: Initrd, failed: str, jobs: str, journal: str, said: str
) -> None:
    for name, text in (("failed", failed), ("jobs", jobs), ("journal", journal)):
        initrd.put(name, text)
    assert initrd.run("initrd-failed").returncode == 0
    assert len(initrd.reason()) == 2
    assert initrd.reason()[1].endswith(said)


@pytest.mark.parametrize("firmware", ["full", "frozen"])
def test_firmware_that_keeps_nothing_does_not_hold_the_host(initrd: Initrd, firmware: str) -> None:
    initrd.put("failed", FAILED)
    done = initrd.run("initrd-failed", more={"FIRMWARE": firmware})
    assert done.returncode == 0
    assert "does not keep why" in done.stdout
    assert initrd.lines("calls")[-1] == "sleep 10"


def test_a_host_without_a_boot_loader_ends_as_well(initrd: Initrd) -> None:
    for path in (initrd.folder / "efivars").iterdir():
        path.unlink()
    assert initrd.run("initrd-failed").returncode == 0
    assert initrd.lines("calls")[-1] == "sleep 10"


def test_two_bad_versions_are_restarted_without_end_and_without_a_prompt(tmp_path: Path) -> None:
    initrd = Initrd(tmp_path)
    loader = Loader(initrd, {NEW: None, OLD: None, SHELL: None})
    initrd.put("failed", FAILED)
    for number in range(6):
        chosen = loader.start()
        assert chosen == (NEW, OLD)[number % 2]
        assert initrd.run("initrd-failed").returncode == 0
        assert initrd.reason()[0] == chosen
        assert initrd.lines("calls")[-1] == "sleep 10"


@pytest.mark.parametrize("words", ["codex.shells", "xcodex.shell", "codex.shell=1", "codexxshell"])
def test_no_other_word_opens_a_shell(initrd: Initrd, words: str) -> None:
    initrd.program("setsid", 'echo "setsid $*" >>"$CALLS"')
    initrd.put("cmdline", f"quiet {words}\n")
    assert initrd.run("initrd-failed").returncode == 0
    assert not any("setsid" in line for line in initrd.lines("calls"))


def test_the_word_opens_one_on_each_console_and_the_host_restarts(initrd: Initrd) -> None:
    initrd.program("setsid", 'echo "setsid $*" >>"$CALLS"')
    initrd.put("cmdline", "quiet codex.shell\n")
    initrd.put("active", "tty0 ttyS0\n")
    for console in ("tty0", "ttyS0"):
        initrd.put(f"dev/{console}", "")
    assert initrd.run("initrd-failed").returncode == 0
    calls = initrd.lines("calls")
    assert calls.count("setsid --ctty --wait sh -i") == 2
    assert "systemctl reboot --force" in calls
