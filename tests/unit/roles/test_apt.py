# SPDX-License-Identifier: Apache-2.0
"""What a host is told to say to apt: stand-ins for apt and dpkg note how they were called."""

from __future__ import annotations

import os
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from tests.unit.roles.apply import ROLES

if TYPE_CHECKING:
    from pathlib import Path

SCRIPT = ROLES / "packages/files/apt.sh"
NOTES = 'printf "%s\\n" "${0##*/} $*" >>"$NOTES"\n'
LOCKED = "E: Could not get lock /var/lib/apt/lists/lock. It is held by process 7 (apt-get)"


class Host:
    """A folder with programs that stand in for a host's own, and with apt's lists."""

    def __init__(self, folder: Path) -> None:
        self.bin = folder / "bin"
        self.lists = folder / "lists"
        self.notes = folder / "notes"
        self.bin.mkdir()
        self.lists.mkdir()
        self.notes.touch()
        self.program("apt-config", f"echo \"lists='{self.lists}'\"")
        for name in ("apt-get", "dpkg", "sleep"):
            self.program(name, NOTES)

    def program(self, name: str, text: str) -> None:
        path = self.bin / name
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)

    def fresh(self) -> None:
        (self.lists / "deb.example_dists_trixie_main_binary-amd64_Packages.lz4").touch()

    def stale(self) -> None:
        self.fresh()
        old = time.time() - 7200
        os.utime(self.lists, (old, old))

    def ask(self, words: str, **more: str) -> subprocess.CompletedProcess[str]:
        environ = {"PATH": f"{self.bin}:/usr/bin:/bin", "NOTES": str(self.notes), **more}
        return subprocess.run(
            ["sh", "-c", f"{SCRIPT.read_text()}\n{words}\n"],
            env=environ, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    @property
    def called(self) -> list[str]:
        """First two words of each call."""
        return [" ".join(line.split()[:2]) for line in self.notes.read_text().splitlines()]


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


def test_a_fresh_host_fetches_lists_once(host: Host) -> None:
    host.program("apt-get", f"{NOTES}[ $1 = update ] && touch '{host.lists}/x_Packages' || :")
    done = host.ask("install_packages git dkms\ninstall_packages less")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert host.called == ["apt-get update", "apt-get install", "apt-get install"]
    assert host.notes.read_text().splitlines()[1].endswith(" git dkms")


def test_lists_of_an_hour_ago_are_fetched_and_count_as_new(host: Host) -> None:
    host.stale()
    host.ask("install_packages git\ninstall_packages less")
    assert host.called == ["apt-get update", "apt-get install", "apt-get install"]


def test_nothing_is_asked_and_nothing_removed(host: Host) -> None:
    host.fresh()
    host.program("apt-get", f"{NOTES}echo $DEBIAN_FRONTEND >>'{host.notes}'; cat >>'{host.notes}'")
    assert host.ask("install_packages git").returncode == 0
    (called, front) = host.notes.read_text().splitlines()
    assert front == "noninteractive"
    assert {"--yes", "--no-remove", "--no-install-recommends"} <= set(called.split())


def test_it_waits_for_a_lock(host: Host) -> None:
    host.fresh()
    host.program("apt-get", f"{NOTES}[ $(grep -c install '{host.notes}') -gt 2 ] || "
                 f"{{ echo '{LOCKED}'; exit 100; }}")  # fmt: skip
    assert host.ask("install_packages git").returncode == 0
    assert [call for call in host.called if call == "sleep 10"] == ["sleep 10"] * 2


def test_it_does_not_wait_for_ever(host: Host) -> None:
    host.fresh()
    host.program("apt-get", f"{NOTES}echo '{LOCKED}'; exit 100")
    done = host.ask("install_packages git", CODEX_APT_TRIES="3")
    assert done.returncode == 100
    assert done.stderr.splitlines()[0] == LOCKED
    assert host.called.count("apt-get install") == 3


def test_the_reason_comes_first(host: Host) -> None:
    """Not what apt says of dpkg's end, and not what it is about to do."""
    host.fresh()
    words = (
        "Setting up git",
        "dpkg: error processing archive git.deb (--unpack):",
        " cannot copy: No space left",
        "E: Sub-process dpkg failed",
    )
    host.program("apt-get", f"{NOTES}printf '%s\\n' '" + "' '".join(words) + "'; exit 100")
    done = host.ask("install_packages git")
    assert done.returncode == 100
    assert done.stderr.splitlines()[:2] == [
        "dpkg: error processing archive git.deb (--unpack): cannot copy: No space left",
        "Setting up git",
    ]
    assert host.called == ["apt-get install"], "tried again"


def test_a_full_disk_comes_before_what_follows_from_it(host: Host) -> None:
    full = "E: Failed to fetch http://deb.example/x  write (28: No space left on device)"
    host.stale()
    host.program("apt-get", f"{NOTES}printf '%s\\n' 'E: Failed to fetch 404' '{full}'; exit 100")
    done = host.ask("install_packages git")
    assert done.returncode == 100
    assert done.stderr.splitlines()[0] == full


def test_a_full_disk_of_which_apt_speaks_only_while_it_fetches(host: Host) -> None:
    """What apt 3.0 printed with lists on 48 MiB: the complaint at its end is of another form."""
    words = (
        "Get:4 http://deb.example trixie/main Translation-en [6486 kB]",
        "Err:4 http://deb.example trixie/main Translation-en",
        "  Write error - write (28: No space left on device)",
        "E: Failed to fetch http://deb.example/Translation-en  404  Not Found",
    )
    host.stale()
    host.program("apt-get", f"{NOTES}printf '%s\\n' '" + "' '".join(words) + "'; exit 100")
    done = host.ask("install_packages git")
    assert done.stderr.splitlines()[0] == "Write error - write (28: No space left on device)"


def test_a_host_without_any_lists(host: Host) -> None:
    host.lists.rmdir()
    host.program("apt-get", f"{NOTES}mkdir -p '{host.lists}'")
    done = host.ask("install_packages git")
    assert (done.returncode, done.stderr) == (0, "")
    assert host.called == ["apt-get update", "apt-get install"]


def test_a_dead_mirror_is_the_end(host: Host) -> None:
    host.program("apt-get", f"{NOTES}echo 'E: Failed to fetch http://deb.example'; exit 100")
    done = host.ask("install_packages git")
    assert done.stderr.startswith("E: Failed to fetch http://deb.example")
    assert host.called == ["apt-get update"]


def test_companions_come_along_where_apt_knows_them(host: Host) -> None:
    """apt-cache ends well and silently for a version that it does not know."""
    host.fresh()
    host.program("apt-cache", "case $2 in a=1) echo 'Package: a' ;; none=*) exit 100 ;; esac")
    assert host.ask("companions='a=1 a=2 none=1'\ninstall_packages git").returncode == 0
    assert host.notes.read_text().splitlines()[0].endswith(" git a=1")


def test_a_file_whose_needs_are_met_needs_no_archive(host: Host) -> None:
    host.stale()
    assert host.ask("install_files /var/cache/x.deb").returncode == 0
    (called,) = host.notes.read_text().splitlines()
    assert called.startswith("apt-get install ")
    assert called.endswith(" --allow-downgrades /var/cache/x.deb")


LACKING = [
    "E: Package 'git' has no installation candidate",
    "E: Unable to locate package git",
    "E: Unable to satisfy dependencies. Reached two conflicting assignments:",
    "E: Unable to correct problems, you have held broken packages.",
    "E: Failed to fetch http://deb.example/git.deb  404  Not Found",
]


@pytest.mark.parametrize("words", LACKING)
@pytest.mark.parametrize("asked", ["install_packages git", "install_files /var/cache/x.deb"])
def test_what_is_not_in_the_lists_is_looked_for_in_new_ones(
    host: Host, asked: str, words: str
) -> None:
    """Their fetching may have been cut, which shows in no age."""
    host.fresh()
    reason = words.replace("'", "'\\''")
    host.program("apt-get", f"{NOTES}grep -q update '{host.notes}' || "
                 f"{{ echo '{reason}'; exit 100; }}")  # fmt: skip
    assert host.ask(asked).returncode == 0
    assert host.called == ["apt-get install", "apt-get update", "apt-get install"]


def test_lists_are_fetched_once_for_what_nobody_has(host: Host) -> None:
    host.fresh()
    host.program("apt-get", f"{NOTES}[ $1 = update ] || {{ echo '{LACKING[1]}'; exit 100; }}")
    done = host.ask("install_packages git")
    assert (done.returncode, done.stderr.splitlines()[0]) == (100, LACKING[1])
    assert host.called == ["apt-get install", "apt-get update", "apt-get install"]


def test_a_tree_is_asked_nothing_of_apt(host: Host) -> None:
    assert host.ask("unpack_files /var/cache/x.deb").returncode == 0
    assert host.called == ["dpkg --install"]


def test_apt_outlives_the_connection(host: Host) -> None:
    """Whoever reads is gone before apt says its first word."""
    host.fresh()
    ended = host.notes.with_name("ended")
    host.program("apt-get", f"command sleep 1; seq 100000; echo more >&2; touch '{ended}'")
    (host.bin / "sleep").unlink()
    with subprocess.Popen(
        ["sh", "-c", f"{SCRIPT.read_text()}\ninstall_packages git\n"],
        env={"PATH": f"{host.bin}:/usr/bin:/bin"}, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        process.stderr.close()
        process.wait(timeout=60)
    assert ended.exists()


def test_no_copy_of_what_was_said_is_left(host: Host, tmp_path: Path) -> None:
    script = SCRIPT.read_text().replace("/var/tmp/", f"{tmp_path}/")
    host.fresh()
    subprocess.run(["sh", "-c", f"{script}\ninstall_packages git"], check=True,
                   env={"PATH": f"{host.bin}:/usr/bin:/bin", "NOTES": str(host.notes)})  # fmt: skip
    assert not list(tmp_path.glob("codex-apt.*"))
