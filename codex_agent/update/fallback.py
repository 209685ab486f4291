# SPDX-License-Identifier: Apache-2.0
"""The firmware's own way back: a boot option that starts a good version without the boot loader.

systemd-boot cannot start an entry whose file was damaged after it was found good: the firmware
refuses it, and without another option the host waits for a person. So a last option of the
firmware's boot order names the UKI of the other good version, or of the running one while the
other is being replaced.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from codex_agent.host.reading import Unreadable
from codex_agent.update import boot as booting
from codex_agent.update.exits import Exit, UpdateError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from codex_agent.update.boot import Boot, Entry
    from codex_agent.update.program import Runner
    from codex_agent.update.system import System

EFIBOOTMGR = "efibootmgr"
LABEL = "Codex OS fallback"
_DEVICE = "LoaderDevicePartUUID"
_TIMEOUT_S = 60.0
_OPTION = re.compile(r"^Boot([0-9A-F]{4})(\*?) ([^\t]*)(?:\t(.*))?$", re.MULTILINE)
_NUMBERS = r"((?:[0-9A-F]{4},?)+)$"


@dataclass(frozen=True, slots=True)
class Option:
    """A boot option of the firmware; ``path`` is its device path as text."""

    number: str
    active: bool
    label: str
    path: str

    def names(self, entry: Entry) -> bool:
        """Say whether it starts an entry of ours; FAT knows no small or large letters."""
        file = re.split(r"[/\\]", self.path.rstrip(")"))[-1]
        return file.lower() == entry.file.lower()


@dataclass(frozen=True, slots=True)
class Firmware:
    """What the firmware would start: the options in its order, ours among them."""

    options: tuple[Option, ...]
    order: tuple[str, ...]
    current: str | None

    @property
    def ours(self) -> list[Option]:
        """Our options; more than one after a run that was cut."""
        return [option for option in self.options if option.label == LABEL]

    @property
    def started_ours(self) -> bool:
        """Whether this boot is one that the boot loader could not make."""
        return any(option.number == self.current for option in self.ours)


def read(run: Runner, keep: Sequence[int] = ()) -> Firmware:
    """Ask the firmware, or raise ``UpdateError``."""
    return _parse(_call(run, [], keep))


def _parse(text: str) -> Firmware:
    order = re.search(rf"^BootOrder: {_NUMBERS}", text, re.MULTILINE)
    current = re.search(r"^BootCurrent: ([0-9A-F]{4})$", text, re.MULTILINE)
    return Firmware(
        tuple(Option(n, bool(star), label, path) for n, star, label, path in _OPTION.findall(text)),
        tuple(order[1].split(",")) if order else (),
        current[1] if current else None,
    )


def choose(boot: Boot, bad: Mapping[str, str], next_version: str | None) -> Entry | None:
    """Return the entry to fall back to: good, not given up, and not what starts anyway."""
    good = [e for e in boot.entries if e.standing == "good" and e.version not in bad]
    others = [entry for entry in good if entry.version != next_version]
    best = others or good
    return best[-1] if best else None


def point(system: System, entry: Entry, keep: Sequence[int] = ()) -> bool:
    """Have the firmware fall back to an entry; say whether that had to be changed.

    The new option stands before an old one goes, and is looked for afterwards.
    """
    run = system.run
    before = read(run, keep)
    if _is_so(before, entry):
        return False
    first = _before_ours(before)
    disk, part = _partition(system)
    file = f"\\EFI\\Linux\\{entry.file}"
    create = ["--create-only", "--disk", disk, "--part", part, "--label", LABEL, "--loader", file]
    if not any(option.active and option.names(entry) for option in before.ours):
        _call(run, create, keep)
    made = read(run, keep)
    fitting = [option for option in made.ours if option.active and option.names(entry)]
    if not fitting:
        raise _refused("the firmware did not keep the new option")
    new = fitting[-1]
    # A busy machine has been seen to read its variables wrong, once: an order of our option alone
    # was written, and the firmware then started the fallback in place of a new version.
    if _before_ours(made) != first:
        raise _refused("two readings of the order of its options differ")
    _call(run, ["--bootorder", ",".join([*first, new.number])], keep)
    for number in sorted({option.number for option in made.ours} - {new.number}):
        _call(run, ["--delete-bootnum", "--bootnum", number], keep)
    after = read(run, keep)
    if not _is_so(after, entry) or list(after.order[:-1]) != first:
        raise _refused("the firmware did not keep the order of its options")
    return True


def _before_ours(firmware: Firmware) -> list[str]:
    """Return what has to stand before our option: ours alone would be what starts each time."""
    if not firmware.order:
        raise _refused("the firmware keeps no boot order")
    ours = {option.number for option in firmware.ours}
    others = [number for number in firmware.order if number not in ours]
    others = others or [o.number for o in firmware.options if o.active and o.number not in ours]
    if not others:
        raise _refused("the firmware has no other option")
    return others


def _is_so(firmware: Firmware, entry: Entry) -> bool:
    if len(firmware.ours) != 1 or len(firmware.order) < 2:
        return False
    (ours,) = firmware.ours
    return ours.active and ours.names(entry) and firmware.order[-1] == ours.number


def _partition(system: System) -> tuple[str, str]:
    """Return the disk of the ESP and the partition's number on it."""
    try:
        uuid = booting.variable(system.root, _DEVICE)
        if uuid is None or not re.fullmatch(r"[0-9A-Fa-f-]{36}", uuid):
            raise _refused("the boot loader does not say which partition it was started from")
        device = system.path(f"/dev/disk/by-partuuid/{uuid.lower()}").resolve()
        number = system.root.text(f"/sys/class/block/{device.name}/partition").strip()
        disk = system.path(f"/sys/class/block/{device.name}").resolve().parent.name
    except (Unreadable, OSError) as error:
        raise _refused(f"its partition is not known ({error})") from None
    return f"/dev/{disk}", number


def _call(run: Runner, words: Sequence[str], keep: Sequence[int]) -> str:
    done = run([EFIBOOTMGR, *words], timeout_s=_TIMEOUT_S, keep=keep)
    if done.status != 0:
        raise _refused(done.last)
    return done.out


def _refused(why: str) -> UpdateError:
    text = f"The firmware was not told what to start when the boot loader cannot: {why}."
    return UpdateError(Exit.FAILED, text, EFIBOOTMGR)
