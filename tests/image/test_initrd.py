# SPDX-License-Identifier: Apache-2.0
"""The initrd: what it needs to open the verified root, and no way in."""

import re

import pytest

from tests.support import cpio

#: Programs and units without which the initrd cannot find, verify or mount the root and /var.
REQUIRED = [
    "etc/initrd-release",
    "usr/lib/systemd/systemd",
    "usr/lib/systemd/systemd-udevd",
    "usr/lib/systemd/systemd-veritysetup",
    "usr/lib/systemd/system-generators/systemd-veritysetup-generator",
    "usr/lib/systemd/system-generators/systemd-gpt-auto-generator",
    "usr/lib/systemd/systemd-executor",
    "usr/bin/systemd-repart",
    "usr/lib/systemd/system/sysroot-var.mount",
    "usr/lib/systemd/system/codex-ask-reset.service",
    "usr/lib/codex/make-state",
    "usr/lib/codex/ask-reset",
    "usr/lib/codex/state-partition.sh",
    *(f"usr/lib/codex/{name}" for name in (
        "boot-loader.sh", "count-boots", "fall-back", "initrd-failed", "open-root",
    )),
    # What these call: without one of them a reset would not happen, or the way back be lost.
    *(f"usr/bin/{name}" for name in (
        "base64", "blkid", "chattr", "cut", "dd", "head", "lsblk", "mkfifo", "od", "sed", "setsid",
        "sleep", "sort", "stty", "sync", "tail", "timeout", "tr",
    )),
]  # fmt: skip


@pytest.fixture(scope="module")
def paths(initrd: list[cpio.Member]) -> set[str]:
    """All paths, with merged /usr: ``bin/x`` is ``usr/bin/x``."""
    return {re.sub(r"^(s?bin|lib(64)?)/", r"usr/\1/", m.path).replace("usr/sbin", "usr/bin")
            for m in initrd}  # fmt: skip


@pytest.mark.parametrize("path", REQUIRED)
def test_has(paths: set[str], path: str) -> None:
    assert path in paths or path.replace("usr/bin", "usr/sbin") in paths


@pytest.mark.parametrize("driver", ["iTCO_wdt", "sp5100_tco", "wdat_wdt", "i6300esb"])
def test_a_start_that_stands_still_is_ended_from_its_beginning(
    paths: set[str], driver: str
) -> None:
    """In the real root the driver of a watchdog may come after PID 1 has crashed."""
    assert any(re.search(rf"/{driver}\.ko(\.[a-z]+)?$", path) for path in paths)
    assert "usr/lib/systemd/system.conf.d/20-codex-watchdog.conf" in paths


def test_nobody_can_log_in(initrd: list[cpio.Member]) -> None:
    shadow = [member for member in initrd if member.path == "etc/shadow" and member.is_file]
    for member in shadow:
        for line in member.data.decode().splitlines():
            assert line.split(":")[1][:1] in {"!", "*"}, line.split(":")[0]


def test_emergency_mode_opens_no_shell(initrd: list[cpio.Member]) -> None:
    """Whoever stands at the console must not get root before the root is verified."""
    drop_ins = [
        member.data.decode()
        for member in initrd
        if re.search(r"system/emergency\.service\.d/.*\.conf$", member.path)
    ]
    assert any(re.search(r"^ExecStart=$", text, re.MULTILINE) for text in drop_ins)
    assert not any("sulogin" in text for text in drop_ins)


def test_a_shell_is_only_behind_the_signed_word(initrd: list[cpio.Member]) -> None:
    [report] = [m.data.decode() for m in initrd if m.path == "usr/lib/codex/initrd-failed"]
    before, word, after = report.partition("grep -Fqx codex.shell; then\n")
    assert word
    assert not re.search(r"\bsh\b(?!$)", before.partition("\n")[2].replace("codex.shell", ""))
    assert re.search(r"\bsh -i\b", after.partition("\nfi\n")[0])
    assert not re.search(r"\bsh\b", after.partition("\nfi\n")[2])


def test_nothing_but_our_decision_erases_the_state(initrd: list[cpio.Member]) -> None:
    """systemd-repart by itself would go by a variable that says no more than yes."""
    files = {m.path: m.data.decode() for m in initrd if m.is_file and m.path.startswith("usr/lib/")
             and "systemd-repart.service.d/" in m.path}  # fmt: skip
    starts = re.findall(r"^ExecStart=(.*)$", "\n".join(files.values()), re.MULTILINE)
    assert starts == ["", "/usr/lib/codex/make-state"]
    assert any("Requires=codex-ask-reset.service" in text for text in files.values())


def test_no_file_is_world_writable(initrd: list[cpio.Member]) -> None:
    assert [member.path for member in initrd if member.is_file and member.mode & 0o002] == []


def test_nothing_listens_before_the_root_is_verified(paths: set[str]) -> None:
    assert [path for path in paths if re.search(r"/(sshd|dropbear)$", path)] == []
    # Targets that the initrd reaches; multi-user.target is not one of them.
    started = re.compile(
        r"/(initrd[a-z-]*|sysinit|basic|sockets)\.target\.(wants|requires)/.*(networkd\.service|ssh|getty)"
    )
    assert [path for path in paths if started.search(path)] == []
