# SPDX-License-Identifier: Apache-2.0
"""What the initrd does with a request to erase the state, on a disk and a firmware of a test."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.unit.images.initrd import SCRIPTS

VARIABLE = "CodexFactoryReset-ec4a643e-7d37-4bd2-8c11-dbf83c8007a2"
OLD = "7697b945-a3bf-4a87-b718-1abf1dd86654"
NEW = "11111111-2222-3333-4444-555555555555"
OTHER = "99999999-2222-3333-4444-555555555555"
VAR = "4d21b016-b534-45c2-a9fb-5c16e091fd2d"

# The disk is a file with one line for each partition of the type of /var: UUID and label.
PROGRAMS = {
    "lsblk": 'case "$*" in *PKNAME*) echo vda;; *) i=0; echo /dev/vda; '
    'while read -r line; do i=$((i+1)); echo "/dev/vda$i"; done <"$DISK";; esac',
    "blkid": 'for path; do :; done; n=${path#/dev/vda}; [ -n "$n" ] || exit 2\n'
    'set -- $(sed -n "${n}p" "$DISK")\n'
    f'echo "PART_ENTRY_UUID=$1"; echo "PART_ENTRY_NAME=$2"; echo "PART_ENTRY_TYPE={VAR}"',
    "systemd-repart": 'echo "$*" >>"$CALLS"\n'
    'case $REPART in dead) exit 1;; half) : >"$DISK"; exit 1;; esac\n'
    f'case "$*" in *=yes*) echo "{NEW} codex-var" >"$DISK";; esac\n'
    f'[ -s "$DISK" ] || echo "{NEW} codex-var" >"$DISK"; exit "${{REPART:-0}}"',
    "chattr": '[ -z "$STUBBORN" ]',
    "systemctl": 'echo "systemctl $*" >>"$CALLS"; kill "$(cat "$PIDFILE")"',
    "sleep": ":",
    "stty": ":",
}


@dataclass
class Start:
    """One start of a host, with the folders that a script sees."""

    folder: Path

    @property
    def variable(self) -> Path:
        return self.folder / "efivars" / VARIABLE

    @property
    def disk(self) -> Path:
        return self.folder / "disk"

    def calls(self) -> list[str]:
        path = self.folder / "calls"
        return path.read_text().splitlines() if path.exists() else []

    def ask(self, text: bytes) -> None:
        self.variable.write_bytes(b"\x07\0\0\0" + text)

    def script(self, name: str) -> str:
        library = (SCRIPTS / "state-partition.sh").read_text()
        text = (SCRIPTS / name).read_text()
        text = text.replace(". /usr/lib/codex/state-partition.sh", library)
        for place in ("/sys/firmware/efi/efivars", "/proc/cmdline", "/run/codex"):
            text = text.replace(place, str(self.folder / place.rpartition("/")[2]))
        return text

    def run(self, name: str = "make-state", **more: str) -> "subprocess.CompletedProcess[str]":
        environment = {
            "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}",
            "DISK": str(self.disk),
            "CALLS": str(self.folder / "calls"),
            "STUBBORN": "",
            "REPART": "",
            **more,
        }
        argv = ["sh", "-c", self.script(name), name]
        return subprocess.run(
            argv, env=environment, capture_output=True, text=True, check=False, timeout=60
        )


@pytest.fixture
def start(tmp_path: Path) -> Start:
    for name in ("bin", "efivars"):
        (tmp_path / name).mkdir()
    for name, body in PROGRAMS.items():
        program = tmp_path / "bin" / name
        program.write_text(f"#!/bin/sh\n{body}\n")
        program.chmod(0o755)
    (tmp_path / "cmdline").write_text(f"console=ttyS0 roothash={'0123456789abcdef' * 4} quiet\n")
    (tmp_path / "disk").write_text(f"{OLD} codex-var\n")
    return Start(tmp_path)


def test_nobody_asked(start: Start) -> None:
    done = start.run()
    assert (done.returncode, done.stdout) == (0, "")
    assert start.calls() == ["--dry-run=no --factory-reset=no"]
    assert start.disk.read_text() == f"{OLD} codex-var\n"
    assert not (start.folder / "codex").exists()


def test_asked_for_this_partition(start: Start) -> None:
    start.ask(OLD.encode())
    done = start.run()
    assert done.returncode == 0
    assert start.calls() == ["--dry-run=no --factory-reset=yes"]
    assert start.disk.read_text() == f"{NEW} codex-var\n"
    assert not start.variable.exists()
    assert (start.folder / "codex/factory-reset").read_text() == f"{OLD}\n"
    assert "forgets its state" in done.stdout
    assert f"partition {NEW} is new" in done.stdout


def test_a_request_that_stays_erases_once(start: Start) -> None:
    """Firmware that does not let go of a variable must not erase the state at every start."""
    start.ask(OLD.encode())
    done = start.run(STUBBORN="1")
    assert done.returncode == 0
    assert "it does no harm" in done.stdout
    assert start.variable.exists()
    for _ in range(2):
        done = start.run(STUBBORN="1")
        assert done.returncode == 0
        assert "is for another partition" in done.stdout
    assert (
        start.calls()
        == ["--dry-run=no --factory-reset=yes"] + ["--dry-run=no --factory-reset=no"] * 2
    )


@pytest.mark.parametrize(
    "text",
    [b"", b"yes", b"y\0e\0s\0\0\0", OTHER.encode(), OLD.upper().encode(), OLD.encode() + b"\n",
     OLD.encode() + b"\0", f"{OTHER}\n{OLD}".encode(), b"../../x",
     pytest.param(os.urandom(36), id="garbage"), b"x" * 5000],
)  # fmt: skip
def test_a_request_for_something_else(start: Start, text: bytes) -> None:
    start.ask(text)
    done = start.run()
    assert done.returncode == 0
    assert "Nothing was erased." in done.stdout
    assert start.calls() == ["--dry-run=no --factory-reset=no"]
    assert start.disk.read_text() == f"{OLD} codex-var\n"
    assert not start.variable.exists()


@pytest.mark.parametrize(
    "disk", [f"{OLD} codex-var\n{OTHER} data\n", f"{OTHER} data\n{OLD} codex-var\n",
             f"{OLD} data\n", f"{OTHER} codex-var\n"]
)  # fmt: skip
def test_a_disk_with_other_partitions(start: Start, disk: str) -> None:
    """systemd-repart takes the first partition of the type, whatever its name is."""
    start.disk.write_text(disk)
    start.ask(OLD.encode())
    assert start.run().returncode == 0
    assert start.calls() == ["--dry-run=no --factory-reset=no"]
    assert start.disk.read_text() == disk


def test_power_failed_after_the_partition_was_gone(start: Start) -> None:
    start.ask(OLD.encode())
    start.disk.write_text("")
    done = start.run()
    assert done.returncode == 0
    assert "was erased already" in done.stdout
    assert start.calls() == ["--dry-run=no --factory-reset=no"]
    assert start.disk.read_text() == f"{NEW} codex-var\n"
    assert not start.variable.exists()


def test_power_failed_half_way(start: Start) -> None:
    start.ask(OLD.encode())
    done = start.run(REPART="half")
    assert done.returncode == 1
    assert "made nothing new" in done.stdout
    assert start.run().returncode == 0
    assert start.calls()[-1] == "--dry-run=no --factory-reset=no"
    assert start.disk.read_text() == f"{NEW} codex-var\n"


def test_a_disk_that_cannot_be_written_is_tried_again(start: Start) -> None:
    start.ask(OLD.encode())
    done = start.run(REPART="dead")
    assert done.returncode == 1
    assert "the next start tries again" in done.stdout
    assert start.variable.exists()
    assert not (start.folder / "codex").exists()
    assert start.run().returncode == 0
    assert start.disk.read_text() == f"{NEW} codex-var\n"


@pytest.mark.parametrize("status", ["76", "77"])
def test_statuses_of_repart_that_the_unit_knows(start: Start, status: str) -> None:
    assert start.run(REPART=status).returncode == int(status)
