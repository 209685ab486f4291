# SPDX-License-Identifier: Apache-2.0
"""Boot entries: which versions can start, which of them were found good, and what runs now.

An entry that is still counted has the tries in its name (``codex-os_0.1.9+2-1.efi``: two left, one
made). systemd-bless-boot takes them out of the name once the host has found itself healthy.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from codex_agent.host import boots
from codex_agent.host.reading import Unreadable
from codex_agent.host.release import image, os_release
from codex_agent.update import names, versions
from codex_agent.update.system import ENTRIES

if TYPE_CHECKING:
    from codex_agent.host.model import Image
    from codex_agent.host.root import Root

EFIVARS = "/sys/firmware/efi/efivars"
VENDOR = "4a67b082-0a4c-41cf-b6c7-440b29bb8c4f"  # systemd's boot loader interface
LOADER = "LoaderInfo"
SELECTED = "LoaderEntrySelected"
DEFAULT = "LoaderEntryDefault"
ONESHOT = "LoaderEntryOneShot"

Standing = Literal["good", "counted", "bad"]
BootState = Literal["blessed", "counted", "unknown"]
_ENTRY = re.compile(
    rf"{names.IMAGE}_(?P<version>[^_+]+)(?:\+(?P<left>[0-9]{{1,4}})(?:-(?P<done>[0-9]{{1,4}}))?)?\.efi",
    re.ASCII | re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Entry:
    """A boot entry of ours; ``left`` is None where it is not counted."""

    file: str
    version: str
    left: int | None
    done: int

    @property
    def id(self) -> str:
        """The boot loader's name of it, in which tries do not stand."""
        return f"{names.IMAGE}_{self.version}.efi".lower()

    @property
    def standing(self) -> Standing:
        """What is known of it: found good, still tried, or given up by the boot loader."""
        if self.left is None:
            return "good"
        return "counted" if self.left > 0 else "bad"


@dataclass(frozen=True, slots=True)
class Boot:
    """The running version, and whether this boot of it was found good.

    ``given_up`` has, for versions whose boots here were not good, why: as the health gate kept it.
    """

    image: Image | None
    state: BootState
    reason: str | None
    entries: tuple[Entry, ...]
    selected: str | None
    default: str | None
    oneshot: str | None
    given_up: dict[str, str]

    def of(self, version: str) -> Entry | None:
        """Return the entry of a version; the best one, should there be several."""
        found = [entry for entry in self.entries if entry.version == version]
        found.sort(key=lambda entry: (entry.left is None, entry.left or 0))
        return found[-1] if found else None

    @property
    def running(self) -> str | None:
        """The version that runs."""
        return self.image.version if self.image else None


def parse(name: str) -> Entry | None:
    """Return the entry that a file name stands for, or None where it is none of ours."""
    found = _ENTRY.fullmatch(name)
    if found is None or not versions.valid(found["version"]):
        return None
    left = None if found["left"] is None else int(found["left"])
    return Entry(name, found["version"], left, int(found["done"] or 0))


def reset_file(version: str) -> str:
    """Return the file of a version's entry for a factory reset, which is never counted.

    The boot loader takes it for no version, and nothing of ours does.
    """
    return f"{names.IMAGE}-reset_{version}.efi"


def entries(root: Root) -> tuple[Entry, ...]:
    """Return the entries on the ESP, the oldest version first, or raise ``Unreadable``."""
    found = [entry for name in root.names(ENTRIES) if (entry := parse(name)) is not None]
    order = {
        version: at for at, version in enumerate(versions.in_order({e.version for e in found}))
    }
    return tuple(sorted(found, key=lambda entry: (order[entry.version], entry.file)))


def variable(root: Root, name: str) -> str | None:
    """Return a text variable of the boot loader, None where it is not set."""
    path = f"{EFIVARS}/{name}-{VENDOR}"
    try:
        content = root.data(path, 8192)
    except Unreadable as error:
        if error.absent:
            return None
        raise
    # Four bytes of attributes, then UTF-16 with a zero at its end.
    try:
        text = content[4:].decode("utf-16-le").rstrip("\0")
    except UnicodeDecodeError:
        raise Unreadable(f"{path} is not text") from None
    if len(content) < 4 or not text.isprintable():
        raise Unreadable(f"{path} is not text")
    return text or None


def loader_ran(root: Root) -> bool:
    """Say whether the boot loader ran in this start, which it notes before all else."""
    try:
        return variable(root, LOADER) is not None
    except Unreadable:
        return False


def read(root: Root) -> Boot:
    """Read what runs and what can start."""
    running = image(os_release(root)).value
    found: tuple[Entry, ...] = ()
    selected = default = oneshot = None
    reason = None
    try:
        found = entries(root)
        selected = variable(root, SELECTED)
        default = variable(root, DEFAULT)
        oneshot = variable(root, ONESHOT)
    except Unreadable as error:
        reason = error.reason
    if running is None:
        reason = "this host was not booted from an image of Codex OS"
    state: BootState = "unknown"
    if running is not None and reason is None:
        state, reason = _judge(running.version, found, selected)
    journal = boots.given_up(root, running.version if running else None)
    given_up = {given.version: boots.clause(given) for given in journal.value or []}
    return Boot(running, state, reason, found, selected, default, oneshot, given_up)


def set_next(boot: Boot) -> str | None:
    """Return the version that the boot loader was told to start next, None where it was not."""
    for name in (boot.oneshot, boot.default):
        entry = parse(name) if name else None
        if entry is not None:
            # The boot loader writes names in small letters and without tries as well.
            found = [e.version for e in boot.entries if e.version.lower() == entry.version.lower()]
            if found:
                return found[0]
    return None


def starts_next(boot: Boot) -> str | None:
    """Return the version that starts next: the one that was set, else the newest not given up."""
    told = set_next(boot)
    if told is not None:
        return told
    able = [entry.version for entry in boot.entries if entry.standing != "bad"]
    return able[-1] if able else None


def _judge(
    running: str, found: tuple[Entry, ...], selected: str | None
) -> tuple[BootState, str | None]:
    """Say whether this boot was found good; in doubt it is unknown."""
    if selected is not None:
        booted = parse(selected)
        # The boot loader's name of an entry is in small letters.
        if booted is not None and booted.version.lower() != running.lower():
            return "unknown", f"the boot loader started {selected}, and {running} is running"
    mine = [entry for entry in found if entry.version == running]
    if not mine:
        return "unknown", f"no boot entry of {running} is on the boot partition"
    if any(entry.standing == "good" for entry in mine):
        return "blessed", None
    tries = mine[-1].left or 0
    return "counted", f"its boot is still on trial, {tries} tries are left"
