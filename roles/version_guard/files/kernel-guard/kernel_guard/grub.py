# SPDX-License-Identifier: Apache-2.0
"""GRUB: which kernel its menu starts, read from grub.cfg, and the entry kept in its environment.

The guard needs ``GRUB_DEFAULT=saved``. GRUB starts the first entry, the newest kernel, where the
saved one is not in its menu: so an entry counts only when it was found there.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass

from kernel_guard.host import Host, UnreadableError

CONFIG = "/boot/grub/grub.cfg"
ENVIRONMENT = "/boot/grub/grubenv"

_DEFAULT = re.compile(r"^\s*set\s+default=(.*?)\s*$", re.MULTILINE)
_ALLOWED = ('"${next_entry}"', '"${saved_entry}"')
_BLOCK = re.compile(r"\{\s*$")
_LINUX = re.compile(r"^\s*linux(?:16|efi)?\s+(\S+)(.*)$")
_IMAGE = re.compile(r"(?:^|/)vmlinuz-([^/]+)$")
_RESCUE = re.compile(
    r"(?:^|\s)(single|recovery|rescue|emergency|systemd\.unit=(rescue|emergency)\S*)(?=\s|$)"
)


@dataclass(frozen=True)
class Entry:
    """An entry of the menu: what chooses it on each level, its kernel, whether it is a rescue."""

    ids: tuple[str, ...]
    titles: tuple[str, ...]
    places: tuple[int, ...]
    release: str | None
    rescue: bool = False

    @property
    def path(self) -> str:
        """Return the name by which GRUB finds the entry, submenus included."""
        return ">".join(self.ids)

    def chosen_by(self, saved: str) -> bool:
        """Say whether GRUB takes this entry for what stands in its environment."""
        parts = saved.split(">")
        return len(parts) == len(self.ids) and all(
            part in (self.ids[at], self.titles[at], str(self.places[at]))
            for at, part in enumerate(parts)
        )


@dataclass
class _Open:
    """A block of grub.cfg that has not ended: a menu, an entry, or anything else."""

    kind: str
    id: str = ""
    title: str = ""
    place: int = 0
    inside: int = 0
    release: str | None = None
    rescue: bool = False


def menu(text: str) -> list[Entry]:
    """Return the entries of a grub.cfg in their order, or raise ``UnreadableError``."""
    stack = [_Open("menu")]
    entries: list[Entry] = []
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip().startswith("#"):
            continue
        if _BLOCK.search(line):
            stack.append(_opened(line, number, stack[-1]))
        elif line.strip() == "}":
            if len(stack) == 1:
                raise UnreadableError(f"{CONFIG} ends a block in line {number} that never began")
            block = stack.pop()
            if block.kind == "menuentry":
                path = [part for part in stack if part.kind == "submenu"] + [block]
                entries.append(_entry(path))
        elif (match := _LINUX.match(line)) and stack[-1].kind == "menuentry":
            image = _IMAGE.search(match[1])
            stack[-1].release = image[1] if image else None
            stack[-1].rescue = bool(_RESCUE.search(match[2]))
    if len(stack) > 1:
        raise UnreadableError(f"{CONFIG} ends in the middle of a block")
    if not entries:
        raise UnreadableError(f"{CONFIG} has no entry")
    return entries


def _opened(line: str, number: int, above: _Open) -> _Open:
    word = line.split(None, 1)[0]
    if word not in ("menuentry", "submenu"):
        return _Open("other")
    try:
        words = shlex.split(line.strip()[:-1])
    except ValueError:
        raise UnreadableError(f"{CONFIG} has a quote in line {number} that does not end") from None
    if len(words) < 2:
        raise UnreadableError(f"{CONFIG} has an entry without a name in line {number}")
    title = name = words[1]
    for mark in ("$menuentry_id_option", "--id"):
        if mark in words[:-1]:
            name = words[words.index(mark) + 1]
    if ">" in name:
        raise UnreadableError(f"{CONFIG} has an entry in line {number} whose name cannot be saved")
    place, above.inside = above.inside, above.inside + 1
    return _Open(word, name, title, place)


def _entry(path: list[_Open]) -> Entry:
    last = path[-1]
    return Entry(
        tuple(block.id for block in path),
        tuple(block.title for block in path),
        tuple(block.place for block in path),
        # os-prober lists kernels of other systems, which may have the name of one of ours.
        None if any(block.id.startswith("osprober-") for block in path) else last.release,
        last.rescue or last.id.rpartition("-recovery-")[1] != "",
    )


class Grub:
    """GRUB of a running host; every change is read back."""

    name = "grub"

    def __init__(self, host: Host) -> None:
        self.host = host
        text = host.text(CONFIG)
        self.entries = menu(text)
        self.saves = saved_entry_counts(text)

    def effective(self) -> str | None:
        """Return the kernel that the next start takes; None where that is no kernel of Debian's."""
        saved = self._kept("next_entry") or self._saved()
        for entry in self.entries:
            if saved and entry.chosen_by(saved):
                return entry.release
        return self.entries[0].release

    def lists(self, release: str) -> bool:
        """Say whether the menu has a kernel."""
        return self._entry(release) is not None

    def choose(self, release: str) -> None:
        """Make a kernel the default, or raise ``UnreadableError`` where that did not come about."""
        if not self.saves:
            raise UnreadableError(
                f"{CONFIG} does not start the saved entry: GRUB_DEFAULT is not saved"
            )
        entry = self._entry(release)
        if entry is None:
            raise UnreadableError(f"{CONFIG} has no entry for {release}")
        # What an older grub-reboot left there would be the default after the next start; it goes.
        if self._saved() != entry.path or self._kept("prev_saved_entry"):
            self.host.ask("grub-set-default", entry.path)
        if once := self._kept("next_entry"):
            raise UnreadableError(
                f"the next start alone takes {once}, as grub-reboot was told; "
                "`grub-editenv - unset next_entry` takes that back"
            )
        if (
            self._saved() != entry.path
            or self._kept("prev_saved_entry")
            or self.effective() != release
        ):
            raise UnreadableError(f"{ENVIRONMENT} does not hold the entry that was written to it")

    def _entry(self, release: str) -> Entry | None:
        found = [e for e in self.entries if e.release == release and not e.rescue]
        # The entry at the top is "the newest", whatever that will be after the next update-grub.
        named = [e for e in found if release in e.ids[-1]]
        return named[0] if named else None

    def _saved(self) -> str | None:
        return self._kept("saved_entry")

    def _kept(self, wanted: str) -> str | None:
        if not self.host.has(ENVIRONMENT):
            return None
        for line in self.host.ask("grub-editenv", ENVIRONMENT, "list").splitlines():
            name, equals, value = line.partition("=")
            if name == wanted and equals:
                return value
        return None


def saved_entry_counts(text: str) -> bool:
    """Say whether a grub.cfg starts the saved entry, and nothing else that could be set."""
    values = _DEFAULT.findall(text)
    return '"${saved_entry}"' in values and all(value in _ALLOWED for value in values)
