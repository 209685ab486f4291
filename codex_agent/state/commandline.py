# SPDX-License-Identifier: Apache-2.0
"""The kernel's command line against the one that is sealed into the UKI of the running version.

With Secure Boot nothing else is taken. Without it, boot loader and firmware may add words.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from codex_agent.host.reading import Unreadable
from codex_agent.update import boot
from codex_agent.update.system import ENTRIES

if TYPE_CHECKING:
    from codex_agent.host.root import Root
    from codex_agent.state.model import Findings

CMDLINE = "/proc/cmdline"
_UKI_LIMIT = 256 * 1024 * 1024
_LONGEST = 64 * 1024
_SECTIONS = 96
SHELL_WORD = "codex.shell"


def compare(root: Root, found: Findings, version: str | None) -> None:
    """Compare the words; an entry of the boot menu beside the version's own is told as such."""
    found.compared += 1
    try:
        running = root.text(CMDLINE).split()
        if SHELL_WORD in running:
            # Told also where that entry was started from a medium without the version's own.
            text = "the boot entry for shells was started: root shells are open on the consoles"
            found.differs("command line", "changed", text, lasts=False)
            running.remove(SHELL_WORD)
        sealed = _sealed(root, version)
    except Unreadable as error:
        found.unreadable("command line", error.reason)
        return
    except ValueError as error:
        found.unreadable("command line", f"the boot entry cannot be understood: {error}")
        return
    own = sealed[0].split()
    if running == own:
        return
    others = [line.split() for line in sealed[1:]]
    more = [word for word in running if word not in own]
    fewer = [word for word in own if word not in running]
    if running in others:
        text = "another entry of the boot menu than the version's own was started"
    elif not more and not fewer:
        text = "it has the words of the boot entry in another order or number"
    else:
        clauses = (("it has beside those of the boot entry:", more), ("it lacks:", fewer))
        parts = [f"{name} {' '.join(words)}" for name, words in clauses if words]
        text = "; ".join(parts)
    found.differs("command line", "changed", text, lasts=False)


def _sealed(root: Root, version: str | None) -> list[str]:
    entries = [entry for entry in boot.entries(root) if entry.version == version]
    if not entries:
        raise Unreadable(f"no boot entry of the running version is below {ENTRIES}")
    return command_lines(root.data(f"{ENTRIES}/{entries[-1].file}", _UKI_LIMIT))


def command_lines(program: bytes) -> list[str]:
    """Return the sections ``.cmdline`` of a PE program in their order, or raise ``ValueError``.

    The first belongs to the program's own entry, each further one to a profile of it.
    """
    try:
        if program[:2] != b"MZ":
            raise ValueError("it is no EFI program")
        (header,) = struct.unpack_from("<I", program, 0x3C)
        if program[header : header + 4] != b"PE\0\0":
            raise ValueError("it is no EFI program")
        count, optional = struct.unpack_from("<H12xH", program, header + 6)
        if count > _SECTIONS:
            raise ValueError(f"it has more than {_SECTIONS} sections")
        found = [_text(program, header + 24 + optional + 40 * number) for number in range(count)]
    except struct.error:
        raise ValueError("it breaks off") from None
    lines = [text for text in found if text is not None]
    if not lines:
        raise ValueError("it has no command line")
    return lines


def _text(program: bytes, at: int) -> str | None:
    name, size, _, raw_size, raw = struct.unpack_from("<8sIIII", program, at)
    if name != b".cmdline":
        return None
    length = min(size, raw_size)
    if length > _LONGEST or raw + length > len(program):
        raise ValueError("its command line breaks off")
    try:
        return str(program[raw : raw + length].decode().rstrip("\0\n "))
    except UnicodeDecodeError:
        raise ValueError("its command line is not text") from None
