# SPDX-License-Identifier: Apache-2.0
"""The GPUs that answered at the last good boot, so that one which is lost is missed.

The gate keeps them beside the journal of boots when it finds a boot good. One that did not answer
any more stays in the list as lost: the next version is not blamed for it, and it is told until it
answers again or a person says that it is gone (``codex probe --forget``).
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from codex_agent.errors import CodexError
from codex_agent.host import boots, pci
from codex_agent.host.plain import plain
from codex_agent.host.reading import Unreadable
from codex_agent.host.text import identifier
from codex_agent.provision import files

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from codex_agent.host.root import Root

NAME = "gpus.json"
PLACE = f"{boots.FOLDER}/{NAME}"
BROKEN = f"{NAME}.broken"
SCHEMA = 1
MOST = 256  # GPUs that are kept, those that answered before those that are lost
_BYTES = 128 * 1024  # more than so many take
_ADDRESS = re.compile(r"[0-9a-f]{4,8}:[0-9a-f]{2}:[01][0-9a-f]\.[0-7]", re.ASCII)
_ID = re.compile(r"[0-9a-f]{4}:[0-9a-f]{4}", re.ASCII)
_DRIVER = re.compile(r"[A-Za-z0-9_.-]{1,64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Gpu:
    """One that answered; ``lost``: it did so at a good boot, and not at the last one."""

    address: str
    id: str
    driver: str
    lost: bool = False


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept, and at which boot that was."""

    boot_id: str | None
    gpus: tuple[Gpu, ...]


def identity(root: Root, address: str) -> str | None:
    """Return vendor and device of what is at an address, None where nothing is."""
    here = f"{pci.DEVICES}/{address}"
    try:
        vendor, device = (identifier(root.text(f"{here}/{n}"), 4) for n in ("vendor", "device"))
    except (Unreadable, ValueError):
        return None
    return f"{vendor}:{device}"


def load(text: str) -> Kept:
    """Return what a file holds, or raise ``ValueError``; what is not known here is passed over."""
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError("it is not valid JSON") from None
    content = content if isinstance(content, dict) else {}
    schema, entries, boot_id = (content.get(name) for name in ("schema", "gpus", "boot_id"))
    if not isinstance(schema, int) or isinstance(schema, bool) or schema < 1:
        raise ValueError("it has no schema")
    if isinstance(entries, list):
        found = [gpu for entry in entries if (gpu := _gpu(entry)) is not None]
        # The same one twice would be missed twice.
        once = {(gpu.address, gpu.id): gpu for gpu in found}
        return Kept(boot_id if isinstance(boot_id, str) else None, tuple(once.values())[:MOST])
    raise ValueError("it has no list of GPUs")


def _gpu(entry: Any) -> Gpu | None:
    if not isinstance(entry, dict):
        return None
    words: list[str] = []
    for name, form in (("address", _ADDRESS), ("id", _ID), ("driver", _DRIVER)):
        value = entry.get(name)
        if not isinstance(value, str) or not form.fullmatch(value):
            return None
        words.append(value)
    return Gpu(words[0], words[1], words[2], lost=entry.get("lost") is True)


def read(root: Root) -> Kept:
    """Return what is kept; ``Unreadable`` or ``ValueError`` where that is not known."""
    try:
        return load(root.text(PLACE, _BYTES))
    except Unreadable as error:
        if error.absent:
            return Kept(None, ())
        raise
    except ValueError as error:
        raise ValueError(f"{PLACE} is broken: {error}") from None


def expected(root: Root) -> list[Gpu]:
    """Return those that answered before, or raise as ``read`` does.

    A version that does not know this file may have had good boots since: what answered at them is
    not known, so none of these is one that answered at the last good boot.
    """
    kept = read(root)
    gpus = list(kept.gpus)
    return [replace(gpu, lost=True) for gpu in gpus] if _passed(root, kept.boot_id) else gpus


def _passed(root: Root, boot_id: str | None) -> bool:
    """Say whether the journal has a good boot after this one."""
    try:
        journal = boots.journal(root)
    except (Unreadable, ValueError):
        return False
    since = next((n + 1 for n, boot in enumerate(journal) if boot.boot_id == boot_id), 0)
    return any(boot.verdict in boots.GOOD for boot in journal[since:])


def missing(root: Root, before: Sequence[Gpu], answering: Collection[Gpu]) -> list[Gpu]:
    """Return those of before that do not answer now, the newly lost first.

    One that is not at its address and answers at another is the same card in another slot, or the
    same machine with other addresses.
    """
    now = {gpu.address: gpu.id for gpu in answering}
    known = {(gpu.address, gpu.id) for gpu in before}
    elsewhere = Counter(gpu.id for gpu in answering if (gpu.address, gpu.id) not in known)
    found = []
    for gpu in sorted(before, key=lambda gpu: (gpu.lost, gpu.address)):
        if now.get(gpu.address) == gpu.id:
            continue
        if identity(root, gpu.address) != gpu.id and elsewhere[gpu.id]:
            elsewhere[gpu.id] -= 1
            continue
        found.append(gpu)
    return found


def told(root: Root, gpu: Gpu) -> str:
    """Say of one that is missing what it was and what is there now."""
    when = "an earlier" if gpu.lost else "the last"
    driver = pci.driver(root, gpu.address).value
    if identity(root, gpu.address) != gpu.id:
        now = "is no longer there"
    elif driver is None:
        now = "has no driver now"
    else:
        now = f"is driven by {driver} now, and does not answer"
    return f"{gpu.address} ({gpu.id}) answered with {gpu.driver} at {when} good boot and {now}"


def keep(root: Root, boot_id: str, answering: Collection[Gpu]) -> str | None:
    """Keep what answers at this good boot; returns a sentence where something was not possible."""
    try:
        before, problem = list(read(root).gpus), None
    except (Unreadable, ValueError) as error:
        before, problem = [], f"The list of GPUs that answered begins anew; {error}."
    try:
        if problem is not None:
            place = Path(root.at(PLACE))
            place.rename(place.with_name(BROKEN))
        gone = [replace(gpu, lost=True) for gpu in missing(root, before, answering)]
        if answering or before or problem is not None:
            ordered = sorted(answering, key=lambda gpu: gpu.address)
            _write(root, Kept(boot_id, (*ordered, *gone)[:MOST]))
    except (CodexError, OSError) as error:
        why = error.message if isinstance(error, CodexError) else f"{error.strerror}.".lower()
        return f"Which GPUs answered at this boot is not kept: {why}"
    return problem


def _write(root: Root, kept: Kept) -> None:
    folder = Path(root.at(boots.FOLDER))
    files.directory(folder, files.PUBLIC_DIRECTORY)
    content = json.dumps({"schema": SCHEMA, **plain(kept)}, indent=1).encode() + b"\n"
    files.write(folder / NAME, content, files.PUBLIC_FILE)


def forget(root: Root, addresses: Sequence[str]) -> list[Gpu]:
    """Take GPUs out of the list that a person has taken out of the host, and return them."""
    try:
        kept = read(root)
    except (Unreadable, ValueError) as error:
        hint = "The next good boot makes the list anew."
        raise CodexError(f"Which GPUs answered is not known: {error}.", hint=hint) from None
    found = [gpu for gpu in kept.gpus if gpu.address in addresses]
    for address in addresses:
        if address not in {gpu.address for gpu in found}:
            names = ", ".join(gpu.address for gpu in kept.gpus)
            raise CodexError(
                f"No GPU is known that answered at {address}.",
                hint=f"Known are: {names}" if names else "None is known on this host.",
            )
    _write(root, replace(kept, gpus=tuple(gpu for gpu in kept.gpus if gpu not in found)))
    return found
