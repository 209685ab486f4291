# SPDX-License-Identifier: Apache-2.0
"""The initrd's scripts with the folders and programs of a test, and a boot loader before them."""

import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

TREE = Path(__file__).resolve().parents[3] / "images/initrd/tree"
SCRIPTS = TREE / "usr/lib/codex"
LOADER = "4a67b082-0a4c-41cf-b6c7-440b29bb8c4f"
OURS = "5b5f8a0e-6d1c-4d0e-9a3f-0a6f7d1d9c52"
ONESHOT, SELECTED = f"LoaderEntryOneShot-{LOADER}", f"LoaderEntrySelected-{LOADER}"
ENTRIES, COUNTED = f"LoaderEntries-{LOADER}", f"LoaderBootCountPath-{LOADER}"
REASON = f"CodexBootReason-{OURS}"

# The kernel protects variables that it does not know: one that was written can be written again
# only after chattr, and takes its content in one piece. $FIRMWARE: "full" takes nothing, "frozen"
# keeps what it has and lets nobody change that.
PROGRAMS = {
    "chattr": '[ "$1" = -i ] || exit 1\n[ "$FIRMWARE" != frozen ] || exit 1\n'
    'rm -f "$PROTECTED/${2##*/}"',
    "dd": "for word; do case $word in of=*) to=${word#of=};; if=*) from=${word#if=};; esac; done\n"
    'case ${to-} in "$EFIVARS"/*) ;; *) exec "$REAL_DD" "$@";; esac\n'
    'echo "${to##*/}" >>"$WRITTEN"\n'
    'fail() { echo "dd: $1" >&2; exit 1; }\n'
    '[ -z "$FIRMWARE" ] && [ ! -e "$PROTECTED/${to##*/}" ] || fail "not permitted"\n'
    '[ "$(stat -c %s "$from")" -le 4096 ] || fail "in pieces"\n'
    '"$REAL_DD" "$@" && : >"$PROTECTED/${to##*/}"',
    "systemctl": 'echo "systemctl $*" >>"$CALLS"\n'
    'case "$*" in --failed*) cat "$FAILED";; list-jobs*) cat "$JOBS";; esac',
    "journalctl": 'case "$*" in *--lines=20*) ;; *) cat "$JOURNAL";; esac',
    "sleep": 'echo "sleep $*" >>"$CALLS"',
}


def utf16(*texts: str) -> bytes:
    """Content of a variable of the boot loader, without the attributes."""
    return b"".join(f"{text}\0".encode("utf-16-le") for text in texts)


@dataclass
class Initrd:
    """One host, as the scripts of its initrd see it."""

    folder: Path

    def __post_init__(self) -> None:
        for name in ("bin", "efivars", "protected", "lib", "var", "dev/mapper"):
            (self.folder / name).mkdir(parents=True)
        for name in ("failed", "jobs", "journal"):
            (self.folder / name).touch()
        self.put("cmdline", f"console=ttyS0 roothash={'0123456789abcdef' * 4} quiet\n")
        self.put("active", "ttyS0\n")
        for name, body in PROGRAMS.items():
            self.program(name, body)
        for script in SCRIPTS.iterdir():
            self._place(script)

    def put(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)

    def program(self, name: str, body: str) -> None:
        path = self.folder / "bin" / name
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)

    def _place(self, script: Path) -> None:
        places = {
            "/sys/firmware/efi/efivars": "efivars", "/proc/cmdline": "cmdline",
            "/run/codex": "codex", "/usr/lib/codex": "lib",
            "/sys/class/tty/console/active": "active",
            "/usr/lib/systemd/systemd-veritysetup": "bin/veritysetup",
        }  # fmt: skip
        text = script.read_text()
        for place, name in places.items():
            text = text.replace(place, str(self.folder / name))
        text = re.sub(r"/dev/(?!null)", f"{self.folder}/dev/", text)
        path = self.folder / "lib" / script.name
        path.write_text(text)
        path.chmod(0o755)

    def variable(self, name: str) -> Path:
        return self.folder / "efivars" / name

    def set(self, name: str, content: bytes) -> None:
        self.variable(name).write_bytes(b"\x06\0\0\0" + content)

    def oneshot(self) -> str | None:
        """What the boot loader would read, as it would read it."""
        path = self.variable(ONESHOT)
        if not path.exists():
            return None
        content = path.read_bytes()
        assert content[:4] == b"\x07\0\0\0"
        text = content[4:].decode("utf-16-le")
        assert text.endswith("\0")
        return text[:-1]

    def reason(self) -> list[str]:
        content = self.variable(REASON).read_bytes()
        assert content[:4] == b"\x07\0\0\0"
        return content[4:].decode().splitlines()

    def lines(self, name: str) -> list[str]:
        path = self.folder / name
        return path.read_text().splitlines() if path.exists() else []

    def run(
        self, name: str, *arguments: str, more: Mapping[str, str] | None = None
    ) -> "subprocess.CompletedProcess[str]":
        folder = self.folder
        environment = {
            "PATH": f"{folder / 'bin'}:{os.environ['PATH']}", "REAL_DD": "/bin/dd", "FIRMWARE": "",
            "EFIVARS": str(folder / "efivars"), "PROTECTED": str(folder / "protected"),
            "WRITTEN": str(folder / "written"), "CALLS": str(folder / "calls"),
            "FAILED": str(folder / "failed"), "JOBS": str(folder / "jobs"),
            "JOURNAL": str(folder / "journal"), **(more or {}),
        }  # fmt: skip
        return subprocess.run(
            [folder / "lib" / name, *arguments], env=environment, cwd=folder,
            capture_output=True, text=True, errors="replace", check=False, timeout=60,
        )  # fmt: skip


@dataclass
class Loader:
    """systemd-boot 257, as far as it decides what starts: ``tries`` is None where none are counted.

    Entries without tries left are listed behind all others, else by sort key and the newest first;
    the name of an entry has no tries in it.
    """

    initrd: Initrd
    tries: dict[str, int | None]
    default: str | None = None

    def order(self) -> list[str]:
        def rank(name: str) -> tuple[bool, str, list[int]]:
            kind, _, version = name.removesuffix(".efi").partition("_")
            return self.tries[name] == 0, kind, [-int(part) for part in version.split(".")]

        return sorted(self.tries, key=rank)

    def start(self) -> str:
        """Start the host anew, up to its initrd; returns what was started."""
        for name in ("codex", "calls"):
            subprocess.run(["rm", "-rf", self.initrd.folder / name], check=True)
        oneshot = self.initrd.oneshot()
        for name in (ONESHOT, COUNTED):
            self.initrd.variable(name).unlink(missing_ok=True)
            (self.initrd.folder / "protected" / name).unlink(missing_ok=True)
        order = self.order()
        versions = [name for name in order if name.startswith("codex-os_")]
        chosen = next((name for name in (oneshot, self.default) if name in self.tries), versions[0])
        assert chosen is not None
        left = self.tries[chosen]
        if left is not None:
            self.tries[chosen] = max(left - 1, 0)
            self.initrd.set(COUNTED, utf16(f"\\EFI\\Linux\\{chosen}"))
        self.initrd.set(ENTRIES, utf16(*order, "auto-reboot-to-firmware-setup"))
        self.initrd.set(SELECTED, utf16(chosen))
        return chosen
