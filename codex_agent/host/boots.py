# SPDX-License-Identifier: Apache-2.0
"""The journal of boots: what each amounted to, and which version was given up for what reason.

The gate writes it (``codex_agent.probe.record``) before it fails a boot, so that the version which
comes back can say why. A newer version may have written it: what is known of it is read.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_args

from codex_agent.host import release
from codex_agent.host.model import BootReason, GivenUp, VerdictState
from codex_agent.host.reading import Unreadable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from codex_agent.host.model import BootOutcome, Check
    from codex_agent.host.reading import Reading
    from codex_agent.host.root import Root

FOLDER = "/var/lib/codex/boots"
PLACE = f"{FOLDER}/journal.json"
SCHEMA = 1
GOOD: tuple[VerdictState, ...] = ("healthy", "degraded")
MOST_REASONS = 8
_VERDICTS: tuple[str, ...] = get_args(VerdictState)
_LOADER = "/sys/firmware/efi/efivars/{}-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f"
_ENTRY = re.compile(
    rf"{release.IMAGE_ID}_(?P<version>[^_+]+)"
    r"(?:\+(?P<left>[0-9]{1,4})(?:-(?P<done>[0-9]{1,4}))?)?\.efi",
    re.ASCII | re.IGNORECASE,
)
_LONGEST = 400


@dataclass(frozen=True, slots=True)
class Entry:
    """What the boot loader started; the tries are None where the boot is not counted."""

    name: str | None
    tries_left: int | None
    tries_done: int | None


@dataclass(frozen=True, slots=True)
class Boot:
    """One start of the host; ``verdict`` is None until there is one."""

    boot_id: str
    version: str
    entry: Entry
    started_at: str
    judged_at: str | None
    verdict: VerdictState | None
    reasons: list[BootReason]


def against(checks: Sequence[Check]) -> list[Check]:
    """Return the checks that stand against a boot, those first that decide."""
    bad = [check for check in checks if check.state not in ("ok", "skipped")]
    decides = ("failed", "unknown")
    return sorted(bad, key=lambda c: not (c.gates and c.state in decides))[:MOST_REASONS]


def entry(root: Root) -> Entry:
    """Return what systemd-boot says that it started; nothing on a host without it.

    It notes what it counts before it loads the file. Firmware that refuses the file may start
    another version without a restart: a note of a version that does not run says nothing here.
    """
    running = release.version_of(root)
    counted = _file(_loader(root, "LoaderBootCountPath"), running)
    name = _file(_loader(root, "LoaderEntrySelected"), running) or counted
    match = _ENTRY.fullmatch(counted or "")
    if match is None or match["left"] is None:
        return Entry(name, None, None)
    return Entry(name, int(match["left"]), int(match["done"] or 0))


def _file(path: str | None, running: str | None) -> str | None:
    """Return the file that a path ends in, None where it is that of another version."""
    name = re.split(r"[/\\]", path)[-1] if path else None
    found = _ENTRY.fullmatch(name or "")
    # The boot loader names an entry in small letters.
    if found and running and found["version"].lower() != running.lower():
        return None
    return name


def _loader(root: Root, name: str) -> str | None:
    try:
        content = root.data(_LOADER.format(name), 4096)
        text = content[4:].decode("utf-16-le").rstrip("\0")
    except (Unreadable, UnicodeDecodeError):
        return None
    return text if text.isprintable() and len(text) <= _LONGEST else None


def load(text: str) -> list[Any]:
    """Return the entries of a journal as they are, or raise ``ValueError``."""
    try:
        content = json.loads(text)
    except (json.JSONDecodeError, RecursionError):
        raise ValueError("it is not valid JSON") from None
    content = content if isinstance(content, dict) else {}
    schema, entries = content.get("schema"), content.get("boots")
    if not isinstance(schema, int) or isinstance(schema, bool) or schema < 1:
        raise ValueError("it has no schema")
    if isinstance(entries, list):
        return entries
    raise ValueError("it has no list of boots")


def boot(content: Any) -> Boot | None:
    """Return one entry, or None where it is not of a form that is known here."""
    if not isinstance(content, dict):
        return None
    words: list[Any] = [content.get(name) for name in ("boot_id", "version", "started_at")]
    if not all(_line(word) for word in words):
        return None
    verdict = content.get("verdict")
    judged = content.get("judged_at")
    reasons = content.get("reasons")
    named = content.get("entry")
    named = named if isinstance(named, dict) else {}
    return Boot(
        boot_id=words[0],
        version=words[1],
        started_at=words[2],
        judged_at=judged if _line(judged) else None,
        verdict=verdict if verdict in _VERDICTS else None,
        reasons=[
            BootReason(reason["check"], reason["message"])
            for reason in (reasons if isinstance(reasons, list) else [])
            if isinstance(reason, dict) and _line(reason.get("check"))
            and _line(reason.get("message"))
        ][:MOST_REASONS],
        entry=Entry(
            named["name"] if _line(named.get("name")) else None,
            _count(named.get("tries_left")),
            _count(named.get("tries_done")),
        ),
    )  # fmt: skip


def _line(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _LONGEST and value.isprintable()


def _count(value: object) -> int | None:
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10_000:
        return value
    return None


def journal(root: Root) -> list[Boot]:
    """Return the boots that were kept, the oldest first, or raise ``Unreadable``/``ValueError``."""
    try:
        text = root.text(PLACE)
    except Unreadable as error:
        if error.absent:
            return []
        raise
    return [found for content in load(text) if (found := boot(content)) is not None]


def given_up(root: Root, running: str | None) -> Reading[list[GivenUp]]:
    """Read which other versions have failed since the running one was first started here."""

    def take() -> list[GivenUp]:
        return judge(journal(root), running)

    return root.reading(PLACE, take)


def judge(boots: Sequence[Boot], running: str | None) -> list[GivenUp]:
    """Return the versions whose last boot was bad, the latest first."""
    first = next((n for n, entry in enumerate(boots) if entry.version == running), None)
    if running is None or first is None:
        return []
    by_version: dict[str, list[Boot]] = {}
    for found in boots[first:]:
        if found.version != running:
            by_version.setdefault(found.version, []).append(found)
    bad = [entries for entries in by_version.values() if entries[-1].verdict not in GOOD]
    return [_given_up(entries) for entries in reversed(bad)]


def clause(given: GivenUp) -> str:
    """Return what happened to a version as a clause: whoever refuses it again can say why."""
    count = "its boot here was" if given.boots == 1 else f"{given.boots} of its boots here were"
    told = "; ".join(reason.message.rstrip(".") for reason in given.reasons)
    return f"{count} not good" + (f": {told}" if told else "")


def _given_up(entries: Sequence[Boot]) -> GivenUp:
    last = entries[-1]
    outcome: BootOutcome = "no-verdict"
    if last.verdict in ("failed", "unknown"):
        outcome = last.verdict
    # A boot that hung has no reason to give; one before it may.
    told = next((found for found in reversed(entries) if found.reasons), last)
    return GivenUp(
        version=last.version,
        boots=sum(found.verdict not in GOOD for found in entries),
        last_at=last.judged_at or last.started_at,
        outcome=outcome,
        reasons=told.reasons,
    )
