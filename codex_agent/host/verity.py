# SPDX-License-Identifier: Apache-2.0
"""dm-verity of the root: state, root hash, signature.

The kernel tells these only to root, so a small timer writes what ``dmsetup status`` and, where the
host has it, ``dmsetup table`` print to /run/codex; the age of a reading is the age of that file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from codex_agent.host.model import Verity, VerityState
from codex_agent.host.reading import Reading, Unreadable
from codex_agent.host.rootdevice import ROOT_TYPES, partitions
from codex_agent.host.text import flag

if TYPE_CHECKING:
    from codex_agent.host.reading import Ledger
    from codex_agent.host.root import Root
    from codex_agent.host.rootdevice import RootDevice

STATUS = "/run/codex/verity-status"
TABLE = "/run/codex/verity-table"
CMDLINE = "/proc/cmdline"
REQUIRE_SIGNATURES = "/sys/module/dm_verity/parameters/require_signatures"
FRESH_S = 120.0

_STATES: dict[str, VerityState] = {"V": "active", "C": "corrupted"}


@dataclass(frozen=True, slots=True)
class Table:
    """What the mapping's table says: the root hash and whether a signature was given."""

    root_hash: str
    signed: bool


def target_words(text: str, mapping: str) -> list[str]:
    """Return the words after ``verity`` in the line of one mapping, as dmsetup prints it."""
    for entry in text.splitlines():
        name, separator, rest = entry.rpartition(": ")
        words = rest.split()
        if separator and name == mapping and len(words) > 3 and words[2] == "verity":
            return words[3:]
    raise ValueError(f"no line is about the mapping {mapping}")


def parse_status(text: str, mapping: str) -> VerityState:
    """Return the state that ``dmsetup status --target verity`` shows for a mapping."""
    word = target_words(text, mapping)[0]
    if word not in _STATES:
        raise ValueError("the state is neither V nor C")
    return _STATES[word]


def parse_table(text: str, mapping: str) -> Table:
    """Return hash and signature from ``dmsetup table --target verity``."""
    words = target_words(text, mapping)
    # version data hash block block blocks start algorithm digest salt [count options]
    if len(words) < 10 or not re.fullmatch(r"(?:[0-9a-f]{2}){20,64}", words[8], re.ASCII):
        raise ValueError("the line has no root hash")
    return Table(words[8], "root_hash_sig_key_desc" in words[10:])


def parse_cmdline(text: str) -> str:
    """Return the one root hash that the kernel command line names."""
    found = {word[9:].lower() for word in text.split() if word.startswith("roothash=")}
    if not found:
        raise ValueError("it names no roothash=")
    if len(found) > 1:
        raise ValueError("it names several root hashes")
    value = found.pop()
    if not re.fullmatch(r"(?:[0-9a-f]{2}){32,64}", value, re.ASCII):
        raise ValueError("the root hash is not hexadecimal of 32 bytes or more")
    return value


def _fresh(root: Root, path: str) -> Reading[str]:
    """Read a file of the timer; its age is the file's, and an old one counts as none."""
    age = root.reading(path, lambda: root.file_age(path))
    if age.value is None:
        return age.then(lambda _: None)
    content = root.read(path, str)
    observed = age.observed - age.value
    if content.value is None:
        return content
    if age.value > FRESH_S:
        reason = f"{path} is {age.value:.0f} s old, older than {FRESH_S:.0f} s"
        return Reading(None, path, observed, reason)
    return Reading(content.value, path, observed)


def state(root: Root, device: Reading[RootDevice]) -> Reading[VerityState]:
    """Read whether dm-verity guards the root and has met a corrupted block."""
    if device.value is None:
        return device.then(lambda _: None)
    if not device.value.verity:
        return Reading("inactive", device.source, device.observed)
    mapping = device.value.mapping
    return _fresh(root, STATUS).then(lambda text: parse_status(text, mapping))


def table(root: Root, device: Reading[RootDevice]) -> Reading[Table]:
    """Read the mapping's table."""
    if device.value is None or not device.value.verity:
        reason = device.reason or "the root is not under dm-verity"
        return Reading(None, device.source, device.observed, reason)
    mapping = device.value.mapping
    return _fresh(root, TABLE).then(lambda text: parse_table(text, mapping))


def root_hash(root: Root, device: Reading[RootDevice], facts: Reading[Table]) -> Reading[str]:
    """Read the root hash: from the table, else from the command line where partitions agree.

    Partitions carry the first and the last 128 bits of the hash as their UUIDs (UAPI.2), which ties
    the words of the command line to the disk that is in use.
    """
    if facts.value is not None or device.value is None or not device.value.verity:
        return facts.then(lambda known: known.root_hash)
    mapped = device.value

    def take() -> str:
        named = parse_cmdline(root.text(CMDLINE))
        for part in partitions(root, mapped):
            expected = named[:32] if part.type in ROOT_TYPES else named[-32:]
            if part.uuid.replace("-", "") != expected:
                raise Unreadable("the command line's root hash is not that of the partitions")
        return named

    return root.reading(f"{CMDLINE} roothash=, partition UUIDs", take)


def signed(root: Root, device: Reading[RootDevice], facts: Reading[Table]) -> Reading[bool]:
    """Read whether the kernel has checked a signature of the root hash."""
    if device.value is None or not device.value.verity:
        return facts.then(lambda known: known.signed)
    required = root.read(REQUIRE_SIGNATURES, flag)
    if required.value is True:
        return required
    if facts.value is None:
        reason = f"the kernel does not say for all devices, and {facts.reason}"
        return Reading(None, f"{REQUIRE_SIGNATURES}, {TABLE}", facts.observed, reason)
    return facts.then(lambda known: known.signed)


def read(root: Root, device: Reading[RootDevice], ledger: Ledger) -> Verity:
    """Read all that is known about the seal of the root."""
    facts = table(root, device)
    return Verity(
        state=ledger.note("verity.state", state(root, device)),
        root_hash=ledger.note("verity.root_hash", root_hash(root, device, facts)),
        signed=ledger.note("verity.signed", signed(root, device, facts)),
    )
