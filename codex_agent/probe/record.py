# SPDX-License-Identifier: Apache-2.0
"""Writes the journal of boots: that one has begun, and before it fails, what failed.

The file is replaced as a whole and is on the disk when these return: cut off at any point, the old
one or the new one is read. Nothing that goes wrong here changes a verdict.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from codex_agent.errors import CodexError
from codex_agent.host import boots, kernel, release
from codex_agent.host.boots import Boot
from codex_agent.host.model import BootReason
from codex_agent.host.plain import plain
from codex_agent.host.reading import Unreadable
from codex_agent.probe import answered, gpu, reserve
from codex_agent.problem import shown
from codex_agent.provision import files

if TYPE_CHECKING:
    from codex_agent.host.model import HostSnapshot
    from codex_agent.host.root import Root

MOST = 20  # boots that are kept
BROKEN = "journal.json.broken"
_BYTES = 200 * 1024  # less than its readers take
INITRD = f"{boots.FOLDER}/initrd-reason"  # codex-boot-reason.service puts it there
_ENTRY = re.compile(r"codex-os_([^_+@]+)(?:\+[0-9-]+)?\.efi")
ATTEMPTS = "attempts"  # of the initrd, which counts the starts without a verdict


def begin(root: Root) -> str | None:
    """Keep that this boot has begun; returns a sentence where that was not possible.

    A boot that ends without a verdict is then known for what it was. What an earlier one left
    that ended in its initrd comes before it.
    """
    found = _this(root)
    if found is None:
        return None
    earlier = _of_initrd(root)
    if earlier is not None:
        problem = _put(root, earlier)
        if problem is not None:
            return problem
        Path(root.at(INITRD)).unlink()
    return _put(root, found)


def finish(root: Root, host: HostSnapshot) -> str | None:
    """Keep what this boot amounted to; returns a sentence where that was not possible."""
    found = _this(root)
    if found is None:
        return None
    bad = boots.against(host.verdict.checks)
    judged = replace(
        found,
        judged_at=_now(root),
        verdict=host.verdict.state,
        reasons=[BootReason(shown(check.name), shown(check.message)) for check in bad],
    )
    good = host.verdict.state in boots.GOOD
    # Before the journal calls the boot good, which says that what is kept of others is of the past.
    gpus = _gpus(root, found.boot_id) if good else None
    problem = _put(root, judged)
    if problem is None and good:
        problem = reserve.hold(Path(root.at(boots.FOLDER)))
    return " ".join(filter(None, (problem, gpus))) or None


def _gpus(root: Root, boot_id: str) -> str | None:
    """Keep which GPUs answered: at a good boot those are all that a driver which computes has."""
    try:
        found = gpu.devices(root)
    except Unreadable as error:
        return f"Which GPUs answered at this boot is not kept: {error.reason}."
    return answered.keep(root, boot_id, gpu.computing(root, found))


def stop_counting(root: Root) -> str | None:
    """Tell the initrd that this start came to a verdict by itself, whatever it is.

    It starts the other version once after several in a row that did not.
    """
    try:
        Path(root.at(f"{boots.FOLDER}/{ATTEMPTS}")).unlink(missing_ok=True)
    except OSError as error:
        why = (error.strerror or "unknown error").lower()
        return f"The count of starts without a verdict stays: {why}."
    return None


def _of_initrd(root: Root) -> Boot | None:
    """Return the boot that ended in its initrd, of which an entry and a sentence are known."""
    try:
        # Cut in the initrd by bytes, so the last letter may be half of one.
        lines = root.data(INITRD).decode(errors="replace").splitlines()
    except Unreadable:
        return None
    entry, why = [*lines, "", ""][:2]
    version = _ENTRY.fullmatch(entry)
    now = _now(root)
    return Boot(
        boot_id=f"initrd-{now}",
        version=shown(version[1] if version else "unknown"),
        entry=boots.Entry(shown(entry)[:200] or None, None, None),
        started_at=now,
        judged_at=now,
        verdict="failed",
        reasons=[BootReason("initrd", shown(why)[:300] or "it said nothing")],
    )


def _now(root: Root) -> str:
    return datetime.fromtimestamp(root.wall(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _this(root: Root) -> Boot | None:
    """Return this boot; None where there is nobody to go back to, or no right to write."""
    version, boot_id = release.version_of(root), kernel.boot_id(root).value
    if version is None or boot_id is None or os.geteuid() != 0:
        return None
    return Boot(boot_id, version, boots.entry(root), _now(root), None, None, [])


def _put(root: Root, found: Boot) -> str | None:
    """Write it; where that fails, once more with the room that was held back for it."""
    folder = Path(root.at(boots.FOLDER))
    problem = _written(root, found, folder)
    if problem is not None and reserve.give(folder):
        return _written(root, found, folder)
    return problem


def _written(root: Root, found: Boot, folder: Path) -> str | None:
    try:
        files.directory(folder, files.PUBLIC_DIRECTORY)
        files.remove_unfinished(folder)
        content, problem = _kept(root, folder)
        started = [entry.get("started_at") for entry in content["boots"] if _is(entry, found)]
        if started and isinstance(started[0], str):
            found = replace(found, started_at=started[0])
        others = [entry for entry in content["boots"] if not _is(entry, found)]
        content["boots"] = [*others, plain(found)][-MOST:]
        while len(data := json.dumps(content, indent=1).encode()) > _BYTES:
            del content["boots"][0]
        files.write(folder / Path(boots.PLACE).name, data + b"\n", files.PUBLIC_FILE)
    except CodexError as error:
        return f"The journal of boots is not kept: {error.message}"
    except OSError as error:
        why = (error.strerror or "unknown error").lower()
        return f"The journal of boots is not kept: {why}."
    return problem


def _kept(root: Root, folder: Path) -> tuple[dict[str, Any], str | None]:
    """Return the journal as it is, with what a newer version added; a broken one is set aside."""
    empty: dict[str, Any] = {"schema": boots.SCHEMA, "boots": []}
    try:
        text = root.text(boots.PLACE)
    except Unreadable as error:
        if error.absent:
            return empty, None
        reason = error.reason
    else:
        try:
            boots.load(text)
        except ValueError as error:
            reason = f"{boots.PLACE} is broken: {error}"
        else:
            return json.loads(text), None
    (folder / Path(boots.PLACE).name).rename(folder / BROKEN)
    return empty, f"The journal of boots begins anew; {reason}."


def _is(entry: object, found: Boot) -> bool:
    return isinstance(entry, dict) and entry.get("boot_id") == found.boot_id
