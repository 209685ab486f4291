# SPDX-License-Identifier: Apache-2.0
"""Drives systemd-sysupdate, which writes a version into the slot that does not run.

Its transfers are fixed files of the image, read from /usr/lib/sysupdate.d. What differs from
release to release is the UUID of each partition, by which the initrd finds it: that comes as a
drop-in for the time of the update.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from codex_agent.provision import files
from codex_agent.update import names, versions
from codex_agent.update.exits import Exit, UpdateError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from codex_agent.update.program import Done, Runner
    from codex_agent.update.release import Release

PROGRAM = "/usr/lib/systemd/systemd-sysupdate"
LIST_TIMEOUT_S = 300.0
WRITE_TIMEOUT_S = 2 * 3600.0
TRANSFERS = {"root": "10-root", "verity": "20-verity", "signature": "30-signature"}
DROPINS = "/run/sysupdate.d"
DROPIN = "50-uuid.conf"
_PROGRESS = re.compile(r"Got ([0-9]{1,3})% of (?:\S*/)?([^\s/]+?)\.?")


@dataclass(frozen=True, slots=True)
class Described:
    """What systemd-sysupdate says of one version."""

    version: str
    installed: bool
    incomplete: bool
    protected: bool

    @property
    def whole(self) -> bool:
        """Whether all its parts are in their places."""
        return self.installed and not self.incomplete


@dataclass
class Sysupdate:
    """The program with what it needs; ``keep`` is the lock."""

    run: Runner
    keep: Sequence[int] = ()

    def _ask(
        self,
        *words: str,
        timeout_s: float = LIST_TIMEOUT_S,
        on_line: Callable[[str], None] | None = None,
    ) -> Done:
        argv = [PROGRAM, "--json=short", "--no-pager", *words]
        return self.run(argv, timeout_s=timeout_s, keep=self.keep, on_line=on_line)

    def versions(self) -> list[str]:
        """Return the versions that are in a slot, whole or not, the oldest first."""
        done = self._ask("--offline", "list")
        data = _object(done)
        found = data.get("all") if data else None
        if not isinstance(found, list) or not all(isinstance(entry, str) for entry in found):
            raise _failed("The slots cannot be listed", done)
        return versions.in_order({entry for entry in found if versions.valid(entry)})

    def describe(self, version: str) -> Described | None:
        """Return what is in the slots of a version, None where there is nothing of it."""
        done = self._ask("--offline", "list", version)
        if done.status not in (0, None) and "not found" in done.err:
            return None
        data = _object(done)
        flags = ("installed", "incomplete", "protected")
        if (
            data is None
            or data.get("version") != version
            or not all(isinstance(data.get(flag), bool) for flag in flags)
        ):
            raise _failed(f"What is in the slot of {version} cannot be read", done)
        return Described(version, data["installed"], data["incomplete"], data["protected"])

    def write(self, version: str, tell: Callable[[str, int, int], None]) -> None:
        """Write a version from the stage; the program verifies signature and hashes once more."""
        last: str | None = None

        def line(said: str) -> None:
            nonlocal last
            found = _PROGRESS.fullmatch(said)
            if found is not None:
                last = found[2]
                tell(last, min(int(found[1]), 100), 100)

        words = ("--verify=yes", "--sync=yes", "update", version)
        done = self._ask(*words, timeout_s=WRITE_TIMEOUT_S, on_line=line)
        if done.status != 0:
            raise _failed(f"Version {version} was not written", done)
        if last is not None:
            # It does not always say so itself.
            tell(last, 100, 100)
        # It also ends with 0 when it finds nothing to do.
        found = self.describe(version)
        if found is None or not found.whole:
            raise UpdateError(
                Exit.NOT_WRITTEN,
                f"Version {version} is not whole in its slot after it was written.",
                f"{PROGRAM} list {version}",
            )


def in_bytes(
    release: Release, tell: Callable[[str, int, int], None]
) -> Callable[[str, int, int], None]:
    """Return what tells of files of a release in bytes, where the program tells of per cent."""
    sizes = {file.name: file.bytes for file in release.files.values()}
    sizes[release.name(names.UNPACKED_ROOT)] = release.root_bytes

    def told(name: str, done: int, total: int) -> None:
        size = sizes.get(name, total)
        tell(name, done * size // total, size)

    return told


def name_partitions(folder: Path, release: Release) -> None:
    """Write the drop-ins that give the partitions the UUIDs of this release."""
    for role, transfer in TRANSFERS.items():
        place = folder / f"{transfer}.transfer.d"
        place.mkdir(mode=0o755, parents=True, exist_ok=True)
        content = f"[Target]\nPartitionUUID={release.uuids[role]}\n"
        files.write(place / DROPIN, content.encode(), files.PUBLIC_FILE)


def forget_partitions(folder: Path) -> None:
    """Remove the drop-ins."""
    for transfer in TRANSFERS.values():
        (folder / f"{transfer}.transfer.d" / DROPIN).unlink(missing_ok=True)


def _object(done: Done) -> dict[str, Any] | None:
    """Return the last line of an output as the JSON object that it has to be."""
    lines = done.out.strip().splitlines()
    if done.status != 0 or not lines:
        return None
    try:
        data = json.loads(lines[-1])
    except (json.JSONDecodeError, RecursionError):
        return None
    return data if isinstance(data, dict) else None


def _failed(what: str, done: Done) -> UpdateError:
    why = done.last if done.status != 0 else "systemd-sysupdate answers in an unexpected way"
    return UpdateError(Exit.NOT_WRITTEN, f"{what}: {why}.", "journalctl -b -t systemd-sysupdate")
